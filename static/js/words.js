// Numbers and times in the words of vividflow/pages/words.py.
export function about(seconds) {
  if (seconds < 57.5) return `${Math.max(5, 5 * Math.round(seconds / 5))} s`;
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min`;
  return `${Math.round(seconds / 3600)} h`;
}

export function size(bytes) {
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1000))} kB`;
}

export function price(usd, credits) {
  if (!credits) return ["Free", ""];
  const dollars = usd < 0.01 ? "under $0.01" : `$${(credits / 100).toFixed(2)}`;
  return [`${credits.toLocaleString("en")} ${credits === 1 ? "credit" : "credits"}`, `· ${dollars}`];
}

export function ago(seconds) {
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return null;
}
