// The page's one polite live region.
const region = document.getElementById("said");
let last = 0;

export function announce(text) {
  // A text equal to the one before is no change, and would not be read.
  region.textContent = text + (region.textContent === text ? "\u00a0" : "");
  clearTimeout(last);
  last = setTimeout(() => (region.textContent = ""), 8000);
}
