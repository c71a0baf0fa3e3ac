import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { createServer as createMcpServer } from "../protocol/harness/servers.ts";
import { clippedJson } from "./clip.ts";
import { CONNECTIONS, fuzzHttp } from "./http-fuzz.ts";
import { HttpPeer } from "./http-peer.ts";
import { isId } from "./message-rules.ts";
import { growthIn } from "./plateau.ts";
import { fuzzStdio } from "./stdio-fuzz.ts";

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

type Answer = (
  body: string,
  id: unknown,
) => {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly text: string;
};

/** A server that answers every request like this. */
function serve(answer: Answer): Promise<string> {
  return listen((_request, response, body) => {
    const text = body.toString("utf8");
    const { status = 200, headers, text: said } = answer(text, usableId(text));
    response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(said);
  });
}

type BodyListener = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

async function listen(listener: BodyListener): Promise<string> {
  const collect = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    listener(request, response, Buffer.concat(chunks));
  };
  server = createServer((request, response) => {
    // A client that goes away in the middle of its body wants no answer.
    collect(request, response).catch(() => response.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function usableId(body: string): unknown {
  try {
    const { id } = JSON.parse(body) as { id?: unknown };
    return isId(id) ? id : undefined;
  } catch {
    return undefined;
  }
}

const failure = (id: unknown, message: string, code = -32600): string =>
  JSON.stringify({ jsonrpc: "2.0", id, error: { code, message } });

const wrongs: readonly (readonly [name: string, answer: Answer, finding: RegExp])[] = [
  ["answers 500", (_, id) => ({ status: 500, text: failure(id, "x") }), /status 500/],
  [
    "leaks a stack",
    (_, id) => ({ text: failure(id, new Error("x").stack ?? "") }),
    /leaks "\\\\n\s+at /,
  ],
  [
    "leaks what a parser said",
    (body, id) => {
      try {
        JSON.parse(body);
        return { text: failure(id, "fine") };
      } catch (error) {
        return { status: 400, text: failure(undefined, String(error)) };
      }
    },
    /leaks "SyntaxError"/,
  ],
  [
    "leaks a masked detail",
    (_, id) => ({ text: failure(id, "a detail that no client may see") }),
    /leaks "a detail/,
  ],
  ["leaks its folder", (_, id) => ({ text: failure(id, process.cwd()) }), /leaks/],
  ["answers in prose", () => ({ text: "Bad Request" }), /not JSON/],
  [
    "answers as HTML",
    () => ({ headers: { "Content-Type": "text/html" }, text: "x" }),
    /text\/html/,
  ],
  ["answers nothing", () => ({ status: 400, text: "" }), /without a body/],
  ["has no jsonrpc", (_, id) => ({ text: JSON.stringify({ id, result: {} }) }), /without jsonrpc/],
  ["says null for an id", () => ({ text: failure(null, "x") }), /id null/],
  ["forgets the id", () => ({ text: failure(undefined, "x") }), /without the id/],
  ["changes the id", () => ({ text: failure("other", "x") }), /was not sent/],
  [
    "has a 503 of its own",
    (_, id) => ({ status: 503, text: failure(id, "busy") }),
    /no name of ours/,
  ],
  ["fails unexpectedly", (_, id) => ({ text: failure(id, "Internal error", -32603) }), /−32603/],
  [
    "lets headers in",
    (_, id) => ({ headers: { "X-Injected": "1" }, text: failure(id, "x") }),
    /x-injected/,
  ],
  [
    "answers twice",
    (_, id) => ({
      headers: { "Content-Type": "text/event-stream" },
      text: `data: ${failure(id, "x")}\n\ndata: ${failure(id, "x")}\n\n`,
    }),
    /answers 2 times/,
  ],
  [
    "asks in the modern era",
    (_, id) => ({
      headers: { "Content-Type": "text/event-stream" },
      text: `data: {"jsonrpc":"2.0","id":1,"method":"roots/list"}\n\ndata: ${failure(id, "x")}\n\n`,
    }),
    /request in the modern era/,
  ],
];

describe("the fuzz finds a server that", () => {
  it.each(wrongs)("%s", async (_name, answer, finding) => {
    const peer = new HttpPeer(await serve(answer), CONNECTIONS);
    const report = await fuzzHttp({ peer, seed: 1, runs: 100, lingerMs: 50 });
    expect(report).toMatch(finding);
    expect(report).toMatch(/^request: POST \/mcp/m);
  });

  it("fails for a rare case, which it shows at its smallest", async () => {
    const right = createMcpServer((mcp) => mcp.tool("add_numbers", {}, () => "5"));
    const url = await listen((request, response, body) => {
      if (body.includes("1e400") && body.includes('"tools/call"')) response.writeHead(500).end();
      else right.nodeHandler(request, response, body);
    });
    const peer = new HttpPeer(url, CONNECTIONS);
    const report = await fuzzHttp({ peer, seed: 1, runs: 5_000, lingerMs: 50 });
    expect(report).toMatch(/^seed \d+, case \d+, as small as it fails: /);
    const smallest: unknown = JSON.parse(/fails: (.*)$/m.exec(report ?? "")?.[1] ?? "");
    expect(smallest).toMatchObject({ bytes: [], headers: [], chunked: false });
    expect(report).toMatch(/status 500/);
  });

  // Each has a process of its own, and most of them wait for what does not come.
  it.concurrent.each([
    ["prose", /not JSON/],
    ["stack", /leaks/],
    ["id", /was not sent/],
    ["silence", /does not answer/],
    ["crash", /ended/],
    ["twice", /answers twice|more often/],
  ])("writes what it should not over stdio: %s", async (fault, finding) => {
    const script = join(import.meta.dirname, "fixtures/wrong-stdio-server.mjs");
    const campaign = { script, args: [fault], era: "modern", seed: 1, runs: 20 } as const;
    expect(await fuzzStdio({ ...campaign, hangMs: 500 })).toMatch(finding);
  });
});

describe("a report", () => {
  it("shows the beginning of what is long, and its length", () => {
    const long = "x".repeat(20_000);
    const clipped = `${"x".repeat(200)}… (20000 characters)`;
    expect(JSON.parse(clippedJson({ headers: [["a", long]], short: "x" }))).toEqual({
      headers: [["a", clipped]],
      short: "x",
    });
  });
});

describe("a plateau", () => {
  const mib = 1024 * 1024;

  it.each([
    ["a level", (i: number) => 20 + (i % 3)],
    ["a warm-up", (i: number) => (i < 5 ? 10 * i : 40)],
    ["a collection", (i: number) => 30 - (i % 10)],
  ])("is %s", (_name, at) => {
    expect(growthIn(Array.from({ length: 40 }, (_, i) => at(i) * mib))).toBeUndefined();
  });

  it("is no slope", () => {
    expect(growthIn(Array.from({ length: 40 }, (_, i) => (20 + i) * mib))).toMatch(/grew from/);
  });

  it("needs samples", () => {
    expect(() => growthIn([1, 2, 3])).toThrow(RangeError);
  });
});
