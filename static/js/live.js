// Small forms and links that act without a reload, by htmx: locked while on the way, notices as toasts, errors focused and said.
import { lock } from "./forms.js";
import { adopt, signedOut, toast } from "./toasts.js";

const UNREACHABLE = "The server could not be reached. Nothing you typed is lost. Try again.";
const free = new WeakMap();

document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  const from = ctx.sourceElement;
  const button = ctx.request.submitter || (from.matches("form") ? from.querySelector("button") : from);
  if (button.matches("a, button")) free.set(from, lock(button));
});

document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => free.get(ctx.sourceElement)?.());

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  adopt();
  const place = ctx.target?.id && document.getElementById(ctx.target.id);
  const wrong = place && place.querySelector('[aria-invalid="true"]');
  if (wrong) wrong.focus();
  else if (place && document.activeElement === document.body) place.querySelector("a[href], button, input:not([type=hidden]), select")?.focus();
});

document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
  if (ctx.response.status === 401) return signedOut();
  if (ctx.response.status === 422) return;
  const page = new DOMParser().parseFromString(ctx.text, "text/html");
  toast(page.querySelector("[data-detail]")?.textContent || "That did not work. Try again.", { stays: true });
});

document.addEventListener("htmx:error", () => toast(UNREACHABLE, { stays: true }));
