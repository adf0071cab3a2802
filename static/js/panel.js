// The jobs button's panel: what is under way and what ended last, made by the server, asked for anew while it is open.
const panel = document.getElementById("jobs-panel");
const lines = document.getElementById("jobs-lines");

export const refreshPanel = () => panel?.matches(":popover-open") && lines.dispatchEvent(new Event("refresh"));

panel?.addEventListener("toggle", refreshPanel);
