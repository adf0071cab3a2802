// Files on their way up in pieces: two at a time, the rest waits; after a break each goes on from where it was.
const ADDRESS = "/api/v1/uploads";
const AT_ONCE = 2;
const TRIES = 5;
const LONGEST_WAIT_S = 30;
const LATER = [429, 503];
const DECODED = /jpe?g|png|webp/;

// What a broken or closed page left behind is found again by the file itself.
const notes = {
  get: (key) => { try { return localStorage.getItem(key); } catch { return null; } },
  set: (key, id) => { try { localStorage.setItem(key, id); } catch { /* no resuming, then */ } },
  drop: (key) => { try { localStorage.removeItem(key); } catch { /* nothing to forget */ } },
};

async function identity(file) {
  // Plain http elsewhere than on localhost has no hashes: there name, size and date must do.
  if (!globalThis.crypto?.subtle) return [null, `upload ${file.name}:${file.size}:${file.lastModified}`];
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  const sha256 = [...hash].map((each) => each.toString(16).padStart(2, "0")).join("");
  return [sha256, `upload ${sha256}`];
}

// Everything goes by XMLHttpRequest: it alone tells how much of a body has left.
function call(method, path, { body, headers = {}, onSent, item } = {}) {
  return new Promise((resolve) => {
    const asked = new XMLHttpRequest();
    asked.open(method, ADDRESS + path);
    asked.setRequestHeader("Accept", "application/json");
    asked.setRequestHeader("X-CSRF-Token", document.querySelector('meta[name="csrf-token"]').content);
    for (const [name, value] of Object.entries(headers)) asked.setRequestHeader(name, value);
    if (onSent) asked.upload.onprogress = (event) => onSent(event.loaded);
    asked.onloadend = () => {
      let told = {};
      try { told = JSON.parse(asked.responseText); } catch { /* nothing was told */ }
      resolve({ status: asked.status, body: told, wait: Number(asked.getResponseHeader("Retry-After")) || 0 });
    };
    if (item) item.asked = asked;
    asked.send(body);
  });
}

function refusal(file, limits) {
  const ending = `.${file.name.split(".").pop().toLowerCase()}`;
  if (!limits.types.split(",").includes(file.type) && !limits.endings.split(",").includes(ending)) return `That is no picture that can be kept here. Use ${limits.words}.`;
  if (!file.size) return "The file is empty.";
  if (file.size > limits.mostBytes) return `It has ${(file.size / 1e6).toFixed(1)} MB. A picture may have 10 MB at most.`;
  return "";
}

async function badPixels(file, limits) {
  const image = new Image();
  const url = URL.createObjectURL(file);
  image.src = url;
  try {
    await image.decode();
  } catch {
    // HEIC is for the server to judge: most browsers cannot.
    return DECODED.test(file.type) ? "The file is damaged: it cannot be read as a picture." : "";
  } finally {
    URL.revokeObjectURL(url);
  }
  const [width, height] = [image.naturalWidth, image.naturalHeight];
  if (Math.min(width, height) < limits.leastSide) return `It is ${width} × ${height}. A picture needs at least ${limits.leastSide} px a side.`;
  if (Math.max(width, height) > limits.mostSide) return `It is ${width} × ${height}. A picture may have ${limits.mostSide} px a side at most.`;
  return "";
}

