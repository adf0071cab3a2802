// What is ticked in the library: by box, by key, and with Shift everything between two.
import { announce } from "./announce.js";

const boxes = () => [...document.querySelectorAll('[data-library] .pick .check[name="ids"]')];
let anchor = null;
// What the last range changed, as it was before: another end to the same range takes it back first.
let reached = new Map();

export const chosen = () => boxes().filter((box) => box.checked);
export const tileOf = (element) => element?.closest?.(".tile") ?? null;
export const boxOf = (tile) => tile?.querySelector(".pick .check") ?? null;

export function told() {
  const count = chosen().length;
  const place = document.querySelector("[data-count]");
  if (place) place.textContent = `${count} selected`;
  document.querySelector('[data-bar] [data-do="share"]')?.setAttribute("aria-disabled", String(count !== 1));
  return count;
}

// `box` becomes `on`; with `range` it and all between become what the one is that was chosen before, and nothing else does.
export function choose(box, on, range = false) {
  const all = boxes();
  const from = range ? all.findIndex((each) => each.value === anchor) : -1;
  if (from < 0) {
    box.checked = on;
    anchor = box.value;
    reached = new Map();
  } else {
    for (const each of all) if (reached.has(each.value)) each.checked = reached.get(each.value);
    const to = all.indexOf(box);
    const some = all.slice(Math.min(from, to), Math.max(from, to) + 1).filter((each) => each.value !== anchor);
    reached = new Map(some.map((each) => [each.value, each.checked]));
    for (const each of some) each.checked = all[from].checked;
  }
  announce(`${told()} selected`);
}

// From one tile on to another, by key: the first is where a range begins unless one has begun.
export function extend(tile, next) {
  if (!boxOf(next)) return;
  if (boxOf(tile) && !chosen().some((box) => box.value === anchor)) choose(boxOf(tile), true);
  choose(boxOf(next), true, true);
}

export function clear() {
  for (const box of chosen()) box.checked = false;
  anchor = null;
  told();
}

document.addEventListener("click", (event) => {
  const box = event.target.closest?.(".pick .check");
  if (!box) return;
  // The browser has turned it already.
  const on = box.checked;
  box.checked = !on;
  choose(box, on, event.shiftKey);
});
document.addEventListener("reset", () => setTimeout(() => (clear(), announce("Nothing selected"))));
addEventListener("pageshow", told);
