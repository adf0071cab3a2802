// The poster of a card becomes a player when it is pressed; a player whose link has ended gets another chance.
document.addEventListener("click", (event) => {
  const play = event.target.closest("[data-play]");
  if (!play || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const box = play.closest("[data-media]");
  const image = box.querySelector("img");
  const video = document.createElement("video");
  video.controls = true;
  video.autoplay = true;
  video.playsInline = true;
  video.dataset.player = "";
  video.setAttribute("aria-label", play.getAttribute("aria-label").replace(/^Play /, ""));
  if (image) video.poster = image.currentSrc || image.src;
  video.src = box.dataset.media;
  box.classList.add("playing");
  box.replaceChildren(video);
  video.focus();
});

document.addEventListener(
  "error",
  (event) => {
    const video = event.target;
    if (video.tagName !== "VIDEO" || !("player" in video.dataset) || video.dataset.again) return;
    video.dataset.again = "1";
    const at = video.currentTime;
    const playing = !video.paused;
    video.load();
    video.currentTime = at;
    if (playing) video.play().catch(() => {});
  },
  true,
);

// One chance for each time it broke: a video that is watched long outlives several links.
document.addEventListener("playing", (event) => delete event.target.dataset.again, true);

// Only one plays at a time.
document.addEventListener(
  "play",
  (event) => {
    for (const other of document.querySelectorAll("video")) if (other !== event.target) other.pause();
  },
  true,
);
