// The player of one video: frame by frame, loop, full screen; single keys do the same while nobody types.
import { announce } from "./announce.js";

const find = () => document.querySelector("video[data-watch]");
const clamp = (video, at) => Math.max(0, Math.min(at, video.duration || Infinity));
const fps = (video) => Number(video.dataset.fps) || 25;

function step(video, frames) {
  video.pause();
  // Until somebody plays nothing was fetched; from here on there must be pictures.
  video.preload = "auto";
  // A little behind the frame's beginning: exactly on it browsers show the one before.
  video.currentTime = clamp(video, (Math.round(video.currentTime * fps(video)) + frames) / fps(video) + 0.001);
}

function skip(video, seconds) {
  video.preload = "auto";
  video.currentTime = clamp(video, video.currentTime + seconds);
}

function loop(video) {
  video.loop = !video.loop;
  document.querySelector("[data-loop]").setAttribute("aria-pressed", String(video.loop));
  announce(video.loop ? "Loop on" : "Loop off");
}

function mute(video) {
  video.muted = !video.muted;
  announce(video.muted ? "Sound off" : "Sound on");
}

function full(video) {
  const done = document.fullscreenElement ? document.exitFullscreen() : video.requestFullscreen?.();
  done?.catch(() => {});
}

const KEYS = {
  " ": (video) => (video.paused ? video.play().catch(() => {}) : video.pause()),
  ArrowLeft: (video) => skip(video, -1),
  ArrowRight: (video) => skip(video, 1),
  ",": (video) => step(video, -1),
  ".": (video) => step(video, 1),
  l: loop,
  m: mute,
  f: full,
};

document.addEventListener("keydown", (event) => {
  const video = find();
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act || !video || !("keys" in video.dataset) || event.defaultPrevented) return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.querySelector("dialog[open]")) return;
  const at = event.target;
  if (at.closest("input, textarea, select, [contenteditable]")) return;
  // Space presses what is focused; on the video itself the browser has its own controls.
  if (event.key === " " && at.closest("button, a, summary, video")) return;
  event.preventDefault();
  act(video);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-step], [data-loop], [data-full]");
  const video = button && find();
  if (!video) return;
  if (button.dataset.step) step(video, Number(button.dataset.step));
  else if ("loop" in button.dataset) loop(video);
  else full(video);
});

function tell(event) {
  const video = event.target;
  const place = document.querySelector("[data-watch-time]");
  if (!place || video !== find()) return;
  const at = video.currentTime;
  const minutes = Math.floor(at / 60);
  place.textContent = `${minutes}:${(at - minutes * 60).toFixed(2).padStart(5, "0")} · frame ${Math.round(at * fps(video)) + 1}`;
}
for (const name of ["timeupdate", "seeked"]) document.addEventListener(name, tell, true);

// The strip begins where this video stands in it.
const strip = document.querySelector(".strip");
const here = strip?.querySelector("[aria-current]");
if (here) strip.scrollLeft = here.offsetLeft - strip.offsetLeft - (strip.clientWidth - here.clientWidth) / 2;
