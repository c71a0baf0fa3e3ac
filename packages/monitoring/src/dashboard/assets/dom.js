// Everything on the page is made here, from text alone: nothing a server or client says becomes markup.

// What acts on a reader instead of being read: controls, and what turns the direction of text.
const ACTING = new RegExp(
  `[${[
    "0000-001f",
    "007f-009f",
    "061c",
    "200b",
    "200e-200f",
    "2028-202e",
    "2060-2069",
    "d800-dfff",
    "feff",
  ]
    .map((range) => range.replace(/\w+/g, "\\u$&"))
    .join("")}]`,
  "g",
);
const PAIRS = /[\ud800-\udbff][\udc00-\udfff]|[\s\S]/g;

/** A text in one line, in which what acts is spelt out. */
export function plain(value, limit = 300) {
  const text = String(value ?? "");
  const shown = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return shown.replace(PAIRS, (each) => (each.length === 2 ? each : each.replace(ACTING, spelt)));
}

/** The same for a text of several lines. */
export function block(value, limit = 200_000) {
  const text = String(value ?? "");
  const shown = text.length > limit ? `${text.slice(0, limit)}\n… ${text.length} characters` : text;
  return shown.replace(PAIRS, (each) =>
    each.length === 2 || each === "\n" || each === "\t" ? each : each.replace(ACTING, spelt),
  );
}

function spelt(character) {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

export const at = (id) => document.getElementById(id);

/** @param parts texts and elements. */
export function make(tag, attributes = {}, ...parts) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...parts.filter((part) => part !== undefined && part !== ""));
  return element;
}

export function text(id, value) {
  const element = at(id);
  if (element.textContent !== value) element.textContent = value;
}

/** A figure with its unit in small. */
export function figure(id, value, unit = "", kind = "") {
  const element = at(id);
  element.className = kind;
  element.replaceChildren(value, ...(unit === "" ? [] : [make("small", {}, unit)]));
}

export function pill(is, label = is) {
  return make(
    "span",
    { class: "pill", "data-is": plain(is, 40) },
    plain(label, 40).replaceAll("_", " "),
  );
}

/** Milliseconds as a number of three digits and its unit. */
export function duration(ms) {
  if (ms === undefined || ms === null || Number.isNaN(ms)) return ["–", ""];
  if (ms < 1) return [String(Math.max(1, Math.round(ms * 1_000))), "µs"];
  if (ms < 1_000) return [digits(ms), "ms"];
  if (ms < 60_000) return [digits(ms / 1_000), "s"];
  return [digits(ms / 60_000), "min"];
}

export const took = (ms) => duration(ms).filter(Boolean).join(" ");

export function digits(value) {
  if (value >= 100_000) return `${digits(value / 1_000)}k`;
  if (value >= 100) return Math.round(value).toLocaleString("en");
  if (value >= 10) return String(Number(value.toFixed(1)));
  return String(Number(value.toFixed(2)));
}

export const count = (value) =>
  value >= 1_000_000 ? `${digits(value / 1_000_000)}M` : digits(value);

/** A share of 1 as percent. */
export function percent(share) {
  const value = share * 100;
  if (value === 0 || value >= 99.95) return String(Math.round(value));
  return value < 0.1 ? "<0.1" : value.toFixed(1);
}

/** The address of one of the dashboard's own routes. */
export const route = (name) => new URL(name, import.meta.url);

/** The server-sent events of an answer, one after the other. */
export async function* eventsOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += value;
    const events = rest.split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const lines = event.split("\n");
      const member = (name) =>
        lines
          .find((line) => line.startsWith(`${name}:`))
          ?.slice(name.length + 1)
          .trim();
      const data = member("data");
      if (data !== undefined) yield { event: member("event"), data: JSON.parse(data) };
    }
  }
}
