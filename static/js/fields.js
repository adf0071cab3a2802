// What stands in the form, by name; and putting it back. Fields that the model does not take keep what was typed.
const named = (form, name) => [...form.elements].filter((each) => each.name === name);

export function read(form) {
  const found = {};
  for (const name of form.dataset.fields.split(" ")) {
    const all = named(form, name);
    const one = all.find((each) => each.type === "radio" && each.checked && !each.disabled) || all.find((each) => each.type !== "radio");
    found[name] = one?.type === "checkbox" ? one.checked : (one?.value ?? "");
  }
  return found;
}

export function write(form, fields) {
  const { model, ...rest } = fields;
  const able = [...form.elements.model.options].some((each) => each.value === model && !each.disabled);
  if (able && form.elements.model.value !== model) {
    form.elements.model.value = model;
    form.elements.model.dispatchEvent(new Event("change", { bubbles: true }));
  }
  for (const [name, value] of Object.entries(rest)) {
    for (const each of named(form, name)) {
      if (each.type === "radio") each.checked = each.value === value && !each.disabled ? true : each.checked;
      else if (each.type === "checkbox") each.checked = value === true;
      else if (each.type !== "file") each.value = value ?? "";
      if (each.type === "number") each.dispatchEvent(new Event("input"));
    }
  }
  form.dispatchEvent(new Event("restored"));
}
