// The draft of a form: on the server a second after the last key, on this device while that cannot be. Nothing typed is lost.
import { ask, renew, Unreachable } from "./ask.js";
import { read, write } from "./fields.js";

const REST_MS = 1000;
const KEPT = "What you typed is kept on this device.";
const shelf = (() => {
  try {
    return localStorage;
  } catch {
    return { getItem: () => null, setItem() {}, removeItem() {} };
  }
})();

export function draft(form) {
  const note = document.getElementById("draft-note");
  const key = `draft ${document.body.dataset.who}`;
  let version = Number(form.dataset.draft);
  let saved = JSON.stringify(read(form));
  let timer = 0;
  let busy = false;
  let clash = null;
  let leaving = false;
  // What the address filled in is in no draft, and becomes one when it is used.
  let filled = /[?&](from|continue|image|prompt)=/.test(location.search);
  let held = JSON.parse(shelf.getItem(key));

  function say(text, ...ways) {
    note.hidden = !text;
    note.querySelector(".grow").textContent = text;
    for (const each of note.querySelectorAll("[data-way]")) each.hidden = !ways.includes(each.dataset.way);
  }

  // Whoever signs out leaves nothing on this device.
  const hold = (fields, base = version) => leaving || shelf.setItem(key, JSON.stringify({ version: base, fields }));

  function changed(there) {
    clash = there;
    say("Changed in another window. Reload or keep mine.", "reload", "mine");
  }

  function trouble(problem) {
    if (problem.status === 401) say(`You are signed out. ${KEPT}`, "in", "again");
    else if (problem instanceof Unreachable) say(`The server could not be reached. ${KEPT}`, "again");
    else say(`${problem.message} ${KEPT}`, "again");
  }

  async function save(keepalive = false) {
    clearTimeout(timer);
    const fields = read(form);
    const text = JSON.stringify(fields);
    if (text === saved) return;
    if (busy || clash !== null) return hold(fields, version + (busy ? 1 : 0));
    busy = true;
    // A page that is loaded again may be quicker than what this one sends at its end.
    if (keepalive) hold(fields);
    try {
      version = (await ask("/create/draft", { method: "PUT", body: { version, fields }, keepalive })).version;
      saved = text;
      if (!held) {
        shelf.removeItem(key);
        say("");
      }
      form.dataset.saved = version;
    } catch (problem) {
      hold(fields);
      if (problem.status === 409) changed(problem.body.version);
      else trouble(problem);
    } finally {
      busy = false;
      if (note.hidden && JSON.stringify(read(form)) !== saved) soon();
    }
  }

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(save, REST_MS);
  }

  note.addEventListener("click", async (event) => {
    const way = event.target.closest("[data-way]")?.dataset.way;
    if (way === "reload") {
      shelf.removeItem(key);
      saved = JSON.stringify(read(form));
      location.assign("/create");
    } else if (way === "mine") {
      if (held) write(form, held.fields);
      [version, clash, held] = [clash ?? version, null, null];
      saved = "";
      await save();
      form.elements.prompt.focus();
    } else if (way === "again") {
      try {
        await renew();
        saved = "";
        await save();
      } catch (problem) {
        trouble(problem);
      }
    }
  });

  if (held && JSON.stringify(held.fields) === saved) held = shelf.removeItem(key) ?? null;
  if (held && held.version === version && !location.search) {
    write(form, held.fields);
    held = null;
    save();
  } else if (held && held.version !== version) changed(version);
  else if (held) say("What you typed before is kept on this device.", "mine");

  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  addEventListener("pagehide", () => save(true));
  document.addEventListener("submit", (event) => (leaving ||= event.target.getAttribute("action") === "/logout"));
  function used() {
    if (filled) saved = "";
    filled = false;
    soon();
  }
  return { soon: used, trouble: (problem) => (hold(read(form)), trouble(problem)) };
}
