// Starting, ordering and stopping one client process on the measured core.
import { fileURLToPath } from "node:url";
import { startPinned } from "./pinned-process.mjs";

const control = new URL("./control.mjs", import.meta.url).href;

/** Spawns `clients/<file>` and waits until it is connected. */
export async function spawnClient({ file, url, env = {}, withControl = false }) {
  const path = fileURLToPath(new URL(`../clients/${file}`, import.meta.url));
  const nodeArgs = withControl ? ["--expose-gc", "--import", control, path] : [path];
  const started = startPinned({
    nodeArgs,
    env: { URL: url, ...env },
    channels: ["ignore", "ignore", "pipe", "ipc"],
  });
  const { child, problems, stop } = started;
  const answer = () =>
    new Promise((resolve, reject) => {
      const onMessage = (message) => {
        child.off("close", onClose);
        resolve(message);
      };
      const onClose = () => {
        child.off("message", onMessage);
        reject(new Error(`the client ended: ${problems().slice(-600)}`));
      };
      child.once("message", onMessage);
      child.once("close", onClose);
    });
  const ask = (order) => {
    const answered = answer();
    child.send(order);
    return answered;
  };
  try {
    await answer();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    ...started,
    /** Makes calls one by one: `[{ sent, received }]`. */
    check: (count) => ask({ kind: "check", count }),
    /** Keeps calls in flight for some time, or until so many are made. */
    load: (order) => ask({ kind: "load", ...order }),
    /** Memory after two forced collections; needs `withControl`. */
    memory: () => ask("memory"),
  };
}
