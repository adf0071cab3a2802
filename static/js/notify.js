// Notify me: a notice of the system when a job is done, only for jobs whose button was pressed. The wish outlives the page.
import { announce } from "./announce.js";
import { toast } from "./toasts.js";

const KEPT = "vf-notify";
const able = "Notification" in window;
document.documentElement.classList.toggle("can-notify", able);

const wishes = () => new Set(JSON.parse(localStorage.getItem(KEPT) || "[]"));
const keep = (ids) => localStorage.setItem(KEPT, JSON.stringify([...ids].slice(-100)));

export function markNotify(root) {
  const ids = able ? wishes() : new Set();
  for (const button of root.querySelectorAll("[data-notify]")) button.setAttribute("aria-pressed", String(ids.has(button.dataset.notify)));
}

export function notifyEnd(id, words, href) {
  const ids = able ? wishes() : new Set();
  if (!ids.delete(id)) return;
  keep(ids);
  try {
    const notice = new Notification(words, { tag: id });
    notice.onclick = () => {
      window.focus();
      location.assign(href);
    };
  } catch {
    // Some phones only let a service worker do this: the toast has said it.
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-notify]");
  if (!button) return;
  const id = button.dataset.notify;
  const on = button.getAttribute("aria-pressed") !== "true";
  if (on && (await Notification.requestPermission()) !== "granted") {
    toast("Your browser does not let this site send notices. Allow it in the browser’s settings.", { stays: true });
    return;
  }
  const ids = wishes();
  if (on) ids.add(id);
  else ids.delete(id);
  keep(ids);
  markNotify(document);
  announce(on ? "You will be told when it is done." : "No notice will be sent.");
});

markNotify(document);
