// Forms: a button locks while its form is on the way, passwords can be shown, dialogs ask, the first error gets the focus.
import { announce } from "./announce.js";

export function lock(button) {
  if (!button) return () => {};
  button.style.minWidth = `${button.offsetWidth}px`;
  button.setAttribute("aria-disabled", "true");
  button.dataset.busy = "";
  return () => {
    button.removeAttribute("aria-disabled");
    delete button.dataset.busy;
    button.style.minWidth = "";
  };
}

// Nothing typed stays behind for the next person at this device.
document.addEventListener("submit", (event) => {
  if (event.target.getAttribute("action") !== "/logout") return;
  for (const key of Object.keys(localStorage)) if (key.startsWith("draft ")) localStorage.removeItem(key);
});

let unlock = [];
document.addEventListener("submit", (event) => {
  // Buttons of jobs are feed.js's.
  if (event.defaultPrevented || event.target.closest("form[data-act]")) return;
  const button = event.submitter || event.target.querySelector("button:not([type=button])");
  if (button?.dataset.busy !== undefined) {
    event.preventDefault();
    return;
  }
  unlock.push(lock(button));
});
addEventListener("pageshow", () => {
  for (const free of unlock) free();
  unlock = [];
});

document.addEventListener("click", (event) => {
  const disabled = event.target.closest('button[aria-disabled="true"]');
  if (disabled) event.preventDefault();

  const peek = event.target.closest("[data-peek]");
  if (peek) {
    const input = document.getElementById(peek.dataset.peek);
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    peek.textContent = shown ? "Show" : "Hide";
    peek.setAttribute("aria-pressed", String(!shown));
    input.focus();
  }

  const asks = event.target.closest("[data-dialog]");
  const dialog = asks && document.getElementById(asks.dataset.dialog);
  if (dialog) {
    event.preventDefault();
    dialog.showModal();
  }
  if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
  if (event.target.tagName === "DIALOG") event.target.close();
});

// How strong, in words: length first, then how many kinds of characters.
const STRENGTHS = ["Too short", "Weak: make it longer", "Fair", "Strong"];
function strength(text) {
  if (text.length < 10) return text ? 0 : -1;
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^\w]/].filter((kind) => kind.test(text)).length;
  const different = new Set(text).size;
  if (different < 6) return 1;
  return text.length >= 16 || (text.length >= 12 && kinds >= 3) ? 3 : 2;
}
for (const input of document.querySelectorAll("[data-meter]")) {
  const meter = document.getElementById(input.dataset.meter);
  input.addEventListener("input", () => {
    const words = STRENGTHS[strength(input.value)] || "";
    if (words !== meter.textContent) meter.textContent = words;
  });
}

for (const input of document.querySelectorAll("[data-time-zone]")) input.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";

const wrong = document.querySelector('[aria-invalid="true"]') || document.querySelector("[data-focus]:not([hidden])");
if (wrong) {
  wrong.focus();
  if (wrong.matches("[data-focus]")) announce(wrong.textContent.trim());
}
