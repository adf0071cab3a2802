// The form on Create: counter, price a moment after a change, sending without a reload; what was typed is never lost.
import { announce } from "./announce.js";
import { ask, Unreachable } from "./ask.js";
import { draft } from "./draft.js";
import { enhance } from "./enhance.js";
import { place } from "./feed.js";
import { read, write } from "./fields.js";
import { lock } from "./forms.js";
import { fill, model } from "./model.js";
import { picking } from "./picking.js";
import { picture, taking } from "./picture.js";

const QUOTE_MS = 250;
// What changes no price.
const FREE = ["prompt", "original", "negative_prompt", "seed", "steps", "cfg", "webhook_url", "enhance"];
const form = document.querySelector("[data-composer]");
if (form) start();

function start() {
  const prompt = form.elements.prompt;
  const counter = form.querySelector("[data-count]");
  const button = form.querySelector("[data-generate]");
  const cheaper = form.querySelector("[data-offer]");
  const banner = document.getElementById("form-error");
  const cost = document.getElementById("cost");
  model(form);
  const pictures = [...form.querySelectorAll("[data-picture]")].map((each) =>
    picture(form, each, { onError: (detail) => mark(each.dataset.picture, detail), onChange: each.dataset.picture === "image" ? nearest : () => soon() }),
  );
  taking(form, pictures);
  picking(form, pictures);
  const richer = enhance(form, { onError: refuse, onUse: typed });

  // ---- errors beside their fields

  function mark(name, detail) {
    const field = form.querySelector(`[data-field="${name}"]`);
    const words = document.getElementById(`${name}-error`);
    if (!field || !words) return false;
    field.classList.toggle("err", Boolean(detail));
    words.hidden = !detail;
    words.lastElementChild.textContent = detail || "";
    for (const input of field.querySelectorAll("input, select, textarea")) {
      if (detail) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
    return true;
  }

  function say(detail) {
    banner.hidden = !detail;
    banner.lastElementChild.textContent = detail || "";
  }

  function clean() {
    say("");
    for (const field of form.querySelectorAll("[data-field].err")) mark(field.dataset.field, "");
  }

  function refuse(problem) {
    const body = problem.body || {};
    if (problem.status === 401) return kept.trouble(problem);
    const beside = (body.errors || []).filter((each) => mark(each.param ?? each.field, each.detail));
    if (!beside.length && body.param && mark(body.param, body.detail)) beside.push(body);
    const rest = beside.length ? (beside[0] === body ? "" : body.detail) : problem.message;
    say(rest);
    if (body.max_cost) form.elements.max_cost.value = body.max_cost;
    const first = beside.length ? form.querySelector(`[data-field="${beside[0].param}"]`) : null;
    const drawer = first?.closest("details");
    if (drawer) drawer.open = true;
    const target = first?.querySelector("input:not([type=hidden]):not(:disabled), select, textarea") || (rest ? banner : null);
    target?.focus({ preventScroll: true });
    (first || target)?.scrollIntoView({ block: "nearest" });
    if (!rest) announce(beside[0].detail);
  }

  // ---- the price, 250 ms after a change

  let waiting = 0;
  let asking = null;
  let asked = "";
  let pending = Promise.resolve();

  const priced = () => {
    const fields = read(form);
    for (const name of FREE) delete fields[name];
    return fields;
  };

  function quote() {
    const fields = priced();
    const text = JSON.stringify(fields);
    if (text === asked || !fields.duration) return;
    asked = text;
    asking?.abort();
    asking = new AbortController();
    cost.dataset.stale = "";
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    pending = ask("/create/quote", { method: "POST", body, signal: asking.signal }).then(show, (problem) => {
      if (problem.name === "AbortError") return;
      asked = "";
      delete cost.dataset.stale;
      form.querySelector("[data-ready]").textContent = problem instanceof Unreachable ? "" : problem.message;
    });
  }

  function show(found) {
    for (const name of ["credits", "dollars", "ready", "short"]) form.querySelector(`[data-${name}]`).textContent = found[name];
    form.querySelector("[data-short]").hidden = !found.short;
    button.hidden = Boolean(found.offer);
    cheaper.hidden = !found.offer;
    cheaper.textContent = found.offer?.label || "";
    cheaper.fields = found.offer?.fields;
    form.elements.max_cost.value = found.max_cost;
    delete cost.dataset.stale;
  }

  function soon() {
    clearTimeout(waiting);
    waiting = setTimeout(quote, QUOTE_MS);
  }

  cheaper.addEventListener("click", async (event) => {
    event.preventDefault();
    if (!cheaper.fields) {
      asked = "";
      quote();
      await pending;
    }
    if (!cheaper.fields) return;
    write(form, { ...read(form), ...cheaper.fields });
    quote();
    await pending;
    (button.hidden ? cheaper : button).focus();
    announce(form.querySelector("[data-credits]").textContent);
    kept.soon();
  });

  // ---- small things that follow the fields

  function grow() {
    counter.textContent = prompt.value.length.toLocaleString("en");
    counter.parentElement.classList.toggle("near", prompt.value.length > 900);
  }

  function typed(text) {
    prompt.value = text;
    prompt.dispatchEvent(new Event("input", { bubbles: true }));
    prompt.focus();
  }

  function nearest(facts) {
    if (facts) {
      const able = [...form.querySelectorAll('input[name="aspect_ratio"]:not(:disabled)')];
      const distance = (each) => {
        const [wide, high] = each.value.split(":").map(Number);
        return Math.abs(Math.log(wide / high) - Math.log(facts.width / facts.height));
      };
      const best = able.sort((one, other) => distance(one) - distance(other))[0];
      if (best) best.checked = true;
    }
    form.dispatchEvent(new Event("change"));
  }

  function drawer() {
    const { seed, negative_prompt: negative, variations, audio } = read(form);
    const parts = [seed ? `Seed ${seed}` : "Seed random", negative ? "negative prompt" : "no negative prompt"];
    if (variations !== "1") parts.push(`${variations} variations`);
    if (audio) parts.push("sound");
    form.querySelector("[data-advanced]").textContent = parts.join(" · ");
    form.querySelector("[data-unlock]").hidden = !seed;
  }

  function reusable(seed) {
    const reuse = form.querySelector("[data-seed]");
    if (seed === null) return;
    reuse.dataset.seed = seed;
    reuse.textContent = `Reuse ${seed}`;
    reuse.hidden = false;
  }

  for (const row of form.querySelectorAll(".ranged")) {
    const [slider, number] = row.querySelectorAll("input");
    slider.addEventListener("input", () => {
      fill(slider);
      if (number.value !== slider.value) number.value = slider.value;
      row.removeAttribute("data-unset");
    });
    number.addEventListener("input", () => {
      if (number.value) slider.value = number.value;
      row.toggleAttribute("data-unset", !number.value);
      fill(slider);
    });
    fill(slider);
  }
  const more = form.querySelector("details");
  more.addEventListener("toggle", () => more.open && more.scrollIntoView({ block: "nearest" }));
  prompt.addEventListener("input", grow);
  form.addEventListener("input", (event) => {
    const field = event.target.closest("[data-field].err");
    if (field) mark(field.dataset.field, "");
    drawer();
    soon();
  });
  form.addEventListener("change", soon);
  form.addEventListener("restored", () => {
    grow();
    drawer();
    soon();
  });
  form.addEventListener("click", (event) => {
    const seed = event.target.closest("[data-seed]");
    if (!seed) return;
    form.elements.seed.value = seed.dataset.seed;
    form.elements.seed.dispatchEvent(new Event("input", { bubbles: true }));
    form.elements.seed.focus();
  });
  document.addEventListener("click", (event) => {
    const sample = event.target.closest("[data-sample]");
    if (!sample) return;
    event.preventDefault();
    richer.forget();
    typed(sample.dataset.sample);
    clean();
  });
  addEventListener("pageshow", grow);
  grow();
  asked = JSON.stringify(priced());
  const kept = draft(form);

  // ---- sending

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    if (button.dataset.busy !== undefined) return;
    clean();
    const free = lock(button);
    clearTimeout(waiting);
    quote();
    await pending;
    if (button.hidden) {
      free();
      cheaper.focus();
      return announce(form.querySelector("[data-short]").textContent);
    }
    try {
      const back = document.querySelector("[data-feed]").dataset.back;
      const made = await ask(form.action, { method: "POST", body: new FormData(form), headers: { "X-Back": back } });
      form.elements.once.value = made.key;
      for (const each of pictures) each.sent(made[`${each.place.dataset.picture}_id`]);
      reusable(made.seed);
      const cards = [...new DOMParser().parseFromString(made.card, "text/html").querySelectorAll("[data-job]")];
      for (const card of cards.reverse()) place(card.dataset.job, document.adoptNode(card));
      announce(made.job_ids.length > 1 ? `${made.job_ids.length} videos queued. Your settings are kept.` : "Queued. Your settings are kept.");
      kept.soon();
    } catch (problem) {
      // After a refusal nothing was made, so the next try is a new one; a lost answer is asked for again under its key.
      if (problem.body?.key) form.elements.once.value = problem.body.key;
      refuse(problem);
    } finally {
      free();
    }
  });
}
