// Toasts: at most three, six seconds (ten with an action), waiting while pointed at or focused; errors stay.
import { announce } from "./announce.js";
import { icon } from "./icon.js";

const box = document.getElementById("toasts");
const MOST = 3;
const SECONDS = 6;
const ACTION_SECONDS = 10;

function arm(toast, seconds) {
  let timer = 0;
  const start = () => {
    clearTimeout(timer);
    if (seconds) timer = setTimeout(() => toast.remove(), seconds * 1000);
  };
  const hold = () => clearTimeout(timer);
  toast.addEventListener("pointerenter", hold);
  toast.addEventListener("pointerleave", start);
  toast.addEventListener("focusin", hold);
  toast.addEventListener("focusout", start);
  toast.querySelector("[data-dismiss]")?.addEventListener("click", () => toast.remove());
  start();
}

export function toast(text, { action, href, run, stays = false } = {}) {
  const made = document.createElement("div");
  made.className = "toast";
  const words = document.createElement("span");
  words.className = "grow";
  words.textContent = text;
  made.append(words);
  if (action) {
    const button = document.createElement(href ? "a" : "button");
    button.className = "btn sm";
    button.textContent = action;
    if (href) button.href = href;
    else {
      button.type = "button";
      button.addEventListener("click", () => {
        made.remove();
        run();
      });
    }
    made.append(button);
  }
  const close = document.createElement("button");
  close.className = "btn sm icon";
  close.type = "button";
  close.setAttribute("aria-label", "Dismiss");
  close.dataset.dismiss = "";
  close.append(icon("x"));
  made.append(close);
  box.append(made);
  while (box.children.length > MOST) box.firstElementChild.remove();
  arm(made, stays ? 0 : action ? ACTION_SECONDS : SECONDS);
  announce(text);
  return made;
}

// Toasts that the server wrote into the page, or into a piece of one.
export function adopt() {
  for (const made of box.querySelectorAll("[data-toast]")) {
    delete made.dataset.toast;
    arm(made, "undo" in made.dataset ? ACTION_SECONDS : SECONDS);
    announce(made.querySelector(".grow").textContent);
  }
  while (box.children.length > MOST) box.firstElementChild.remove();
}
adopt();

let told = false;
export function signedOut() {
  if (!told) toast("You are signed out. What you typed is still here.", { action: "Sign in", href: `/login?next=${encodeURIComponent(location.pathname)}`, stays: true });
  told = true;
}

const address = new URL(location.href);
if (address.searchParams.has("said") || address.searchParams.has("undo")) {
  // Reloading must not say it again.
  address.searchParams.delete("said");
  address.searchParams.delete("undo");
  history.replaceState(history.state, "", address);
}
