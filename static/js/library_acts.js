// What is done to items of the library: at once, and back when the server says no.
import { announce } from "./announce.js";
import { ask } from "./ask.js";
import { counted, failed, hitOf, recount, refresh, renew, tidy, tileAt, tiles } from "./library_results.js";
import { boxOf, chosen, tileOf, told } from "./selection.js";
import { toast } from "./toasts.js";

const form = document.getElementById("chosen");
const dialog = document.getElementById("rename");

// One after the other, as they were pressed: the last one counts, and what the server kept is what a refusal goes back to.
export function favourite(tile) {
  const button = tile.querySelector('[data-do="favourite"]');
  const on = button.getAttribute("aria-pressed") !== "true";
  const mark = (value) => {
    button.setAttribute("aria-pressed", String(value));
    button.formAction = `/library/favourite?on=${value ? "" : "1"}`;
    tile.classList.toggle("is-fav", value);
  };
  const mine = (tile.turn = (tile.turn || 0) + 1);
  tile.kept ??= !on;
  mark(on);
  tile.sent = (tile.sent || Promise.resolve()).then(async () => {
    try {
      await ask(`/api/v1/jobs/${tile.dataset.job}`, { method: "PATCH", body: { favourite: on }, keepalive: true });
      tile.kept = on;
      announce(on ? "Added to favourites" : "No longer a favourite");
    } catch (problem) {
      if (mine === tile.turn) mark(tile.kept);
      failed(problem);
    }
  });
}

export function rename(tile) {
  const input = dialog.querySelector("input");
  const words = tile.querySelector(".cap span");
  input.value = words.textContent;
  dialog.returnValue = "";
  dialog.onclose = async () => {
    hitOf(tile)?.focus();
    const before = words.textContent;
    const wanted = input.value.trim();
    if (dialog.returnValue !== "save" || wanted === before) return;
    if (wanted) words.textContent = wanted;
    try {
      await ask(`/api/v1/jobs/${tile.dataset.job}`, { method: "PATCH", body: { title: wanted || null }, keepalive: true });
      await refresh([tile.dataset.job]);
    } catch (problem) {
      words.textContent = before;
      failed(problem);
    }
  };
  dialog.showModal();
  input.select();
}

function send(address, fields) {
  const body = new FormData();
  body.set("csrf_token", form.elements.csrf_token.value);
  for (const [key, value] of fields) body.append(key, value);
  return ask(address, { method: "POST", body, keepalive: true });
}
const named = (some) => some.map((tile) => ["ids", tile.dataset.job]);

// The one that has the place of those that go: the next that stays, else the one before.
function heir(some) {
  const all = tiles();
  const stays = (tile) => !some.includes(tile);
  return all.slice(all.indexOf(some.at(-1))).find(stays) || all.slice(0, all.indexOf(some[0])).findLast(stays);
}

export async function remove(some) {
  const places = some.map((tile) => ({ tile, parent: tile.parentElement, next: tile.nextElementSibling, on: boxOf(tile).checked }));
  const after = heir(some);
  for (const { tile, parent } of places) {
    boxOf(tile).checked = false;
    tile.remove();
    recount(parent.closest("section"), -1);
  }
  told();
  hitOf(after)?.focus();
  try {
    const { count, moment } = await send("/library/delete", named(some));
    tidy();
    toast(`${counted(count)} moved to the trash`, {
      action: "Undo",
      run: () => send("/library/restore", [["moment", moment]]).then(() => renew({ focus: some[0].dataset.job }), failed),
    });
  } catch (problem) {
    for (const { tile, parent, next, on } of places.reverse()) {
      // What was looked for meanwhile has them already.
      if (!parent.isConnected || tileAt(tile.dataset.job)) continue;
      parent.insertBefore(tile, next?.isConnected ? next : null);
      recount(parent.closest("section"), 1);
      boxOf(tile).checked = on;
    }
    told();
    failed(problem);
  }
}

async function settle(some, address, words) {
  const focus = heir(some)?.dataset.job;
  try {
    const { count } = await send(address, named(some));
    await renew({ focus });
    toast(`${counted(count)} ${words}`);
  } catch (problem) {
    failed(problem);
  }
}

const ACTS = {
  favourite: ([tile]) => favourite(tile),
  delete: remove,
  restore: (some) => settle(some, "/library/restore", "restored"),
  purge: (some) => settle(some, "/library/purge", "deleted for good"),
};

// Before the forms' own listener, which would lock the button: a download leaves the page where it is.
document.addEventListener("submit", (event) => {
  if (event.target !== form) return;
  const act = event.submitter?.dataset.do;
  const alone = tileOf(event.submitter);
  const some = alone ? [alone] : chosen().map(tileOf);
  event.stopImmediatePropagation();
  if (act === "download" && some.length) return;
  if (act === "share" && some.length === 1) return;
  event.preventDefault();
  if (act === "share") toast("Choose one video to share.");
  else if (some.length && ACTS[act]) ACTS[act](some);
}, true);
