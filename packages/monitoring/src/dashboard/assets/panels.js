// The figures and lists: each is written anew from what the last tick said.
import {
  at,
  count,
  digits,
  duration,
  figure,
  make,
  percent,
  pill,
  plain,
  text,
  took,
} from "./dom.js";

export function showPanels(state) {
  showFigures(state);
  showTools(state.tools);
  showHealth(state.health);
  showCaches(state.caches);
  list(
    "limits",
    state.limits.map(([name, number]) => item(name, count(number))),
    "No limit was hit.",
  );
  showTrouble(state);
}

function showFigures({ figures, load, open, caches, limits }) {
  const { perSecond, errorRate, requests } = figures;
  figure("f-rate", digits(perSecond), "/s");
  figure(
    "f-errors",
    percent(errorRate),
    "%",
    errorRate >= 0.05 ? "bad" : errorRate > 0 ? "warn" : "",
  );
  text("f-errors-sub", `of ${count(requests)} in ${figures.seconds} s`);
  for (const [id, ms] of [
    ["f-p50", figures.p50Ms],
    ["f-p95", figures.p95Ms],
    ["f-p99", figures.p99Ms],
  ]) {
    if (requests === 0) figure(id, "–");
    else figure(id, ...duration(ms));
  }
  figure("f-flight", count(load.inFlight), "", load.inFlight > load.maxInFlight * 0.8 ? "bad" : "");
  text("f-flight-sub", `of at most ${count(load.maxInFlight)}`);
  figure("f-sessions", count(open.sessions));
  text("f-sessions-sub", `${count(open.sessionsOpened)} opened · ${count(open.connections)} local`);
  figure("f-streams", count(open.streams));
  text("f-streams-sub", `${count(open.streamsOpened)} opened`);
  const answered = caches.reduce((sum, [, each]) => sum + each.hit + each.stale + each.negative, 0);
  const looked = caches.reduce((sum, [, each]) => sum + each.miss, answered);
  if (looked === 0) figure("f-cache", "–");
  else figure("f-cache", percent(answered / looked), "%");
  text("f-cache-sub", looked === 0 ? "no lookups" : `of ${count(looked)} lookups`);
  const hit = limits.reduce((sum, [, number]) => sum + number, 0);
  figure("f-limits", count(hit), "", hit > 0 ? "warn" : "");
}

function item(label, value, ...more) {
  return make(
    "li",
    {},
    make("span", { class: "label", title: plain(label) }, plain(label, 120)),
    typeof value === "string" ? make("span", { class: "value" }, value) : value,
    ...more,
  );
}

function list(id, items, none) {
  at(id).replaceChildren(...(items.length > 0 ? items : [make("li", { class: "more" }, none)]));
}

let shownTools;

function showTools(tools) {
  const key = JSON.stringify(tools);
  if (key === shownTools) return;
  shownTools = key;
  const rows = tools.map((tool) => {
    const types = tool.errorTypes.map(([type, number]) => `${plain(type, 24)} × ${count(number)}`);
    return make(
      "tr",
      {},
      make("td", { class: "name", title: plain(tool.name) }, plain(tool.name, 120)),
      make("td", { class: "n" }, count(tool.calls)),
      tool.errors === 0
        ? make("td", { class: "n zero" }, "0")
        : make(
            "td",
            { class: "n bad-text" },
            `${count(tool.errors)} · ${percent(tool.errors / tool.calls)} %`,
          ),
      make("td", { class: "types wide" }, types.join(", ")),
      make("td", { class: "n narrow-off" }, took(tool.p50Ms)),
      make("td", { class: "n" }, took(tool.p99Ms)),
    );
  });
  const none = make(
    "tr",
    {},
    make("td", { colspan: "6", class: "empty" }, "No tool was called yet."),
  );
  at("by-tool").replaceChildren(...(rows.length > 0 ? rows : [none]));
  text("by-tool-note", rows.length >= 50 ? "since start · the 50 most called" : "since start");
}

function showHealth(report) {
  const element = at("health-pill");
  element.hidden = report === null;
  if (report === null) {
    list("health", [], "Nobody has been asked yet.");
    return;
  }
  element.dataset.is = report.status;
  text("health-pill", report.status);
  const checks = Object.entries(report.checks);
  list(
    "health",
    checks.map(([name, { status, message, durationMs }]) => {
      const words = [
        message === undefined ? "" : plain(message),
        durationMs === undefined ? "" : took(durationMs),
      ].filter(Boolean);
      return item(name, pill(status), make("span", { class: "more" }, words.join(" · ")));
    }),
    "This server has no health checks.",
  );
  text("health-time", clock(report.timestamp));
}

function showCaches(caches) {
  list(
    "caches",
    caches.map(([name, { hit, stale, negative, miss }]) => {
      const answered = hit + stale + negative;
      const ratio = answered + miss === 0 ? 0 : answered / (answered + miss);
      const meter = make("meter", {
        min: "0",
        max: "1",
        value: String(ratio),
        "aria-label": `Hit ratio of ${plain(name, 60)}`,
      });
      const words = `${count(answered)} of ${count(answered + miss)}`;
      return item(name, `${percent(ratio)} %`, meter, make("span", { class: "more" }, words));
    }),
    "Nothing was looked up in a cache.",
  );
}

function showTrouble({ degraded, refusals, maskedErrors, audit }) {
  list(
    "trouble",
    [
      ...degraded.map((part) => item(part, pill("degraded"))),
      ...(maskedErrors > 0 ? [item("Unexpected errors, see the log", count(maskedErrors))] : []),
      ...refusals.map(([stage, number]) =>
        item(`Refused credentials: ${stage === "none" ? "none given" : stage}`, count(number)),
      ),
      ...(audit?.lost > 0 ? [item("Audit records lost", count(audit.lost))] : []),
      ...(audit?.degraded
        ? [item("Audit", pill("degraded"), make("span", { class: "more" }, plain(audit.lastError)))]
        : []),
    ],
    "None.",
  );
}

export function clock(time) {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? "–" : date.toLocaleTimeString("en-GB");
}
