// Copy buttons: `data-copy` names the element whose text is copied.
import { announce } from "./announce.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.querySelector(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
  } catch {
    // Without permission (plain http elsewhere than localhost) the text is selected, one key press away.
    const range = document.createRange();
    range.selectNodeContents(source);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    announce("Selected. Press Ctrl C to copy.");
    return;
  }
  const text = button.lastChild;
  const before = text.textContent;
  if (button.dataset.copied) return;
  button.dataset.copied = "1";
  button.style.minWidth = `${button.offsetWidth}px`;
  text.textContent = "Copied";
  announce("Copied");
  setTimeout(() => {
    text.textContent = before;
    delete button.dataset.copied;
  }, 1600);
});
