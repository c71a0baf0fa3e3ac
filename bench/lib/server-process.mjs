// Starting, asking and stopping one server process.
import { connect, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { startPinned } from "./pinned-process.mjs";

const START_TIMEOUT_MS = 20_000;
const control = new URL("./control.mjs", import.meta.url).href;

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** An open socket, or undefined while nothing listens. */
export function tryConnect(port) {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    socket.once("connect", () => resolve(socket));
    socket.once("error", () => resolve(undefined));
  });
}

async function waitUntilListening(port, child, problems) {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const socket = await tryConnect(port);
    if (socket) {
      socket.destroy();
      return;
    }
    if (child.exitCode !== null) {
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`the server did not start: ${problems().slice(-600)}`);
}

/**
 * Spawns `servers/<file>`, on the server's core unless it is not `measured`. `stdio` servers get
 * pipes, others a free port.
 */
export async function spawnServer({
  file,
  env = {},
  withControl = false,
  stdio = false,
  measured = true,
}) {
  const path = fileURLToPath(new URL(`../servers/${file}`, import.meta.url));
  const nodeArgs = withControl ? ["--expose-gc", "--import", control, path] : [path];
  const port = stdio ? undefined : await freePort();
  const channels = stdio ? ["pipe", "pipe", "pipe"] : ["ignore", "ignore", "pipe"];
  const started = startPinned({
    nodeArgs,
    env: { PORT: String(port ?? ""), ...env },
    channels: withControl ? [...channels, "ipc"] : channels,
    measured,
  });
  const { child, problems } = started;
  const ask = (order) =>
    new Promise((resolve, reject) => {
      child.once("message", resolve);
      child.send(order, (error) => error && reject(error));
    });
  return {
    ...started,
    port,
    ready: () => waitUntilListening(port, child, problems),
    /** Memory after two forced collections; needs `withControl`. */
    memory: () => ask("memory"),
    /** From here on it is measured how late the event loop is; needs `withControl`. */
    watchLoop: () => ask("watch the loop"),
    /** How late it was since then, in milliseconds: `{ p50Ms, p99Ms, maxMs }`. */
    loopDelay: () => ask("loop"),
  };
}
