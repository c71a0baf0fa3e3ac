// Signs in, listens, and hands what comes to the panels. The page is there before any of this.
import { showCalls } from "./calls.js";
import { addSeconds } from "./charts.js";
import { at, plain, route, text } from "./dom.js";
import { showPanels } from "./panels.js";
import { loadTools } from "./tools.js";

let events;
let session = { signedIn: false };
let quietTimer;

async function begin() {
  let response;
  try {
    response = await fetch(route("session"));
    session = await response.json();
  } catch {
    live("no", "No connection");
    setTimeout(begin, 2_000);
    return;
  }
  if (!response.ok) return live("no", plain(session?.error?.message ?? "Refused"));
  const { signedIn, open, principal, server } = session;
  at("sign-in").hidden = signedIn;
  at("board").hidden = !signedIn;
  at("sign-out").hidden = !signedIn || open;
  at("who").hidden = !signedIn;
  document.querySelector(".bar nav").hidden = !signedIn;
  if (!signedIn) {
    live("", "Signed out");
    at("health-pill").hidden = true;
    at("credential").focus();
    return;
  }
  text("server", plain(server, 80));
  document.title = `${plain(server, 60)} · Dashboard`;
  text("who", principal === null ? "open on this machine" : plain(principal.id, 60));
  listen();
  void loadTools(session.csrfToken);
}

function listen() {
  events?.close();
  events = new EventSource(route("events"));
  events.addEventListener("whole", ({ data }) => take(JSON.parse(data), true));
  events.addEventListener("tick", ({ data }) => take(JSON.parse(data), false));
  events.addEventListener("error", () => {
    live("no", "Reconnecting");
    // Closed for good: the sign-in has ended, or the server refuses. Its session says which.
    if (events.readyState === EventSource.CLOSED) setTimeout(begin, 1_500);
  });
}

function take(state, isWhole) {
  live("yes", "Live");
  clearTimeout(quietTimer);
  quietTimer = setTimeout(() => live("no", "No news"), 5_000);
  addSeconds(state.second, state.seconds, isWhole ? state.windowSeconds : undefined);
  showPanels(state);
  showCalls(state.calls, isWhole);
}

function live(on, words) {
  at("live").dataset.on = on;
  text("live", words);
}

at("sign-in-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const input = at("credential");
  text("sign-in-error", "");
  try {
    const response = await fetch(route("sign-in"), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ credential: input.value }),
    });
    const { message, error } = await response.json();
    if (!response.ok) {
      text("sign-in-error", plain(message ?? error?.message));
      input.select();
      return;
    }
  } catch {
    text("sign-in-error", "The server does not answer.");
    return;
  }
  input.value = "";
  await begin();
  if (session.signedIn) at("main").focus();
  else text("sign-in-error", "The browser did not keep the cookie: open this page over HTTPS.");
});

at("sign-out").addEventListener("click", async () => {
  events?.close();
  clearTimeout(quietTimer);
  await fetch(route("sign-out"), {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": session.csrfToken },
    body: "{}",
  }).catch(() => {});
  location.reload();
});

// Nobody looks: nothing has to be told.
document.addEventListener("visibilitychange", () => {
  if (!session.signedIn) return;
  clearTimeout(quietTimer);
  if (document.hidden) events?.close();
  else listen();
});

void begin();
