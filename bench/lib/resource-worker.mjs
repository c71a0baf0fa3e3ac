// One measurement of the file provider, in a process of its own: `node resource-worker.mjs TASK FOLDER`.
// Prints one line of JSON.
import { execFile } from "node:child_process";
import { opendir, readFile, writeFile } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

const [task, folder, option] = process.argv.slice(2);
const packages = new URL("../../packages/", import.meta.url);
const { FileResourceProvider } = await import(new URL("resources/dist/node.js", packages));

const PAGE = 1_000;
/** As the provider reads folders (packages/resources/src/file/folder-page.ts). */
const BUFFER_SIZE = 1_024;
const context = { signal: new AbortController().signal };

async function onePass() {
  let count = 0;
  for await (const entry of await opendir(folder, { bufferSize: BUFFER_SIZE })) {
    count += entry.name.length > 0 ? 1 : 0;
  }
  return count;
}

async function timed(run) {
  const startedAt = performance.now();
  const outcome = await run();
  return { milliseconds: performance.now() - startedAt, outcome };
}

/** A full pass and a first page, in turn. */
async function listTimes() {
  const provider = new FileResourceProvider(folder);
  const firstPage = () => provider.list({ cursor: undefined, limit: PAGE }, context);
  await onePass();
  await firstPage();
  const passes = [];
  const pages = [];
  for (let round = 0; round < Number(option); round += 1) {
    const measures = [
      async () => passes.push((await timed(onePass)).milliseconds),
      async () => pages.push((await timed(firstPage)).milliseconds),
    ];
    for (const measure of round % 2 === 0 ? measures : measures.reverse()) {
      globalThis.gc?.();
      await measure();
    }
  }
  const { resources, nextCursor } = await firstPage();
  return {
    files: await onePass(),
    listed: resources.length,
    goesOn: nextCursor !== undefined,
    passes,
    pages,
  };
}

/** The most that the heap held during a first page, garbage included, beyond what it held before. */
async function listHeap() {
  const provider = new FileResourceProvider(folder);
  await provider.list({ cursor: undefined, limit: 1 }, context);
  globalThis.gc();
  await nextTurn();
  const before = process.memoryUsage().heapUsed;
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().heapUsed);
  }, 1);
  const { resources } = await provider.list({ cursor: undefined, limit: PAGE }, context);
  clearInterval(timer);
  peak = Math.max(peak, process.memoryUsage().heapUsed);
  return { listed: resources.length, growth: peak - before };
}

async function residentBytes(field) {
  const status = await readFile("/proc/self/status", "utf8");
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)[1]) * 1024;
}

/** What `run` makes this process hold at most, beyond what it held before. */
async function residentGrowth(run) {
  globalThis.gc();
  await nextTurn();
  const before = await residentBytes("VmRSS");
  // Starts the kernel's high-water mark again (proc(5)).
  await writeFile("/proc/self/clear_refs", "5");
  const outcome = await run();
  return { growth: (await residentBytes("VmHWM")) - before, outcome };
}

/** One read by the provider alone. */
async function readAlone() {
  const provider = new FileResourceProvider(folder, { maxBytes: 2 ** 30 });
  const read = (name) => provider.read(`${pathToFileURL(folder).href}/${name}`, context);
  await read("small");
  const { growth, outcome } = await residentGrowth(() => read(option));
  return { size: outcome.body.length, growth };
}

/** A file above the limit, refused. */
async function refuse() {
  const provider = new FileResourceProvider(folder, { maxBytes: 1_000_000 });
  const uri = `${pathToFileURL(folder).href}/${option}`;
  const read = () => provider.read(uri, context).catch((error) => error.code);
  await read();
  const counter = async () =>
    Number(/rchar: (\d+)/.exec(await readFile("/proc/self/io", "utf8"))[1]);
  const start = await counter();
  const overhead = (await counter()) - start;
  const before = await counter();
  const code = await read();
  const bytesRead = (await counter()) - before - overhead;
  return { code, bytesRead };
}

/** One read over HTTP, by a client in another process. */
async function readServed() {
  const { MCPServer } = await import(new URL("server/dist/index.js", packages));
  const server = new MCPServer({ name: "files", version: "1.0.0" });
  server.addResourceProvider(new FileResourceProvider(folder, { maxBytes: 2 ** 30 }), {
    maxBytes: 2 ** 30,
  });
  const { url } = await server.start({ port: 0 });
  const read = (name) => readElsewhere(url, `${pathToFileURL(folder).href}/${name}`);
  await read("small");
  const { growth, outcome } = await residentGrowth(() => read(option));
  await server.stop();
  return { size: outcome, growth };
}

/** Sends one `resources/read` from a process of its own, which throws the answer away. @returns its length. */
async function readElsewhere(url, uri) {
  const client = new URL("resource-client.mjs", import.meta.url);
  const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(client), url, uri]);
  return Number(stdout);
}

const tasks = { listTimes, listHeap, readAlone, refuse, readServed };
process.stdout.write(`${JSON.stringify(await tasks[task]())}\n`);
