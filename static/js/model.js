// The form fits the chosen model: what fits is kept, what had to change is said, what cannot be is shown disabled.
import { announce } from "./announce.js";

export function model(form) {
  const select = form.elements.model;
  const cards = [...document.querySelectorAll('[name="model_card"]')];
  const chosen = () => JSON.parse(select.selectedOptions[0].dataset.model);
  const lengths = form.querySelector("[data-lengths]");
  const range = form.querySelector("[data-length-range]");
  const [slider, number] = range.querySelectorAll("input");
  const output = form.querySelector("[data-length]");

  function length() {
    return range.hidden ? form.querySelector("[data-lengths] input:checked")?.value : number.value;
  }

  function fitLength(data) {
    const was = Number(length());
    const [low, high] = data.range || [Math.min(...data.lengths.map(Number)), Math.max(...data.lengths.map(Number))];
    const fits = data.range ? was >= low && was <= high : data.lengths.includes(String(was));
    const nearest = data.range
      ? Math.min(high, Math.max(low, was))
      : Number(data.lengths.toSorted((one, other) => Math.abs(one - was) - Math.abs(other - was))[0]);
    const now = String(was ? nearest : data.length);
    range.hidden = !data.range;
    output.hidden = !data.range;
    lengths.hidden = Boolean(data.range);
    number.disabled = slider.disabled = !data.range;
    if (data.range) {
      for (const each of [slider, number]) {
        [each.min, each.max] = data.range;
        each.value = now;
      }
      fill(slider);
      output.textContent = `${low} to ${high} s`;
    }
    lengths.replaceChildren(
      ...(data.range ? [] : data.lengths).map((value) => {
        const label = document.createElement("label");
        const input = document.createElement("input");
        const words = document.createElement("span");
        Object.assign(input, { type: "radio", name: "duration", value, checked: value === now });
        words.textContent = `${value} s`;
        label.append(input, words);
        return label;
      }),
    );
    if (fits) return "";
    const end = Number(now) === high ? `, the longest for ${data.title}` : Number(now) === low ? `, the shortest for ${data.title}` : "";
    return `Length set to ${now} s${end}.`;
  }

  function fitChoice(name, values, words) {
    const all = [...form.querySelectorAll(`input[name="${name}"]`)];
    const before = all.find((each) => each.checked);
    for (const each of all) each.disabled = !values.includes(each.value);
    if (before && !before.disabled) return "";
    const next = all.find((each) => each.value === "720p" && !each.disabled) || all.find((each) => !each.disabled);
    if (next) next.checked = true;
    return next ? `${words} set to ${next.value}.` : "";
  }

  function fit() {
    const data = chosen();
    const changes = [fitLength(data), fitChoice("aspect_ratio", data.shapes, "Shape"), fitChoice("resolution", data.resolutions, "Resolution")];
    form.querySelector("[data-model-title]").textContent = data.title;
    form.querySelector("[data-model-price]").textContent = data.price;
    for (const [name, [words, other]] of Object.entries(data.needs)) {
      const place = form.querySelector(`[data-needs="${name}"]`);
      place.firstElementChild.textContent = words;
      place.hidden = !words;
      place.lastElementChild.value = other;
      place.lastElementChild.hidden = !other;
    }
    for (const field of form.querySelectorAll("[data-takes]")) {
      const why = data.why[field.dataset.takes];
      for (const each of field.querySelectorAll("input, textarea, button")) each.disabled = Boolean(why);
      const place = field.querySelector("[data-why]");
      place.textContent = why || place.dataset.usual;
      if ("onlyTaken" in field.dataset) field.hidden = Boolean(why);
    }
    if (data.seed_max) form.elements.seed.max = data.seed_max;
    for (const each of cards) each.checked = each.value === select.value;
    const said = changes.filter(Boolean).join(" ");
    form.querySelector("[data-model-note]").textContent = [said, data.note].filter(Boolean).join(" ");
    if (said) announce(said);
  }

  function choose(id) {
    select.value = id;
    select.dispatchEvent(new Event("change", { bubbles: true }));
  }

  select.addEventListener("change", fit);
  for (const each of cards) each.addEventListener("change", () => choose(each.value));
  form.addEventListener("click", (event) => {
    const other = event.target.closest("[data-switch]");
    if (!other) return;
    event.preventDefault();
    const place = other.closest("[data-field]");
    choose(other.value);
    place.querySelector("input:checked")?.focus();
  });
  return { length, chosen };
}

export function fill(slider) {
  const share = (slider.value - slider.min) / (slider.max - slider.min || 1);
  slider.style.setProperty("--p", `${share * 100}%`);
}
