// The library by keys: arrows move, Enter opens, x chooses, f marks, d downloads, r uses the settings, Delete puts away.
import { mayAct } from "./keys.js";
import { favourite, remove } from "./library_acts.js";
import "./library_menus.js";
import { hitOf, library, tiles } from "./library_results.js";
import { boxOf, choose, chosen, clear, extend, tileOf } from "./selection.js";

const EDGE_PX = 4;
const ROW_PX = 8;

function step(tile, key) {
  const all = tiles().filter(hitOf);
  const at = all.indexOf(tile);
  if (at < 0) return all[0];
  if (key === "ArrowRight") return all[at + 1];
  if (key === "ArrowLeft") return all[at - 1];
  const down = key === "ArrowDown";
  const here = tile.getBoundingClientRect();
  const far = (box) => Math.abs(box.left + box.width / 2 - here.left - here.width / 2);
  const beyond = all.map((each) => [each, each.getBoundingClientRect()]).filter(([, box]) => (down ? box.top >= here.bottom - EDGE_PX : box.bottom <= here.top + EDGE_PX));
  const edge = down ? Math.min(...beyond.map(([, box]) => box.top)) : Math.max(...beyond.map(([, box]) => box.top));
  const row = beyond.filter(([, box]) => Math.abs(box.top - edge) < ROW_PX);
  return row.sort(([, a], [, b]) => far(a) - far(b))[0]?.[0];
}

function move(tile, event) {
  const next = step(tile, event.key);
  if (!next || (!tile && !["ArrowDown", "ArrowRight"].includes(event.key))) return;
  if (event.shiftKey) extend(tile, next);
  hitOf(next).focus();
  next.scrollIntoView({ block: "nearest" });
  return true;
}

const ACTS = {
  f: (tile) => tile?.querySelector('[data-do="favourite"]') && favourite(tile),
  d: (tile, ticked) => (ticked.length ? library.querySelector('[data-bar] [data-do="download"]') : tile.querySelector('[data-do="download"]'))?.click(),
  r: (tile) => tile && location.assign(`/create?from=${tile.dataset.job}`),
  Delete: (tile, ticked) => {
    const some = ticked.length ? ticked : [tile];
    if (some.every(boxOf)) remove(some);
  },
};

document.addEventListener("keydown", (event) => {
  if (!mayAct(event) || event.target.closest?.("[popover], summary")) return;
  const tile = tileOf(document.activeElement);
  const ticked = chosen().map(tileOf);
  const box = boxOf(tile);
  if (event.key.startsWith("Arrow")) {
    if (!move(tile, event)) return;
  } else if (event.key.toLowerCase() === "x" && box) choose(box, event.shiftKey || !box.checked, event.shiftKey);
  else if (event.key === "Escape" && ticked.length) clear();
  else if (ACTS[event.key] && !("trash" in library.dataset) && (tile || ticked.length)) ACTS[event.key](tile, ticked);
  else return;
  event.preventDefault();
});
