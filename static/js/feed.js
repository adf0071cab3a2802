// Jobs on the page: cards and lines follow the stream, their buttons act without a reload, the title tells how far it is.
import { announce } from "./announce.js";
import { ask, askPage } from "./ask.js";
import { lock } from "./forms.js";
import { markNotify, notifyEnd } from "./notify.js";
import { refreshPanel } from "./panel.js";
import { openStream } from "./stream.js";
import { signedOut, toast } from "./toasts.js";
import { about } from "./words.js";

const OVER = ["completed", "failed", "cancelled"];
const MARKS = [25, 50, 75];
const BATCH_MS = 120;
const SETTLE_MS = 600;
const QUEUE_MS = 1500;

const feed = document.querySelector("[data-feed]");
const tiled = document.querySelector("[data-library]:not([data-trash])");
const tray = document.getElementById("tray");
const plainTitle = document.title.replace(/^\(\d+%?\) /, "");
const active = new Map();
const heard = new Set();
let wanted = new Set();
let batching = 0;

const cardOf = (id) => document.querySelector(`[data-job="${CSS.escape(id)}"]`);
const isOver = (status) => OVER.includes(status);
const fits = (status) => {
  const show = feed?.dataset.feed;
  if (show === "active") return !isOver(status);
  return show === "all" || (show === "done" && status === "completed") || (show === "failed" && status === "failed");
};

// ---- the button with the ring, the title, the counts

function total() {
  const shares = [...active.values()];
  const mean = shares.length ? Math.round(shares.reduce((sum, each) => sum + each, 0) / shares.length) : 0;
  document.title = (shares.length === 0 ? "" : shares.length === 1 ? `(${mean}%) ` : `(${shares.length}) `) + plainTitle;
  if (!tray) return;
  tray.toggleAttribute("data-none", shares.length === 0);
  tray.querySelector(".ring").style.setProperty("--done", `${mean}%`);
  tray.querySelector("[data-tray-count]").textContent = shares.length;
  tray.setAttribute("aria-label", shares.length ? `Jobs: ${shares.length} in progress, ${mean} percent` : "Jobs: none in progress");
  count("active", shares.length);
}

function count(tab, number) {
  const place = document.querySelector(`[data-tab-count="${tab}"]`);
  if (!place) return;
  place.textContent = number.toLocaleString("en");
  place.hidden = !number;
}

// One more, or one less, of what is done or has failed.
function counted(status, more) {
  const tab = { completed: "done", failed: "failed" }[status];
  const place = document.querySelector(`[data-tab-count="${tab}"]`);
  if (place) count(tab, Math.max(0, Number(place.textContent.replaceAll(",", "")) + more));
}

// ---- putting what the server made in the place of what stands there

function refresh(...ids) {
  for (const id of ids) wanted.add(id);
  clearTimeout(batching);
  batching = setTimeout(load, BATCH_MS);
}

async function load() {
  const ids = [...wanted];
  wanted = new Set();
  if (document.querySelector("[data-one]")) await loadOne(ids);
  if (feed && ids.length) await loadCards(ids);
  if (tiled && ids.length) document.dispatchEvent(new CustomEvent("jobs:moved", { detail: ids }));
}

async function loadOne(ids) {
  const one = document.querySelector("[data-one]");
  if (!ids.includes(one.dataset.job)) return;
  const page = await askPage(location.href).catch(() => null);
  const fresh = page?.querySelector("[data-one]");
  if (fresh) swap(one, document.adoptNode(fresh));
}

async function loadCards(ids) {
  const query = new URLSearchParams({ ids: ids.join(","), back: feed.dataset.back });
  if ("flat" in feed.dataset) query.set("flat", "");
  const page = await askPage(`/jobs/cards?${query}`).catch((problem) => {
    if (problem.status === 401) signedOut();
    return null;
  });
  if (!page) return;
  for (const id of ids) {
    const fresh = page.querySelector(`[data-job="${CSS.escape(id)}"]`);
    place(id, fresh && document.adoptNode(fresh));
  }
}

export function place(id, fresh) {
  const old = feed?.querySelector(`[data-job="${CSS.escape(id)}"]`);
  if (!fresh || !fits(fresh.dataset.status)) old?.remove();
  else if (old) swap(old, fresh);
  else insert(fresh);
  const empty = document.querySelector("[data-empty]");
  if (empty) empty.hidden = feed.children.length > 0;
}

