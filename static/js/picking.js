// Dialogs whose content is a page of its own: one's pictures to pick from, the form or a job as an API call.
import { ask, askPage } from "./ask.js";
import { toast } from "./toasts.js";

async function fetched(dialog, place, url, options, part) {
  try {
    const page = await askPage(url, options);
    dialog.querySelector(place).replaceChildren(...document.adoptNode(page.querySelector(part)).childNodes);
    dialog.showModal();
  } catch (problem) {
    toast(problem.message, { stays: true });
  }
}

export function picking(form, pictures) {
  const dialog = document.getElementById("pick");
  let into = pictures[0];
  form.addEventListener("click", (event) => {
    const pick = event.target.closest("[data-pick-for]");
    if (!pick) return;
    into = pictures.find((each) => each.place.dataset.picture === pick.dataset.pickFor);
    fetched(dialog, "[data-picks]", "/create/pictures", {}, "[data-pictures]");
  });
  dialog.addEventListener("click", async (event) => {
    const { picked, frame, facts } = event.target.closest("[data-picked], [data-frame]")?.dataset || {};
    if (!picked && !frame) return;
    event.preventDefault();
    try {
      const id = picked || (await ask(`/create/frame/${frame}`, { method: "POST" })).image_id;
      into.use(id, picked ? "Your picture" : "Last frame", facts);
      form.dispatchEvent(new Event("change"));
      dialog.close();
    } catch (problem) {
      toast(problem.message, { stays: true });
    }
  });
}

document.addEventListener("click", (event) => {
  const asked = event.target.closest("[data-copy-call]");
  const dialog = document.getElementById("call");
  if (!asked || !dialog || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const body = asked.form && new FormData(asked.form);
  for (const [name, value] of [...(body || [])]) if (value instanceof File) value.size ? body.set(name, value.name) : body.delete(name);
  fetched(dialog, "[data-call-here]", asked.href || asked.formAction, body ? { method: "POST", body } : {}, "[data-call]");
});
