// Keys that act anywhere: Ctrl or Cmd with Enter sends a form; and unless Settings say no, `?`, `/` and two-key ways to places.
const NEXT_MS = 1500;
const SEARCH = "vf-search";
const TYPED = "input:not([type=checkbox], [type=radio], [type=range], [type=button], [type=submit]), textarea, select, [contenteditable]";

// Whether a key may act alone: not while somebody types, not in a dialog, not when switched off.
export function mayAct(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return false;
  if (!document.querySelector("#shortcuts[data-on]") || document.querySelector("dialog[open]")) return false;
  return !event.target.closest?.(TYPED);
}

let going = 0;
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) {
    const form = event.target.closest?.("form") || document.querySelector("[data-composer]");
    if (!form) return;
    event.preventDefault();
    form.requestSubmit();
    return;
  }
  if (!mayAct(event)) return;
  const place = performance.now() < going && document.querySelector(`.side a[data-key="${CSS.escape(event.key)}"]`);
  going = event.key === "g" ? performance.now() + NEXT_MS : 0;
  if (place) location.assign(place.href);
  else if (event.key === "?") document.getElementById("keys").showModal();
  else if (event.key === "/") search();
  else return;
  event.preventDefault();
});

function search() {
  const field = document.querySelector("main input[type=search]");
  const library = document.querySelector('.side a[href="/library"]');
  if (field) field.focus();
  else if (library) {
    sessionStorage.setItem(SEARCH, "1");
    location.assign(library.href);
  }
}

if (sessionStorage.getItem(SEARCH)) {
  sessionStorage.removeItem(SEARCH);
  document.querySelector("main input[type=search]")?.focus();
}