// Newest first. What belongs before the first or behind the last of this page stays where it is: on another page.
function insert(fresh) {
  const next = [...feed.children].find((each) => Number(each.dataset.created) <= Number(fresh.dataset.created));
  const elsewhere = next ? next === feed.firstElementChild && new URLSearchParams(location.search).has("after") : document.querySelector("#more a");
  if (!elsewhere) feed.insertBefore(fresh, next || null);
}

function swap(old, fresh) {
  if (old.querySelector("video") && fresh.dataset.status === old.dataset.status) return;
  const at = document.activeElement;
  const inside = old.contains(at) ? (at.getAttribute("aria-label") || at.textContent).trim() : null;
  const before = old.dataset.word;
  markNotify(fresh);
  old.replaceWith(fresh);
  if (inside !== null) {
    const all = [...fresh.querySelectorAll("a[href], button")];
    (all.find((each) => (each.getAttribute("aria-label") || each.textContent).trim() === inside) || all[0])?.focus();
  }
  if (before && before !== fresh.dataset.word) announce(`${fresh.dataset.word}: ${fresh.dataset.title}`);
}

// ---- what the stream says

function progress(card, job) {
  if (job.progress !== null) {
    const percent = Math.min(99, Math.max(job.progress, Number(card.dataset.percent || 0)));
    const passed = MARKS.findLast((mark) => percent >= mark && Number(card.dataset.percent || 0) < mark);
    card.dataset.percent = percent;
    for (const place of card.querySelectorAll("[data-pct]")) place.textContent = `${percent}%`;
    const bar = card.querySelector("[data-bar]");
    if (bar) {
      bar.classList.remove("unknown");
      bar.setAttribute("aria-valuenow", percent);
      bar.firstElementChild.style.width = `${percent}%`;
    }
    if (passed) announce(`${passed}%: ${card.dataset.title}`);
  }
  // The time left never grows: a later guess that is higher is held back.
  if (job.eta_seconds) {
    const end = performance.now() + job.eta_seconds * 1000;
    card.endsAt = Math.min(card.endsAt || end, end);
    card.dataset.left = job.eta_seconds;
  }
}

function onJob(name, job) {
  heard.add(job.job_id);
  const card = cardOf(job.job_id);
  const was = active.has(job.job_id);
  if (isOver(job.status)) active.delete(job.job_id);
  else active.set(job.job_id, job.status === "queued" ? 0 : Math.min(99, job.progress || 0));
  total();
  refreshPanel();
  const changed = !card || card.dataset.status !== job.status || card.dataset.stage !== job.stage;
  if (card && !changed) progress(card, job);
  else if (card || (tiled && name !== "progress") || (feed && fits(job.status))) refresh(job.job_id);
  if (name !== "progress" && changed) queueMoved();
  if (name === "done" && was) ended(job, card);
}

function ended(job, card) {
  counted(job.status, 1);
  const title = card?.dataset.title || (job.prompt || "Untitled").slice(0, 60);
  const href = `/jobs/${job.job_id}`;
  const words = job.status === "completed" ? `Video ready: ${title}` : `Failed: ${title}`;
  if (job.status !== "cancelled") notifyEnd(job.job_id, words, href);
  if (job.status === "completed" && (!card || document.hidden)) toast(words, { action: "Play", href });
  // The library keeps nothing that failed: its tile goes.
  else if (job.status === "failed" && (!card || tiled)) toast(words, { action: "Details", href });
}

let moving = 0;
function queueMoved() {
  clearTimeout(moving);
  moving = setTimeout(() => refresh(...[...document.querySelectorAll('[data-status="queued"]')].map((each) => each.dataset.job)), QUEUE_MS);
}

const running = () => [...document.querySelectorAll('[data-status="queued"], [data-status="processing"]')].map((each) => each.dataset.job);

// Whatever ended before the stream was there is in no event: ask for the cards that it did not speak of.
let opened = false;
function onOpen() {
  if (opened) onPoll();
  opened = true;
  heard.clear();
  setTimeout(() => {
    const silent = running().filter((id) => !heard.has(id));
    if (silent.length) refresh(...silent);
    for (const id of active.keys()) if (!heard.has(id)) active.delete(id);
    total();
  }, SETTLE_MS);
}

