// Over the player's bar a small picture shows what is at that place of the video; pressed or dragged, the video goes there.
const bar = document.querySelector("[data-tiles]");
const CUE = /([\d:.]+) --> ([\d:.]+)\n(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)/g;
const seconds = (clock) => clock.split(":").reduce((sum, part) => 60 * sum + Number(part), 0);

let asked = null;
async function fetched() {
  const answer = await fetch(bar.dataset.tiles);
  if (!answer.ok) return [];
  return [...(await answer.text()).matchAll(CUE)].map(([, begin, end, sheet, ...place]) => {
    const [left, top, width, height] = place.map(Number);
    return { begin: seconds(begin), end: seconds(end), sheet: new URL(sheet, answer.url).href, left, top, width, height };
  });
}
// Nothing is fetched before somebody asks; what failed is asked for again.
const tiles = () => (asked ||= fetched().catch(() => ((asked = null), [])));

const shown = document.createElement("span");
let at = null;
async function show(event) {
  const box = bar.getBoundingClientRect();
  at = (event.clientX - box.left) / box.width;
  const found = await tiles();
  if (at === null || !found.length) return;
  const moment = Math.max(0, Math.min(1, at)) * found.at(-1).end;
  const tile = found.find((each) => moment < each.end) || found.at(-1);
  const left = Math.max(0, Math.min(box.width - tile.width, at * box.width - tile.width / 2));
  Object.assign(shown.style, {
    left: `${left}px`,
    width: `${tile.width}px`,
    height: `${tile.height}px`,
    background: `url("${tile.sheet}") ${-tile.left}px ${-tile.top}px`,
  });
  shown.hidden = false;
  shown.dataset.at = moment.toFixed(2);
  return moment;
}

function hide() {
  at = null;
  shown.hidden = true;
}

async function go(event) {
  const moment = await show(event);
  const video = document.querySelector("video[data-watch]");
  if (moment === undefined || !video) return;
  video.preload = "auto";
  video.currentTime = moment;
}

if (bar) {
  shown.className = "scrub-tile";
  shown.hidden = true;
  shown.setAttribute("aria-hidden", "true");
  bar.append(shown);
  let dragged = false;
  bar.addEventListener("pointerdown", (event) => {
    if (event.button || event.target.closest("button")) return;
    dragged = true;
    bar.setPointerCapture(event.pointerId);
    go(event);
  });
  bar.addEventListener("pointermove", (event) => (dragged ? go(event) : show(event)));
  for (const name of ["pointerup", "pointercancel"]) bar.addEventListener(name, () => (dragged = false));
  bar.addEventListener("pointerleave", hide);
}
