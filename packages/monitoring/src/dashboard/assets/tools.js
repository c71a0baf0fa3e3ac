// The tools that may be called, the form of the one that is chosen, and how its call goes.
import { at, block, eventsOf, make, pill, plain, route, text, took } from "./dom.js";
import { formFor } from "./fields.js";

const HINTS = {
  readOnlyHint: "read only",
  destructiveHint: "destructive",
  idempotentHint: "idempotent",
  openWorldHint: "open world",
};
const MAX_LISTED = 300;
const MAX_LOG_LINES = 200;

let tools = [];
let chosen;
let csrfToken = "";
let running;

export async function loadTools(token) {
  csrfToken = token;
  const response = await fetch(route("tools")).catch(() => undefined);
  if (!response?.ok) return text("tools-note", "cannot be listed now");
  const { tools: listed, error, more } = await response.json();
  tools = listed;
  text("tools-note", error === undefined ? `${tools.length}${more ? "+" : ""}` : plain(error));
  showList();
  if (chosen === undefined && tools.length > 0) choose(tools[0]);
  if (tools.length === 0) at("tool").replaceChildren(make("p", {}, "No tool that you may call."));
}

at("reload-tools").addEventListener("click", () => loadTools(csrfToken));
at("filter").addEventListener("input", showList);

function showList() {
  const wanted = at("filter").value.toLowerCase();
  const found = tools.filter(({ name, title = "" }) =>
    `${name} ${title}`.toLowerCase().includes(wanted),
  );
  const items = found.slice(0, MAX_LISTED).map((tool) =>
    make(
      "li",
      {},
      make(
        "button",
        {
          type: "button",
          title: plain(tool.name),
          "aria-current": tool.name === chosen ? "true" : undefined,
          onclick: () => choose(tool),
        },
        make("span", { class: "name" }, plain(tool.name, 100)),
        make("span", { class: "more" }, plain(tool.title ?? tool.description, 120)),
      ),
    ),
  );
  if (found.length > MAX_LISTED)
    items.push(make("li", { class: "empty" }, `${found.length - MAX_LISTED} more`));
  at("tool-list").replaceChildren(...items);
}

function choose(tool) {
  chosen = tool.name;
  for (const [index, item] of [...at("tool-list").querySelectorAll("button")].entries()) {
    item.removeAttribute("aria-current");
    if (item.title === plain(tool.name) && index >= 0) item.setAttribute("aria-current", "true");
  }
  running?.abort();
  const form = formFor(tool.inputSchema);
  const outcome = make("div", { class: "outcome", "aria-live": "polite" });
  const callButton = make("button", { class: "primary", type: "submit" }, "Call");
  const stopButton = make(
    "button",
    { type: "button", hidden: true, onclick: () => running?.abort() },
    "Cancel",
  );
  const submit = (event) => {
    event.preventDefault();
    const given = form.read();
    if (given === undefined) return;
    run({ name: tool.name, arguments: given }, outcome, callButton, stopButton);
  };
  const hints = Object.entries(HINTS).filter(([member]) => tool.annotations?.[member] === true);
  const schema = (label, value) =>
    value === undefined
      ? ""
      : make(
          "details",
          {},
          make("summary", {}, label),
          make("pre", { tabindex: "0" }, block(JSON.stringify(value, undefined, 2))),
        );
  const tooLong =
    tool.schemaLength === undefined
      ? ""
      : make(
          "p",
          {},
          `Its schema has ${tool.schemaLength} characters and is not shown; write the arguments as JSON.`,
        );
  at("tool").replaceChildren(
    make("h3", {}, plain(tool.name, 2_000)),
    make("div", { class: "hints" }, ...hints.map(([, label]) => pill(label))),
    make("p", {}, plain(tool.description, 2_000)),
    tooLong,
    make(
      "form",
      { id: "call-form", novalidate: true, onsubmit: submit },
      form.element,
      make("div", { class: "actions" }, callButton, stopButton),
    ),
    schema("Input schema", tool.inputSchema),
    schema("Output schema", tool.outputSchema),
    outcome,
  );
}

/** Sends a call, or a further round of it. */
async function run(call, outcome, callButton, stopButton) {
  running?.abort();
  const controller = new AbortController();
  running = controller;
  callButton.disabled = true;
  stopButton.hidden = false;
  const bar = make("progress", { "aria-label": "Progress", hidden: true });
  const said = make("span", {}, "");
  const log = make("pre", { class: "log", tabindex: "0", hidden: true });
  outcome.replaceChildren(make("div", { class: "status" }, pill("running"), said), bar, log);
  const again = (answers) => run({ ...call, ...answers }, outcome, callButton, stopButton);
  try {
    const response = await fetch(route("call"), {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": csrfToken },
      body: JSON.stringify(call),
      signal: controller.signal,
    });
    if (!response.ok) {
      const { message, error } = await response.json().catch(() => ({}));
      show(outcome, log, "error", message ?? error?.message ?? `Status ${response.status}`);
      return;
    }
    for await (const { event, data } of eventsOf(response)) {
      if (event === "progress") showProgress(bar, said, data);
      else if (event === "log") addLine(log, data);
      else finish(event, data, outcome, log, again);
    }
  } catch (error) {
    if (controller.signal.aborted) show(outcome, log, "cancelled", "The call was cancelled.");
    else show(outcome, log, "error", `The connection was lost: ${error.message}`);
  } finally {
    if (running === controller) {
      callButton.disabled = false;
      stopButton.hidden = true;
    }
  }
}

