// A browser's part of the dashboard: what it asks for when the page is opened, and the stream that it then reads.
import { Agent, get } from "node:http";

/** The bytes of an answer, its headers included, and its body as it came. */
function load(port, path) {
  return new Promise((resolve, reject) => {
    // One connection for each, so that its bytes are those of this answer.
    const agent = new Agent();
    const options = { port, path, agent, headers: { "Accept-Encoding": "gzip" } };
    get({ host: "127.0.0.1", ...options }, (response) => {
      const { socket } = response;
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => {
        if (response.statusCode !== 200) reject(new Error(`${path}: ${response.statusCode}`));
        const { bytesRead: bytes } = socket;
        agent.destroy();
        resolve({ path, bytes, body: Buffer.concat(chunks), headers: response.headers });
      });
      response.on("error", reject);
    }).on("error", reject);
  });
}

/** Loads the page and everything that it names; `gunzip` reads a compressed page. */
export async function loadPage(port, gunzip) {
  const page = await load(port, "/dashboard");
  const html =
    page.headers["content-encoding"] === "gzip"
      ? gunzip(page.body).toString()
      : page.body.toString();
  const named = [...html.matchAll(/(?:href|src)="(dashboard\/[^"]+)"/g)].map(([, name]) => name);
  if (named.length < 5) throw new Error(`the page names ${named.length} parts only`);
  const parts = await Promise.all([...new Set(named)].map((name) => load(port, `/${name}`)));
  return [page, ...parts].map(({ path, bytes }) => ({ path, bytes }));
}

/** Opens the stream as the page does. `events` counts what came; `close` ends it. */
export async function openDashboard(port) {
  const controller = new AbortController();
  const url = `http://127.0.0.1:${port}/dashboard/events`;
  const response = await fetch(url, { signal: controller.signal });
  if (response.status !== 200) throw new Error(`the stream was refused: ${response.status}`);
  const viewer = { events: 0, bytes: 0, close: () => controller.abort() };
  const read = async () => {
    for await (const chunk of response.body) {
      viewer.bytes += chunk.length;
      viewer.events += Buffer.from(chunk).toString().split("\n\n").length - 1;
    }
  };
  read().catch(() => {});
  return viewer;
}
