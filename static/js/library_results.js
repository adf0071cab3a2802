// What the library shows: searched while typing, more of it, what is still being made, and the place that one comes back to.
import { announce } from "./announce.js";
import { askPage } from "./ask.js";
import { icon } from "./icon.js";
import { boxOf, chosen, tileOf, told } from "./selection.js";
import { signedOut, toast } from "./toasts.js";

const TYPED_MS = 250;
const LOST_MS = 120;
const FOCUS = "vf-library-focus";

export const library = document.querySelector("[data-library]");
const results = () => library.querySelector("[data-results]");
export const tiles = () => [...library.querySelectorAll(".tile")];
export const hitOf = (tile) => tile?.querySelector(".hit");
export const tileAt = (id) => library.querySelector(`.tile[data-job="${CSS.escape(id)}"]`);
export const failed = (problem) => (problem.status === 401 ? signedOut() : toast(problem.message, { stays: true }));
export const counted = (count, noun = "item") => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

// The counts of a day and of all that was found, `by` more or less than they say.
export function recount(day, by) {
  for (const place of [day?.querySelector("[data-day-count]"), library.querySelector("[data-found]")]) {
    if (!place) continue;
    const said = /^([\d,]+) (\w+?)s?\b/;
    place.textContent = place.textContent.replace(said, (_, count, noun) => counted(Number(count.replaceAll(",", "")) + by, noun));
  }
}

// A day without items has no heading; a library without items says so.
export function tidy() {
  for (const day of library.querySelectorAll("[data-days] > section")) if (!day.querySelector(".tile")) day.remove();
  if (!tiles().length) renew();
}

// ---- the results as they are now

let asking = 0;
export async function renew({ address = location.href, focus } = {}) {
  const mine = (asking += 1);
  const keep = new Set(chosen().map((box) => box.value));
  const at = focus ?? tileOf(document.activeElement)?.dataset.job;
  try {
    const page = await askPage(address);
    if (mine !== asking) return;
    for (const part of ["[data-filters]", "[data-results]"]) {
      const fresh = page.querySelector(part);
      if (fresh) library.querySelector(part).replaceWith(document.adoptNode(fresh));
    }
    for (const id of keep) if (boxOf(tileAt(id))) boxOf(tileAt(id)).checked = true;
    if (at) hitOf(tileAt(at))?.focus();
    told();
  } catch (problem) {
    if (mine === asking) unreadable(problem, address);
  }
}

function unreadable(problem, address) {
  if (problem.status === 401) signedOut();
  results().querySelector(":scope > .banner.bad")?.remove();
  results().prepend(trouble("The library could not be loaded.", () => renew({ address })));
}

function trouble(text, run) {
  const banner = document.createElement("div");
  const words = document.createElement("span");
  const again = document.createElement("button");
  banner.className = "banner bad";
  banner.setAttribute("role", "alert");
  words.className = "grow";
  words.textContent = text;
  again.className = "btn sm";
  again.type = "button";
  again.textContent = "Try again";
  again.addEventListener("click", () => {
    banner.remove();
    run();
  });
  banner.append(icon("alert"), words, again);
  return banner;
}

let typing = 0;
const search = library.querySelector("form[role=search]");
search.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(look, TYPED_MS);
});
search.addEventListener("submit", (event) => {
  event.preventDefault();
  event.stopImmediatePropagation();
  clearTimeout(typing);
  look();
}, true);

async function look() {
  const query = new URLSearchParams([...new FormData(search)].filter(([, value]) => value));
  history.replaceState(history.state, "", query.size ? `/library?${query}` : "/library");
  await renew();
  announce(library.querySelector("[data-found]")?.textContent || library.querySelector(".empty h2")?.textContent || "");
}

// ---- more of them

