// Two canvases, drawn anew with each second of traffic, when the size changes, and when light turns to dark.
import { at, digits, took } from "./dom.js";

const LEFT = 52;
const BOTTOM = 20;
const TOP = 8;
const RIGHT = 12;
const FIRST_MS = 0.01;

let windowS = 180;
let now = 0;
/** By second. */
const seconds = new Map();
let scheduled = false;

export function addSeconds(second, added, whole) {
  if (whole !== undefined) {
    seconds.clear();
    windowS = whole;
  }
  now = second;
  for (const each of added) seconds.set(each.second, each);
  for (const key of seconds.keys()) if (key < now - windowS) seconds.delete(key);
  draw();
}

export function draw() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    drawRate();
    drawHeat();
  });
}

new ResizeObserver(draw).observe(document.body);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

function prepare(id) {
  const canvas = at(id);
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.font = "11px system-ui, sans-serif";
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  const plot = { x: LEFT, y: TOP, w: width - LEFT - RIGHT, h: height - TOP - BOTTOM };
  return { canvas, context, color, plot, step: plot.w / windowS };
}

function axis({ context, color, plot }, marks) {
  context.fillStyle = color("dim");
  context.strokeStyle = color("soft");
  context.lineWidth = 1;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const [y, label] of marks) {
    const line = Math.round(y) + 0.5;
    context.beginPath();
    context.moveTo(plot.x, line);
    context.lineTo(plot.x + plot.w, line);
    context.stroke();
    context.fillText(label, plot.x - 8, y);
  }
  context.textBaseline = "alphabetic";
  for (let ago = 0; ago <= windowS; ago += 60) {
    const x = plot.x + plot.w * (1 - ago / windowS);
    context.textAlign = ago === 0 ? "right" : ago === windowS ? "left" : "center";
    context.fillText(ago === 0 ? "now" : `−${ago / 60} min`, x, plot.y + plot.h + 15);
  }
}

const xOf = ({ plot, step }, second) => plot.x + plot.w - (now - second) * step;

/** A round number at or above what is to be shown. */
function ceiling(value) {
  if (value <= 4) return 4;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 5, 8, 10].map((factor) => factor * power).find((each) => each >= value);
}

function drawRate() {
  const chart = prepare("c-rate");
  const { canvas, context, color, plot, step } = chart;
  const all = [...seconds.values()];
  const peak = Math.max(0, ...all.map(({ requests }) => requests));
  const top = ceiling(peak);
  const yOf = (value) => plot.y + plot.h * (1 - value / top);
  axis(
    chart,
    [0, top / 2, top].map((value) => [yOf(value), digits(value)]),
  );
  const gap = step > 3 ? 1 : 0;
  for (const { second, requests, errors } of all) {
    const x = xOf(chart, second);
    context.fillStyle = color("rate");
    context.fillRect(x, yOf(requests), step - gap, yOf(errors) - yOf(requests));
    context.fillStyle = color("error");
    if (errors > 0)
      context.fillRect(
        x,
        Math.min(yOf(errors), yOf(0) - 2),
        step - gap,
        Math.max(2, yOf(0) - yOf(errors)),
      );
  }
  const last = seconds.get(now - 1);
  canvas.setAttribute(
    "aria-label",
    `Requests per second over the last three minutes: now ${last?.requests ?? 0}, of which ${last?.errors ?? 0} errors; at most ${peak}`,
  );
}

function drawHeat() {
  const chart = prepare("c-heat");
  const { canvas, context, color, plot, step } = chart;
  const all = [...seconds.values()].filter(({ rows }) => rows.length > 0);
  const rows = all.flatMap(({ rows: some }) => some.map(([row]) => row));
  // From one half-octave below what there is to one above; a calm server gets 0.1 to 100 ms.
  const low = rows.length === 0 ? 7 : Math.max(0, Math.min(...rows) - 1);
  const high = Math.max(low + 8, rows.length === 0 ? 27 : Math.max(...rows) + 2);
  const yOfRow = (row) => plot.y + plot.h * (1 - (row - low) / (high - low));
  const yOf = (ms) => yOfRow(Math.log2(ms / FIRST_MS) * 2);
  const marks = [0.01, 0.1, 1, 10, 100, 1_000, 10_000, 100_000].flatMap((ms) => {
    const y = yOf(ms);
    return y >= plot.y && y <= plot.y + plot.h ? [[y, took(ms)]] : [];
  });
  axis(chart, marks);
  const most = Math.max(1, ...all.flatMap(({ rows: some }) => some.map(([, number]) => number)));
  const heat = color("heat");
  for (const { second, rows: some } of all) {
    for (const [row, number] of some) {
      // By its logarithm: one slow call among thousands has to be seen.
      const share = 0.16 + 0.84 * (Math.log1p(number) / Math.log1p(most));
      context.fillStyle = `rgb(${heat} / ${share.toFixed(2)})`;
      const y = yOfRow(row + 1);
      context.fillRect(
        xOf(chart, second),
        y,
        Math.max(1, step),
        Math.max(1, yOfRow(row) - y - 0.5),
      );
    }
  }
  for (const [name, member] of [
    ["p50", "p50Ms"],
    ["p95", "p95Ms"],
    ["p99", "p99Ms"],
  ]) {
    context.strokeStyle = color(name);
    context.lineWidth = 1.25;
    context.beginPath();
    let before = Number.NaN;
    for (const each of all.toSorted((a, b) => a.second - b.second)) {
      const [x, y] = [xOf(chart, each.second) + step / 2, yOf(each[member])];
      if (each.second === before + 1) context.lineTo(x, y);
      else {
        context.moveTo(x - step / 2, y);
        context.lineTo(x, y);
      }
      before = each.second;
    }
    context.stroke();
  }
  const last = all.at(-1);
  canvas.setAttribute(
    "aria-label",
    last === undefined
      ? "Response times over the last three minutes: no requests"
      : `Response times over the last three minutes: last p50 ${took(last.p50Ms)}, p95 ${took(last.p95Ms)}, p99 ${took(last.p99Ms)}`,
  );
}
