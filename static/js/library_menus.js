// The menu of one item, and the lists that open under the chips.
import { favourite, remove, rename } from "./library_acts.js";
import { library } from "./library_results.js";
import { tileOf } from "./selection.js";

const menu = document.getElementById("tile-menu");
const ACTS = { favourite, rename, delete: (tile) => remove([tile]) };

let of = null;
function open(button) {
  of = tileOf(button);
  const id = of.dataset.job;
  const hrefs = { open: `/library/${id}`, use: `/create?from=${id}`, download: `/api/v1/videos/jobs/${id}/download` };
  for (const [key, href] of Object.entries(hrefs)) menu.querySelector(`[data-menu="${key}"]`).href = href;
  menu.querySelector('[data-menu="favourite"] span').textContent = of.classList.contains("is-fav") ? "No longer a favourite" : "Favourite";
  menu.showPopover();
  const at = button.getBoundingClientRect();
  const size = menu.getBoundingClientRect();
  menu.style.left = `${Math.max(8, Math.min(at.right - size.width, innerWidth - size.width - 8))}px`;
  menu.style.top = `${at.bottom + size.height + 8 > innerHeight ? Math.max(8, at.top - size.height - 4) : at.bottom + 4}px`;
  menu.querySelector("a").focus();
}

library.addEventListener("click", (event) => {
  const link = event.target.closest('a[data-do="more"]');
  if (!link || !menu || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(link);
});

menu?.addEventListener("click", (event) => {
  const act = event.target.closest("[data-menu]")?.dataset.menu;
  if (!act) return;
  menu.hidePopover();
  ACTS[act]?.(of);
});
menu?.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const all = [...menu.querySelectorAll("[data-menu]")];
  all.at((all.indexOf(document.activeElement) + step) % all.length).focus();
  event.preventDefault();
});

const lists = () => library.querySelectorAll("[data-pop][open]");
document.addEventListener("click", (event) => {
  for (const list of lists()) if (!list.contains(event.target)) list.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const list of lists()) {
    list.open = false;
    list.querySelector("summary").focus();
    event.preventDefault();
  }
});
