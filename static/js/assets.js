// The page Assets: files dropped, pasted or chosen become rows, then tiles; deleting is at once and can be undone.
import { announce } from "./announce.js";
import { ask, askPage } from "./ask.js";
import { toast } from "./toasts.js";
import { uploader } from "./upload.js";

const page = document.getElementById("assets");
const grid = page.querySelector("[data-grid]");
const rows = page.querySelector("[data-rows]");
const zone = page.querySelector("[data-bring]");
const input = zone.querySelector("input[type=file]");
const none = page.querySelector("[data-none]");
const { mostBytes, leastSide, mostSide, types, endings, words } = page.dataset;
const limits = { mostBytes: Number(mostBytes), leastSide: Number(leastSide), mostSide: Number(mostSide), types, endings, words };
const shown = new Map();

const counted = () => (none.hidden = grid.children.length > 0);
const listed = () => (page.querySelector("[data-uploads]").hidden = !rows.children.length);
const tileOf = (id) => grid.querySelector(`[data-asset="${CSS.escape(id)}"]`);

// ---- uploads

function rowOf(item) {
  if (shown.has(item)) return shown.get(item);
  const row = document.getElementById("upload-row").content.firstElementChild.cloneNode(true);
  const name = item.file.name || "Pasted picture";
  row.querySelector("[data-name]").textContent = name;
  row.querySelector("[data-bar]").setAttribute("aria-label", `Uploaded: ${name}`);
  row.querySelector("[data-cancel]").setAttribute("aria-label", `Cancel ${name}`);
  row.querySelector("[data-retry]").setAttribute("aria-label", `Try again: ${name}`);
  row.querySelector("[data-cancel]").addEventListener("click", () => {
    uploads.cancel(item);
    leave(item, true);
  });
  row.querySelector("[data-retry]").addEventListener("click", () => uploads.retry(item));
  shown.set(item, row);
  rows.append(row);
  listed();
  return row;
}

function leave(item, byHand) {
  const row = shown.get(item);
  const held = byHand || row.contains(document.activeElement);
  const beside = row.nextElementSibling || row.previousElementSibling;
  row.remove();
  shown.delete(item);
  listed();
  if (held) (beside?.querySelector("[data-cancel], button") || input).focus();
}

const uploads = uploader(limits, (item) => {
  const row = rowOf(item);
  row.dataset.state = item.state;
  row.classList.toggle("wrong", item.state === "failed" || item.state === "refused");
  const note = row.querySelector("[data-note]");
  if (note.textContent !== item.note) note.textContent = item.note;
  const bar = row.querySelector("[data-bar]");
  bar.setAttribute("aria-valuenow", item.percent);
  bar.firstElementChild.style.width = `${item.percent}%`;
  row.querySelector("[data-retry]").hidden = item.state !== "failed";
  if (item.id) rows.querySelector(`[data-unfinished="${CSS.escape(item.id)}"]`)?.remove();
  if (item.state === "failed" || item.state === "refused") announce(`${item.file.name}: ${item.note}`);
  if (item.state === "done") arrived(item);
});

async function arrived(item) {
  const name = item.file.name || "Picture";
  try {
    const fresh = (await askPage(`/assets/cards?ids=${item.image}`)).querySelector("[data-asset]");
    if (fresh && ("first" in page.dataset || tileOf(item.image))) {
      tileOf(item.image)?.remove();
      grid.prepend(document.adoptNode(fresh));
    }
  } catch {
    toast(`${name} was added. Reload the page to see it.`);
  }
  leave(item);
  counted();
  if (item.known) toast(`${name} was here already.`);
  else announce(`${name} added`);
}

function bring(files) {
  for (const file of files) uploads.add(file);
}

input.addEventListener("change", () => {
  bring([...input.files]);
  input.value = "";
});
zone.addEventListener("submit", (event) => event.preventDefault());

let depth = 0;
const lit = (by) => {
  depth = Math.max(0, depth + by);
  zone.classList.toggle("over", depth > 0);
};
const withFiles = (event) => event.dataTransfer?.types.includes("Files");
document.addEventListener("dragenter", (event) => withFiles(event) && lit(1));
document.addEventListener("dragleave", (event) => withFiles(event) && lit(-1));
document.addEventListener("dragover", (event) => withFiles(event) && event.preventDefault());
document.addEventListener("drop", (event) => {
  if (!withFiles(event)) return;
  event.preventDefault();
  lit(-depth);
  bring([...event.dataTransfer.files]);
});
addEventListener("paste", (event) => bring([...(event.clipboardData?.files || [])]));

// ---- what is here

page.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-asset-act]");
  if (!form) return;
  event.preventDefault();
  const body = new FormData(form);
  const what = form.closest("li");
  const [parent, after] = [what.parentElement, what.nextElementSibling];
  const put = () => {
    parent.insertBefore(what, after?.isConnected ? after : null);
    counted();
    listed();
  };
  what.remove();
  counted();
  listed();
  ((after || parent.lastElementChild)?.querySelector("a, button") || input).focus();
  const said = await ask(form.action, { method: "POST", body, keepalive: true }).catch((problem) => {
    put();
    toast(problem.message, { stays: true });
  });
  if (!said?.image_id) return;
  const run = async () => {
    put();
    await ask(`/assets/${said.image_id}/restore`, { method: "POST", body, keepalive: true }).catch((problem) => {
      what.remove();
      counted();
      toast(problem.message, { stays: true });
    });
  };
  toast(said.said, { action: "Undo", run });
});

page.addEventListener("click", async (event) => {
  const more = event.target.closest("[data-more]");
  if (!more || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const older = await askPage(more.href).catch((problem) => toast(problem.message, { stays: true }) && null);
  if (!older) return;
  const tiles = [...older.querySelectorAll("[data-grid] > [data-asset]")].filter((each) => !tileOf(each.dataset.asset));
  grid.append(...tiles.map((each) => document.adoptNode(each)));
  const next = older.querySelector("[data-more]");
  if (next) more.href = next.getAttribute("href");
  else more.closest("p").remove();
  tiles[0]?.querySelector("a").focus();
  announce(`${tiles.length} more pictures`);
});
