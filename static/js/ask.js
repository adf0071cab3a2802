// Asking our own server: the CSRF token goes with whatever changes something, problems come back as errors with words.
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || "That did not work. Try again.");
    this.status = status;
    this.body = body;
  }
}

export class Unreachable extends Error {
  constructor() {
    super("The server could not be reached. Nothing you typed is lost. Try again.");
  }
}

const token = () => document.querySelector('meta[name="csrf-token"]').content;

async function send(url, { method = "GET", body, headers = {}, accept = "application/json", signal, keepalive } = {}) {
  const all = { Accept: accept, ...headers };
  if (method !== "GET") all["X-CSRF-Token"] = token();
  if (body && !(body instanceof FormData)) all["Content-Type"] = "application/json";
  const content = body instanceof FormData || !body ? body : JSON.stringify(body);
  try {
    return await fetch(url, { method, body: content, headers: all, signal, keepalive, credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable();
  }
}

export async function ask(url, options) {
  let answer = await send(url, options);
  let body = await answer.json().catch(() => ({}));
  if (body.code === "invalid_csrf") {
    // Signed in again in another tab: this page's token is of the session before.
    await renew();
    if (options.body instanceof FormData) options.body.set("csrf_token", token());
    answer = await send(url, options);
    body = await answer.json().catch(() => ({}));
  }
  if (!answer.ok) throw new Problem(answer.status, body);
  return body;
}

export async function askPage(url, options) {
  const answer = await send(url, { ...options, accept: "text/html" });
  if (!answer.ok || answer.redirected) throw new Problem(answer.redirected ? 401 : answer.status, {});
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

const who = (page) => page.querySelector("[data-who]")?.dataset.who;

export async function renew() {
  const page = await askPage("/settings");
  if (who(page) !== who(document)) throw new Problem(403, { detail: "Somebody else is signed in in this browser." });
  const fresh = page.querySelector('meta[name="csrf-token"]').content;
  document.querySelector('meta[name="csrf-token"]').content = fresh;
  for (const each of document.querySelectorAll('input[name="csrf_token"]')) each.value = fresh;
}
