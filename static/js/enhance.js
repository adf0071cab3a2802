// The prompt made richer, seen before it is used: both versions side by side, and a way back.
import { announce } from "./announce.js";
import { ask } from "./ask.js";
import { lock } from "./forms.js";

export function enhance(form, { onError, onUse }) {
  const dialog = document.getElementById("enhance");
  const preview = form.querySelector("[data-preview]");
  const revert = form.querySelector("[data-revert]");
  const original = form.elements.original;
  const [mine, theirs] = [dialog.querySelector("[data-original]"), dialog.querySelector("textarea")];
  // Enter in a field must not press them.
  preview.type = revert.type = "button";
  const follow = () => (revert.hidden = !original.value);

  preview.addEventListener("click", async () => {
    const free = lock(preview);
    try {
      const made = await ask("/api/v1/enhance", { method: "POST", body: { prompt: form.elements.prompt.value } });
      mine.textContent = made.original;
      theirs.value = made.prompt;
      theirs.readOnly = true;
      const same = made.prompt === made.original;
      const by = made.source === "gemini" ? "Written by Gemini." : "What the prompt did not name was added by rules.";
      dialog.querySelector("[data-enhance-note]").textContent = same ? "It says all it needs: nothing was added." : by;
      dialog.showModal();
    } catch (problem) {
      onError(problem);
    } finally {
      free();
    }
  });

  dialog.querySelector("[data-edit]").addEventListener("click", () => {
    theirs.readOnly = false;
    theirs.focus();
  });

  dialog.querySelector("[data-use-enhanced]").addEventListener("click", () => {
    original.value = mine.textContent;
    form.elements.enhance.checked = false;
    dialog.close();
    onUse(theirs.value);
    follow();
    announce("The enhanced prompt is in the form.");
  });

  revert.addEventListener("click", () => {
    const text = original.value;
    original.value = "";
    onUse(text);
    follow();
    announce("Your own prompt is back.");
  });

  form.addEventListener("restored", follow);
  return { forget: () => ((original.value = ""), follow()) };
}