// `show(item)` after every change; `item.state` is waiting, sending, paused, failed, refused, done or gone.
export function uploader(limits, show) {
  const queue = [];
  let busy = 0;

  const set = (item, changes) => {
    if (item.state === "gone") return;
    Object.assign(item, changes);
    show(item);
  };

  function next() {
    while (busy < AT_ONCE && queue.length) {
      const item = queue.shift();
      if (item.state !== "waiting") continue;
      busy += 1;
      run(item).finally(() => {
        busy -= 1;
        next();
      });
    }
  }

  async function run(item) {
    set(item, { state: "sending", note: "Looking at it" });
    const bad = item.looked ? "" : await badPixels(item.file, limits);
    if (bad) return set(item, { state: "refused", note: bad });
    item.looked = true;
    [item.sha256, item.key] = item.key ? [item.sha256, item.key] : await identity(item.file);
    for (let failures = 0; item.state !== "gone"; ) {
      const before = item.received;
      const answer = await step(item);
      if (item.state === "gone") return;
      if (answer.status === 200 || answer.status === 201) {
        if (answer.body.image_id) return finished(item, answer);
        failures = 0;
      } else if (answer.status === 409 && answer.body.code === "upload_offset") {
        item.received = answer.body.received;
        failures += 1;
      } else if (answer.status === 404 && item.id) {
        forget(item);
        failures += 1;
      } else if (answer.status && !LATER.includes(answer.status)) {
        return ended(item, answer);
      } else if (answer.status !== 429) failures += 1;
      if (item.received > before) failures = 0;
      if (failures >= TRIES) return set(item, { state: "failed", note: `It broke off. ${answer.body.detail || "The server could not be reached."} What was sent is kept for 24 hours.` });
      if (!answer.status || LATER.includes(answer.status)) await pause(item, answer, failures);
    }
  }

  // One request: beginning, asking where it was, or the next piece.
  async function step(item) {
    if (!item.id) {
      const known = notes.get(item.key);
      if (known) {
        const found = await call("GET", `/${known}`, { item });
        if (found.status === 200 && !found.body.image_id) begun(item, found.body);
        // What became a picture may have been put away since: then it is sent anew.
        if (found.status === 404 || found.body.image_id) notes.drop(item.key);
        return found.body.image_id || found.status === 404 ? { status: 200, body: {} } : found;
      }
      item.once ||= `${Date.now()}-${Math.random()}`;
      const headers = { "Content-Type": "application/json", "Idempotency-Key": item.once };
      const body = JSON.stringify({ name: item.file.name.slice(0, 255) || "picture", size: item.file.size, sha256: item.sha256 });
      const answer = await call("POST", "", { body, headers, item });
      if (answer.status === 201) begun(item, answer.body);
      return answer;
    }
    const [from, size] = [item.received, item.file.size];
    const to = Math.min(from + item.chunk, size);
    if (from === size) return call("POST", `/${item.id}/complete`, { item });
    const answer = await call("PUT", `/${item.id}`, {
      body: item.file.slice(from, to),
      headers: { "Content-Type": "application/octet-stream", "Content-Range": `bytes ${from}-${to - 1}/${size}` },
      onSent: (sent) => far(item, Math.min(from + sent, to)),
      item,
    });
    if (answer.status === 200 && !answer.body.image_id) item.received = answer.body.received;
    return answer;
  }

  function begun(item, told) {
    Object.assign(item, { id: told.upload_id, received: told.received, chunk: told.chunk_bytes });
    notes.set(item.key, item.id);
    far(item, item.received);
  }

  function far(item, bytes) {
    const percent = Math.min(99, Math.floor((100 * bytes) / item.file.size));
    set(item, { state: "sending", percent, note: bytes < item.file.size ? `${percent}%` : "Checking the picture" });
  }

  function forget(item) {
    notes.drop(item.key);
    Object.assign(item, { id: null, once: null, received: 0 });
  }

  function finished(item, answer) {
    notes.drop(item.key);
    set(item, { state: "done", percent: 100, image: answer.body.image_id, known: answer.status === 200 });
  }

  function ended(item, { status, body }) {
    if (status === 401 || body.code === "invalid_csrf") return set(item, { state: "refused", note: "You are signed out. Sign in again and choose the file once more: it goes on from where it was." });
    if (status === 413 || status === 422) {
      forget(item);
      return set(item, { state: "refused", note: body.detail });
    }
    set(item, { state: "failed", note: body.detail || "That did not work." });
  }

  function pause(item, { status, body, wait }, failures) {
    const seconds = Math.max(wait, status === 429 ? 1 : Math.min(LONGEST_WAIT_S, 2 ** failures / 2));
    const why = status === 429 ? "Many files at once" : status ? (body.detail || "The server is busy") : "The connection broke";
    set(item, { state: "paused", note: `${why.replace(/\.$/, "")}. Goes on by itself${seconds > 5 ? ` in about ${Math.ceil(seconds)} s` : ""}.` });
    return new Promise((resolve) => {
      const go = () => {
        clearTimeout(timer);
        removeEventListener("online", go);
        resolve();
      };
      const timer = setTimeout(go, seconds * 1000);
      if (!status) addEventListener("online", go);
      item.go = go;
    });
  }

  return {
    add(file) {
      const bad = refusal(file, limits);
      const item = { file, state: bad ? "refused" : "waiting", note: bad || "Waiting", percent: 0, received: 0, id: null };
      show(item);
      queue.push(item);
      next();
      return item;
    },
    retry(item) {
      set(item, { state: "waiting", note: "Waiting" });
      queue.push(item);
      next();
    },
    cancel(item) {
      item.state = "gone";
      item.asked?.abort();
      item.go?.();
      if (item.key) notes.drop(item.key);
      if (item.id) call("DELETE", `/${item.id}`);
    },
  };
}