function showProgress(bar, said, { progress, total, message }) {
  bar.hidden = false;
  if (typeof total === "number" && total > 0) {
    bar.max = total;
    bar.value = progress;
  } else bar.removeAttribute("value");
  const figures = total === undefined ? String(progress) : `${progress} of ${total}`;
  said.textContent = message === undefined ? figures : `${figures} · ${plain(message, 200)}`;
}

function addLine(log, { level, data }) {
  log.hidden = false;
  const line = `${plain(level, 20)}  ${plain(typeof data === "string" ? data : JSON.stringify(data), 1_000)}\n`;
  if (log.childNodes.length >= MAX_LOG_LINES) log.firstChild.remove();
  log.append(line);
}

function show(outcome, log, is, message, ...parts) {
  const words =
    message === ""
      ? ""
      : make("span", { class: is === "error" ? "error" : "" }, block(message, 5_000));
  outcome.replaceChildren(make("div", { class: "status" }, pill(is), words), ...parts, log);
}

function finish(event, data, outcome, log, again) {
  const ms = took(data.durationMs);
  if (data.beginning !== undefined) {
    show(
      outcome,
      log,
      event === "error" ? "error" : "ok",
      `${ms} · ${data.length} characters, of which these are the first`,
      json(data.beginning),
    );
  } else if (event === "error") {
    const { code, message, data: more } = data.error;
    show(
      outcome,
      log,
      "error",
      `${code} ${message} · ${ms}`,
      ...(more === undefined ? [] : [json(JSON.stringify(more, undefined, 2))]),
    );
  } else if (event === "ask") {
    show(outcome, log, "input_required", "The tool asks:", asks(data.result, again));
  } else {
    showResult(data.result, ms, outcome, log);
  }
}

const json = (value) => make("pre", { tabindex: "0" }, block(value));

function showResult(result, ms, outcome, log) {
  const { content = [], structuredContent, isError } = result;
  const texts = Array.isArray(content) ? content.filter(({ type }) => type === "text") : [];
  const others = Array.isArray(content) ? content.filter(({ type }) => type !== "text") : [];
  show(
    outcome,
    log,
    isError ? "tool_error" : "ok",
    ms,
    ...texts.map((each) => json(each.text)),
    ...others.map((each) => json(JSON.stringify(each, undefined, 2))),
    structuredContent === undefined
      ? ""
      : make(
          "details",
          {},
          make("summary", {}, "Structured content"),
          json(JSON.stringify(structuredContent, undefined, 2)),
        ),
    make(
      "details",
      {},
      make("summary", {}, "Whole result"),
      json(JSON.stringify(result, undefined, 2)),
    ),
  );
}

/** Every question of a round, answered together. */
function asks({ inputRequests = {}, requestState }, again) {
  const questions = Object.entries(inputRequests).map(([key, { params = {} }]) =>
    question(key, params),
  );
  const send = (action) => {
    const inputResponses = {};
    for (const { key, read } of questions) {
      const content = action === "accept" ? read() : undefined;
      if (action === "accept" && content === undefined) return;
      inputResponses[key] =
        action === "accept" && content !== true ? { action, content } : { action };
    }
    again({ inputResponses, requestState });
  };
  const button = (action, label, kind) =>
    make(
      "button",
      {
        type: kind === undefined ? "button" : "submit",
        class: kind,
        onclick: kind === undefined ? () => send(action) : () => {},
      },
      label,
    );
  const onsubmit = (event) => {
    event.preventDefault();
    send("accept");
  };
  const form = make(
    "form",
    { class: "ask", novalidate: true, "aria-label": "Questions of the tool", onsubmit },
    ...questions.map(({ element }) => element),
    make(
      "div",
      { class: "actions" },
      button("accept", "Answer", "primary"),
      button("decline", "Decline"),
      button("cancel", "Cancel"),
    ),
  );
  queueMicrotask(() => form.querySelector("input, select, textarea, a")?.focus());
  return form;
}

function question(key, { mode, message, url, requestedSchema }) {
  const words = make("p", {}, block(message, 5_000));
  if (mode !== "url") {
    const form = formFor(requestedSchema);
    return { key, read: form.read, element: make("div", { class: "fields" }, words, form.element) };
  }
  // Only what a page may open; the host is what the user has to judge.
  const isWeb = /^https?:\/\//i.test(String(url));
  const link = isWeb
    ? make("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, plain(url, 500))
    : make("code", {}, plain(url, 500));
  return { key, read: () => true, element: make("div", { class: "fields" }, words, link) };
}
