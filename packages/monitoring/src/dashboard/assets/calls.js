// Recent calls: new ones come in at the top; a row opens to show its audit record.
import { at, make, pill, plain, text, took } from "./dom.js";
import { clock } from "./panels.js";

const MAX_ROWS = 100;
const COLUMNS = "7";
const BAD = new Set(["error", "tool_error", "refused", "limited", "lost"]);

let calls = [];
const opened = new Set();
let paused = false;

export function showCalls(added, isWhole) {
  calls = (isWhole ? added : [...added, ...calls]).slice(0, MAX_ROWS);
  if (!paused && (isWhole || added.length > 0)) render();
}

at("pause").addEventListener("click", ({ currentTarget }) => {
  paused = !paused;
  currentTarget.setAttribute("aria-pressed", String(paused));
  currentTarget.textContent = paused ? "Go on" : "Pause";
  if (!paused) render();
});
at("only-errors").addEventListener("change", render);

function render() {
  const shown = at("only-errors").checked ? calls.filter(({ outcome }) => BAD.has(outcome)) : calls;
  for (const seq of opened) if (!calls.some((call) => call.seq === seq)) opened.delete(seq);
  const focused = document.activeElement?.dataset?.seq;
  const rows = shown.flatMap(rowsOf);
  const none = make("tr", {}, make("td", { colspan: COLUMNS, class: "empty" }, "No calls yet."));
  at("calls").replaceChildren(...(rows.length > 0 ? rows : [none]));
  text(
    "recent-note",
    calls[0]?.audit === undefined ? "a sample of each second" : "as the audit has them",
  );
  // The rows are new: whoever was on one stays there.
  if (focused !== undefined)
    at("calls")
      .querySelector(`[data-seq="${Number(focused)}"]`)
      ?.focus();
}

function rowsOf(call) {
  const isOpen = opened.has(call.seq);
  const toggle = make(
    "button",
    {
      class: "row-button",
      type: "button",
      "aria-expanded": String(isOpen),
      "data-seq": String(call.seq),
      onclick: () => {
        if (!opened.delete(call.seq)) opened.add(call.seq);
        render();
      },
    },
    clock(call.time),
  );
  const what = call.target ?? call.method ?? call.kind;
  const method =
    call.target === undefined || call.method === "tools/call" ? "" : (call.method ?? call.kind);
  const row = make(
    "tr",
    {},
    make("td", {}, toggle),
    make(
      "td",
      { class: "name", title: plain(what) },
      method === "" ? "" : make("span", { class: "zero" }, `${plain(method, 40)} `),
      plain(what, 160),
    ),
    make("td", {}, pill(call.outcome), call.errorCode === undefined ? "" : ` ${call.errorCode}`),
    make("td", { class: "n" }, call.durationMs === undefined ? "" : took(call.durationMs)),
    make("td", { class: "types" }, call.principal === undefined ? "–" : plain(call.principal, 60)),
    make("td", { class: "wide" }, call.decision === undefined ? "–" : pill(call.decision)),
    make(
      "td",
      { class: "wide zero" },
      plain([call.transport, call.era].filter(Boolean).join(" · "), 60),
    ),
  );
  if (!isOpen) return [row];
  return [row, make("tr", { class: "detail" }, make("td", { colspan: COLUMNS }, facts(call)))];
}

/** The audit's own record where there is one, member by member. */
function facts({ audit, seq, ...call }) {
  const entries = Object.entries(audit ?? call).filter(([, value]) => value !== undefined);
  return make(
    "dl",
    { class: "facts", "aria-label": audit === undefined ? "Call" : "Audit record" },
    ...entries.flatMap(([name, value]) => [
      make("dt", {}, plain(name, 60)),
      make("dd", {}, plain(typeof value === "string" ? value : JSON.stringify(value), 600)),
    ]),
  );
}
