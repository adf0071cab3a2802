// One event stream for all of a person's jobs. It closes after half a minute out of sight, comes back by itself, and
// after three failures the page asks every five seconds until the stream is there again.
const ADDRESS = "/api/v1/events";
const HIDDEN_MS = 30000;
const POLL_MS = 5000;
const FAILURES = 3;
const FIRST_MS = 1000;
const LONGEST_MS = 30000;
// A stream that the server ends in order is back within a second: nobody needs to read about it.
const QUIET_MS = 1500;

export function openStream({ onJob, onOpen, onPoll, onState }) {
  let source = null;
  let failures = 0;
  let again = 0;
  let polling = 0;
  let quiet = 0;
  let hiding = 0;

  function state(word) {
    clearTimeout(quiet);
    if (word === "reconnecting") quiet = setTimeout(() => onState(word), QUIET_MS);
    else onState(word);
  }

  function close() {
    clearTimeout(again);
    source?.close();
    source = null;
  }

  function poll(on) {
    if (on && !polling) polling = setInterval(onPoll, POLL_MS);
    if (!on) {
      clearInterval(polling);
      polling = 0;
    }
  }

  function open() {
    close();
    if (!navigator.onLine) return state("offline");
    source = new EventSource(ADDRESS);
    source.onopen = () => {
      failures = 0;
      poll(false);
      state("live");
      onOpen();
    };
    for (const name of ["status", "progress", "done"]) {
      source.addEventListener(name, (event) => onJob(name, JSON.parse(event.data)));
    }
    source.onerror = () => {
      failures += 1;
      state("reconnecting");
      if (failures >= FAILURES) poll(true);
      if (source.readyState === EventSource.CLOSED || failures >= FAILURES) {
        close();
        again = setTimeout(open, Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1)) * (0.8 + 0.4 * Math.random()));
      }
    };
  }

  addEventListener("offline", () => {
    close();
    poll(false);
    state("offline");
  });
  addEventListener("online", open);
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiding);
    if (document.hidden) {
      hiding = setTimeout(() => {
        close();
        poll(false);
      }, HIDDEN_MS);
    } else if (!source) open();
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => event.persisted && open());
  open();
}