async function more(link) {
  const begun = asking;
  link.setAttribute("aria-disabled", "true");
  library.querySelector("[data-more] .banner")?.remove();
  try {
    const page = await askPage(link.href);
    // Meanwhile something else was looked for: these are not of it.
    if (begun !== asking) return;
    const list = library.querySelector("[data-days]");
    const first = page.querySelector(".tile")?.dataset.job;
    for (const day of page.querySelectorAll("[data-days] > section")) {
      const last = list.lastElementChild;
      if (last?.dataset.day === day.dataset.day) last.querySelector(".grid").append(...day.querySelectorAll(".tile"));
      else list.append(document.adoptNode(day));
    }
    library.querySelector("[data-more]").replaceWith(document.adoptNode(page.querySelector("[data-more]")));
    const here = new URL(location.href);
    here.searchParams.set("pages", String(Number(here.searchParams.get("pages") || 1) + 1));
    history.replaceState(history.state, "", here);
    if (first) hitOf(tileAt(first))?.focus();
  } catch (problem) {
    link.removeAttribute("aria-disabled");
    if (!link.isConnected) return;
    link.focus();
    if (problem.status === 401) signedOut();
    else link.closest("[data-more]").prepend(trouble("The next items could not be loaded.", () => more(link)));
  }
}

library.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-load]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (link.getAttribute("aria-disabled") !== "true") more(link);
});

// ---- what is still being made

export async function refresh(ids) {
  // An answer that was on its way while somebody marked the tile would take the mark back.
  await Promise.all(ids.map((id) => tileAt(id)?.sent));
  const turns = new Map(ids.map((id) => [id, tileAt(id)?.turn]));
  const query = new URLSearchParams(location.search);
  query.set("ids", ids.join(","));
  const page = await askPage(`/library/tiles?${query}`).catch((problem) => (problem.status === 401 ? signedOut() : null));
  if (!page) return;
  for (const id of ids) {
    const fresh = page.querySelector(`.tile[data-job="${CSS.escape(id)}"]`);
    const old = tileAt(id);
    if (old && old.turn !== turns.get(id)) {
      refresh([id]);
      continue;
    }
    if (fresh && !old) return renew();
    if (!fresh && old) {
      recount(old.closest("section"), -1);
      old.remove();
    } else if (fresh && !fresh.isEqualNode(old)) {
      const focused = old.contains(document.activeElement);
      if (boxOf(fresh) && boxOf(old)) boxOf(fresh).checked = boxOf(old).checked;
      if (fresh.dataset.word !== old.dataset.word) announce(`${fresh.dataset.word}: ${fresh.dataset.title}`);
      old.replaceWith(document.adoptNode(fresh));
      if (focused) hitOf(fresh)?.focus();
    }
  }
  told();
  tidy();
}
document.addEventListener("jobs:moved", (event) => refresh(event.detail));

// ---- a poster that is gone, and the place that one comes back to

// Links to posters end after some minutes: each tile gets a new one once, then the frame without a picture.
const tried = new Set();
let lost = [];
function gone(image) {
  lost.push(image);
  if (lost.length === 1) setTimeout(fetchLost, LOST_MS);
}
async function fetchLost() {
  const images = lost;
  lost = [];
  const ids = images.map((image) => tileOf(image)?.dataset.job).filter((id) => id && !tried.has(id));
  for (const id of ids) tried.add(id);
  if (ids.length) await refresh(ids);
  for (const image of images.filter((each) => each.isConnected)) {
    image.closest(".media").classList.add("ph");
    image.replaceWith(icon("img"));
  }
}
library.addEventListener("error", (event) => event.target.tagName === "IMG" && tileOf(event.target) && gone(event.target), true);
// Some were gone before anybody listened.
for (const image of library.querySelectorAll(".tile img")) if (image.complete && !image.naturalWidth && image.loading !== "lazy") gone(image);

addEventListener("pagehide", () => sessionStorage.setItem(FOCUS, tileOf(document.activeElement)?.dataset.job || ""));
if (performance.getEntriesByType("navigation")[0]?.type === "back_forward") {
  hitOf(tileAt(sessionStorage.getItem(FOCUS) || ""))?.focus({ preventScroll: true });
}
told();
