// One video: its title, its mark and its public link change in place.
import { announce } from "./announce.js";
import { ask, askPage } from "./ask.js";
import { lock } from "./forms.js";
import { toast } from "./toasts.js";
import "./scrub.js";
import "./watch.js";

const ACTS = { title, favourite, share };
const send = (form, body) => ask(form.action, { method: "POST", body, keepalive: true });

// Before the forms' own listener, which would lock the button.
document.addEventListener(
  "submit",
  (event) => {
    const act = ACTS[event.target.dataset.place];
    if (!act) return;
    event.preventDefault();
    act(event.target, event.submitter || event.target.querySelector("button"));
  },
  true,
);

const heading = document.querySelector("[data-one-title]");
let kept = heading.textContent;
let sent = null;
async function title(form) {
  const input = form.elements.title;
  const typed = input.value.trim();
  // Enter is a change and a submit.
  if (typed === (sent ?? input.defaultValue)) return;
  sent = typed;
  named(typed || kept);
  wrong(form, "");
  try {
    const answer = await send(form, new FormData(form));
    if (sent !== typed) return;
    kept = answer.shown;
    named(kept);
    input.defaultValue = answer.title || "";
    input.placeholder = answer.title ? "Untitled" : kept;
    announce("Title saved");
  } catch (problem) {
    if (sent !== typed) return;
    // What was typed stays in the field; everything else goes back.
    named(kept);
    wrong(form, problem.message);
    announce(problem.message);
  }
  sent = null;
}

function named(name) {
  document.title = document.title.replace(heading.textContent, () => name);
  heading.textContent = name;
}

function wrong(form, words) {
  const place = document.getElementById("title-error");
  form.classList.toggle("err", Boolean(words));
  form.elements.title.toggleAttribute("aria-invalid", Boolean(words));
  form.elements.title.setAttribute("aria-describedby", "title-error");
  place.hidden = !words;
  place.querySelector("span").textContent = words;
}

let marks = 0;
async function favourite(form, button) {
  const on = button.value === "on";
  const mine = (marks += 1);
  const body = new FormData(form);
  body.set("favourite", button.value);
  marked(button, on);
  try {
    await send(form, body);
    announce(on ? "Added to favourites" : "No longer a favourite");
  } catch (problem) {
    if (mine === marks) marked(button, !on);
    toast(problem.message, { stays: true });
  }
}

function marked(button, on) {
  button.setAttribute("aria-pressed", String(on));
  button.value = on ? "off" : "on";
}

// One after the other, each with the form as it stood: a second choice made meanwhile must not be lost.
let shares = 0;
let before = Promise.resolve();
function share(form, button) {
  const toggle = button.getAttribute("role") === "switch";
  if (toggle && button.dataset.busy !== undefined) return;
  const free = toggle ? lock(button) : () => {};
  const body = new FormData(form);
  const mine = (shares += 1);
  before = before.then(async () => {
    try {
      await send(form, body);
      if (mine === shares) await renew();
    } catch (problem) {
      free();
      toast(problem.message, { stays: true });
    }
  });
}

async function renew() {
  const fresh = (await askPage(location.pathname)).getElementById("share");
  const old = document.getElementById("share");
  const at = old.contains(document.activeElement) ? document.activeElement : null;
  const name = at?.getAttribute("name");
  old.replaceWith(document.adoptNode(fresh));
  const toggle = fresh.querySelector("[role=switch]");
  if (at) (fresh.querySelector(name ? `[name="${name}"]:not([type=hidden])` : "[role=switch]") || toggle).focus();
  const on = toggle.getAttribute("aria-checked") === "true";
  announce(on ? fresh.querySelector(".hint").textContent.trim() : "The link works no more");
}

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-place=title], form[data-place=share]");
  if (form) form.requestSubmit();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.id === "title") {
    event.target.value = event.target.defaultValue;
    event.target.blur();
  }
});
