// A picture of the form: chosen, dropped, pasted or picked; shown, measured and refused here before anything is sent.
import { announce } from "./announce.js";
import { ask } from "./ask.js";
import { icon } from "./icon.js";
import { size } from "./words.js";

const MOST_BYTES = 10 * 1024 * 1024;
const LEAST_SIDE = 256;
const MOST_SIDE = 4096;
const TYPES = ["image/png", "image/jpeg", "image/webp", "image/bmp", "image/gif"];

export function picture(form, place, { onError, onChange }) {
  const input = place.querySelector("input[type=file]");
  const kept = place.querySelector("input[type=hidden]");
  const thumb = place.querySelector("[data-thumb]");
  const name = place.querySelector("[data-picture-name]");
  const note = place.querySelector("[data-picture-note]");
  const remove = place.querySelector("[data-remove]");
  const what = place.dataset.words;
  const before = ["Choose, drop or paste", "256 to 4096 px a side"];
  let shown = null;

  function show(url, title, facts) {
    if (shown) URL.revokeObjectURL(shown);
    shown = url.startsWith("blob:") ? url : null;
    const image = new Image();
    image.alt = what;
    image.src = url;
    thumb.replaceChildren(image);
    name.textContent = title;
    note.textContent = facts;
    remove.hidden = false;
  }

  function clear() {
    if (shown) URL.revokeObjectURL(shown);
    shown = null;
    input.value = "";
    kept.value = "";
    thumb.replaceChildren(icon("img"));
    [name.textContent, note.textContent] = before;
    remove.hidden = true;
    onChange(null);
  }

  async function take(file) {
    if (!file) return;
    onError("");
    const refused = await why(file);
    if (refused.reason) {
      clear();
      onError(refused.reason);
      announce(refused.reason);
      return;
    }
    const transfer = new DataTransfer();
    transfer.items.add(file);
    input.files = transfer.files;
    kept.value = "";
    show(refused.url, file.name || "Pasted picture", `${refused.width} × ${refused.height} · ${size(file.size)}`);
    announce(`${what}: ${file.name || "pasted picture"}`);
    onChange({ width: refused.width, height: refused.height });
    up(file);
  }

  // Sent at once, so that the draft and the price know it; when that fails it goes along with the form.
  async function up(file) {
    const body = new FormData();
    body.append("image", file);
    const made = await ask("/api/v1/images", { method: "POST", body }).catch(() => null);
    if (!made || input.files[0] !== file) return;
    sent(made.id);
    form.dispatchEvent(new Event("change"));
  }

  function sent(id) {
    if (!id) return;
    kept.value = id;
    input.value = "";
  }

  function use(id, title = "Your picture", facts = "") {
    if (!id) return clear();
    onError("");
    input.value = "";
    kept.value = id;
    show(`/api/v1/images/${id}/thumbnail`, title, facts);
    onChange(null);
  }

  input.addEventListener("change", () => take(input.files[0]));
  remove.addEventListener("click", () => {
    clear();
    onError("");
    input.focus();
  });
  form.addEventListener("restored", () => use(kept.value));
  return { place, take, sent, use };
}

// Dropped anywhere in the form it is the start image, on the last image's place that one; pasted it is the start image.
export function taking(form, pictures) {
  let depth = 0;
  const at = (event) => pictures.find((each) => each.place.contains(event.target) && !each.place.hidden) || pictures[0];
  const over = (one) => {
    for (const each of pictures) each.place.querySelector("[data-drop]").classList.toggle("over", each === one);
  };
  form.addEventListener("dragenter", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    depth += 1;
    over(at(event));
  });
  form.addEventListener("dragleave", () => {
    depth = Math.max(0, depth - 1);
    if (!depth) over(null);
  });
  form.addEventListener("dragover", (event) => event.dataTransfer.types.includes("Files") && event.preventDefault());
  form.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    depth = 0;
    over(null);
    at(event).take(event.dataTransfer.files[0]);
  });
  addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files || [])].find((each) => each.type.startsWith("image/"));
    if (!file) return;
    event.preventDefault();
    pictures[0].take(file);
  });
}

async function why(file) {
  if (file.size > MOST_BYTES) return { reason: `The picture is ${size(file.size)}. It may have 10 MB at most.` };
  if (file.type && !TYPES.includes(file.type)) return { reason: "That is no picture we can start from. Use PNG, JPEG, WebP, BMP or GIF." };
  const url = URL.createObjectURL(file);
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
  } catch {
    URL.revokeObjectURL(url);
    return { reason: "That file cannot be read as a picture. Use PNG, JPEG, WebP, BMP or GIF." };
  }
  const [width, height] = [image.naturalWidth, image.naturalHeight];
  const facts = `The picture is ${width} × ${height}.`;
  let reason = "";
  if (Math.min(width, height) < LEAST_SIDE) reason = `${facts} It needs at least ${LEAST_SIDE} px a side.`;
  if (Math.max(width, height) > MOST_SIDE) reason = `${facts} It may have ${MOST_SIDE} px a side at most.`;
  if (reason) URL.revokeObjectURL(url);
  return { reason, url, width, height };
}