async function onPoll() {
  try {
    const found = await ask("/api/v1/jobs?limit=20");
    for (const job of found.data) {
      const card = cardOf(job.job_id);
      if (!isOver(job.status) || active.has(job.job_id)) onJob(isOver(job.status) ? "done" : "status", job);
      else if (card ? card.dataset.status !== job.status : newer(job)) refresh(job.job_id);
    }
  } catch (problem) {
    if (problem.status === 401) signedOut();
  }
}

// Begun and ended while nobody told us: it belongs on top of a feed that shows the newest.
function newer(job) {
  if (!feed || !fits(job.status) || new URLSearchParams(location.search).has("after")) return false;
  const newest = Math.max(0, ...[...feed.children].map((each) => Number(each.dataset.created || 0)));
  return Date.parse(job.created_at) / 1000 > newest;
}

const WORDS = { live: "Live", reconnecting: "Reconnecting", offline: "Offline" };
function onState(state) {
  for (const mark of document.querySelectorAll("[data-live]")) {
    mark.dataset.state = state;
    mark.querySelector("[data-live-word]").textContent = WORDS[state];
  }
  const banner = document.getElementById("offline");
  if (banner) banner.hidden = state !== "offline";
}

// ---- time left, once a second

setInterval(() => {
  if (document.hidden) return;
  for (const card of document.querySelectorAll('[data-left][data-stage="generating"]')) {
    card.endsAt ||= performance.now() + Number(card.dataset.left) * 1000;
    const left = (card.endsAt - performance.now()) / 1000;
    const words = left > 1 ? `About ${about(left)} left` : "Should be ready soon";
    const place = card.querySelector("[data-eta]");
    if (place && place.textContent !== words) place.textContent = words;
  }
}, 1000);

// ---- buttons on cards

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-act]");
  if (!form || event.defaultPrevented) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const button = event.submitter || form.querySelector("button");
  if (button.dataset.busy !== undefined) return;
  const card = form.closest("[data-job]");
  const act = form.getAttribute("action").split("/").pop();
  if (act === "delete") return remove(form, card);
  const free = lock(button);
  try {
    const answer = await ask(form.action, { method: "POST", body: new FormData(form) });
    if (card && "one" in card.dataset && act === "retry") location.assign(`/jobs/${answer.job_id}`);
    else if (form.closest("#jobs-panel")) refreshPanel();
    else if (act === "cancel-queued" || !card) location.reload();
    else refresh(card.dataset.job, answer.job_id || card.dataset.job);
  } catch (problem) {
    toast(problem.message, { stays: true });
    if (card) refresh(card.dataset.job);
  } finally {
    free();
  }
});

async function remove(form, card) {
  const next = card.nextElementSibling;
  const parent = card.parentElement;
  const body = new FormData(form);
  const empty = document.querySelector("[data-empty]");
  const put = () => {
    parent.insertBefore(card, next?.isConnected ? next : null);
    counted(card.dataset.status, 1);
    if (empty) empty.hidden = true;
  };
  card.remove();
  counted(card.dataset.status, -1);
  if (empty) empty.hidden = parent.children.length > 0;
  (next || parent).querySelector?.("a, button")?.focus();
  try {
    // What was done at once must also be done when the page is left at once.
    await ask(form.action, { method: "POST", body, keepalive: true });
    toast(card.dataset.status === "completed" ? "1 video moved to the trash" : "1 job moved to the trash", {
      action: "Undo",
      run: async () => {
        put();
        await ask(`/jobs/${card.dataset.job}/restore`, { method: "POST", body, keepalive: true }).catch((problem) => {
          card.remove();
          counted(card.dataset.status, -1);
          toast(problem.message, { stays: true });
        });
      },
    });
  } catch (problem) {
    put();
    toast(problem.message, { stays: true });
  }
}

// Menus on cards close when something else is pressed, and by Escape, which gives the focus back to their button.
document.addEventListener("click", (event) => {
  for (const each of document.querySelectorAll("details.kebab[open]")) each.open = each.contains(event.target) && !event.target.closest("a, form");
});
document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && event.target.closest?.("details.kebab[open]");
  if (!open) return;
  open.open = false;
  open.firstElementChild.focus();
});

if (tray) {
  for (const card of document.querySelectorAll('[data-status="queued"], [data-status="processing"]')) {
    active.set(card.dataset.job, card.dataset.status === "queued" ? 0 : Number(card.dataset.percent || 0));
  }
  openStream({ onJob, onOpen, onPoll, onState });
}
