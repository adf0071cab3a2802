// Light, dark or the system's: at once here, and kept on the server so that the next first paint is right.

const root = document.documentElement;
const meta = document.querySelector('meta[name="color-scheme"]');
const system = matchMedia("(prefers-color-scheme: dark)");
const forms = [...document.querySelectorAll("[data-theme-form]")];
const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);

function show() {
  for (const form of forms) {
    const button = form.querySelector("button[name=theme]");
    if (button) {
      button.setAttribute("aria-pressed", String(dark()));
      button.value = dark() ? "light" : "dark";
    }
    for (const input of form.querySelectorAll("input[type=radio]")) input.checked = input.value === (root.dataset.theme || "system");
  }
}

async function choose(form, theme) {
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  meta.content = theme === "system" ? "light dark" : theme;
  show();
  const body = new FormData(form);
  body.set("theme", theme);
  await fetch(form.action, { method: "POST", body, redirect: "manual" }).catch(() => {});
}

for (const form of forms) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    choose(form, event.submitter?.value || "system");
  });
  form.addEventListener("change", (event) => choose(form, event.target.value));
}
system.addEventListener("change", show);
show();
