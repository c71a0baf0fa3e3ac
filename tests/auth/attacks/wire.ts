import { MCPServer } from "@backplane/server";
import { expect, onTestFinished, vi } from "vitest";
import { sendRaw, statusesIn } from "../../fuzz/raw-bytes.ts";
import { modernHeaders, modernRequest } from "../../protocol/harness/messages.ts";
import { type Attack, type Era, stagesSince } from "./attack.ts";
import { bearer } from "./tokens.ts";
import { apiKeys, asKey, secretAuth, type Target, tokenOf, type World } from "./world.ts";

const GROUP = "wire";

/** A whole request by hand; `lines` stand among its headers as they are. */
function bytesOf(era: Era["name"], lines: readonly string[], tool = "whoami"): string {
  const params = { name: tool, arguments: {} };
  const request = modernRequest("tools/call", params);
  const initialize = {
    jsonrpc: "2.0",
    id: 1,
    method: "initialize",
    params: { protocolVersion: era, capabilities: {}, clientInfo: { name: "x", version: "1" } },
  };
  const isModern = era === "2026-07-28";
  const body = JSON.stringify(isModern ? request : initialize);
  const plain = {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
  };
  const own = Object.entries(isModern ? modernHeaders(request) : plain);
  const all = [
    "Host: 127.0.0.1",
    ...own.map(([name, value]) => `${name}: ${value}`),
    ...lines,
    ...(lines.some((line) => /^(content-length|transfer-encoding)/i.test(line))
      ? []
      : [`Content-Length: ${body.length}`]),
  ];
  return `POST /mcp HTTP/1.1\r\n${all.join("\r\n")}\r\n\r\n${body}`;
}

async function exchange({ url }: Target, bytes: string) {
  const times = { silenceMs: 80, hangMs: 10_000 };
  const { received } = await sendRaw(Number(new URL(url).port), { bytes, halfClose: true }, times);
  return { received, statuses: statusesIn(received) };
}

const key = (value: string): string => `X-API-Key: ${value}`;

/** Header lines that a proxy may read otherwise. Whatever they are, nobody is taken for somebody else. */
function smuggled(
  name: string,
  lines: (world: World) => readonly string[] | Promise<readonly string[]>,
  at: "keys" | "secret" = "keys",
): Attack {
  return {
    group: GROUP,
    name,
    async run(world, era) {
      const target = world[at];
      const before = target.logger.lines.length;
      const { received, statuses } = await exchange(target, bytesOf(era.name, await lines(world)));
      expect(received).not.toMatch(/"result"/);
      expect(statuses.length).toBeGreaterThan(0);
      for (const status of statuses) expect([400, 401, 403, 404]).toContain(status);
      for (const secret of [apiKeys.alice, apiKeys.admin]) {
        expect(received + target.logger.text).not.toContain(secret);
      }
      const stages = stagesSince(target.logger, before);
      return `${statuses.join(", ")}${stages.length > 0 ? `, logged as "${stages[0]}"` : " by the parser"}`;
    },
  };
}

/** What a log viewer or a terminal would obey. */
const HOSTILE = 'x\n{"level":"error","message":"forged"}\r\u001b[2J\u009b31m\u2028\u202e';

const LINE_BREAKERS = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;

/** What the server's own logger writes while `act` runs: a line of JSON each, or it throws. */
async function writtenBy(act: () => Promise<unknown>): Promise<readonly string[]> {
  const texts: string[] = [];
  const spy = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    texts.push(String(text));
    return true;
  });
  try {
    await act();
  } finally {
    spy.mockRestore();
  }
  for (const text of texts) {
    expect(text.endsWith("\n")).toBe(true);
    expect(text.slice(0, -1)).not.toMatch(LINE_BREAKERS);
    expect(JSON.parse(text)).not.toMatchObject({ message: "forged" });
  }
  return texts;
}

/** A server that logs as one does to which nobody gave a logger. */
async function withOwnLogger(): Promise<string> {
  const server = new MCPServer({ name: "logs", version: "1.0.0", auth: secretAuth() });
  server.tool("fails", { input: { type: "object" } }, (args, { principal }) => {
    throw new Error(`${String(args["text"])} of ${principal?.id}`);
  });
  server.tool(HOSTILE.replaceAll(/[^\w]/g, "_"), {}, () => "x");
  server.resource("test://{+name}", {}, ({ variables }) => {
    throw new Error(String(variables["name"]));
  });
  const { url } = await server.start({ port: 0 });
  onTestFinished(async () => void (await server.stop()));
  return url as string;
}

export const wireAttacks: readonly Attack[] = [
  smuggled("a good key behind a bad one, in lines of their own", () => [
    key("key-of-nobody-in-the-attacks"),
    key(apiKeys.admin),
  ]),
  smuggled(
    "a good token behind a bad one, in lines of their own",
    async () => [
      "Authorization: Bearer bad-token-in-the-attacks",
      `Authorization: Bearer ${await tokenOf("alice")}`,
    ],
    "secret",
  ),
  smuggled(
    "a good token before a bad one, in lines of their own",
    async () => [
      `Authorization: Bearer ${await tokenOf("alice")}`,
      "Authorization: Bearer bad-token-in-the-attacks",
    ],
    "secret",
  ),
  smuggled("a blank before the colon", () => [`X-API-Key : ${apiKeys.admin}`]),
  smuggled("a folded line", () => ["X-API-Key:", ` ${apiKeys.admin} x`]),
  smuggled("a null byte in the name", () => [`X-API\u0000-Key: ${apiKeys.admin}`]),
  smuggled("a null byte in the value", () => [key(`${apiKeys.admin}\u0000`)]),
  smuggled("a line end of its own kind", () => [`X-A: b\r${key(apiKeys.admin)}`]),
  smuggled("a name that a proxy folds", () => [`X_API_Key: ${apiKeys.admin}`]),
  smuggled("a header named by Connection", () => [
    "Connection: X-API-Key, close",
    key("nobody-at-all-here"),
  ]),
  smuggled("two lengths", () => ["Content-Length: 5", "Content-Length: 500"]),
  smuggled("a length and chunks", () => ["Content-Length: 5", "Transfer-Encoding: chunked"]),
  {
    group: GROUP,
    name: "a second request hidden in the body of the first",
    async run({ keys }, era) {
      const hidden = bytesOf(era.name, [key(apiKeys.alice), "X-Smuggled: 1"]);
      const first = [
        "POST /mcp HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        "Content-Length: 4",
        "Transfer-Encoding: chunked",
        "",
        `0\r\n\r\n${hidden}`,
      ].join("\r\n");
      const { received, statuses } = await exchange(keys, first);
      expect(received).not.toMatch(/"result"/);
      expect(statuses).toEqual([400]);
      return "400, and the connection closes";
    },
  },
  {
    group: GROUP,
    name: "headers beyond 16 KiB",
    async run({ keys }, era) {
      const { statuses } = await exchange(keys, bytesOf(era.name, [key("k".repeat(20_000))]));
      expect(statuses).toEqual([431]);
      return "431 by the parser";
    },
  },
  {
    group: GROUP,
    name: "another Host, by which a page reaches a local server",
    async run({ keys }, era) {
      const bytes = bytesOf(era.name, [key(apiKeys.alice)]).replace("127.0.0.1", "evil.example");
      const { received, statuses } = await exchange(keys, bytes);
      expect(statuses).toEqual([403]);
      expect(received).not.toMatch(/"result"/);
      return "403";
    },
  },
  {
    group: "logs",
    name: "forged lines and terminal codes, through claims",
    async run(_world, era) {
      const url = await withOwnLogger();
      const token = await tokenOf(HOSTILE, { client_id: HOSTILE, scope: HOSTILE });
      const lines = await writtenBy(() => era.call(url, bearer(token), "fails", { text: "x" }));
      expect(lines.length).toBeGreaterThan(0);
      return `${lines.length} lines, each one line of JSON`;
    },
  },
  {
    group: "logs",
    name: "forged lines and terminal codes, through names, arguments and URIs",
    async run(_world, era) {
      const url = await withOwnLogger();
      const headers = bearer(await tokenOf("alice"));
      const lines = await writtenBy(async () => {
        await era.call(url, headers, HOSTILE);
        await era.call(url, headers, "fails", { text: HOSTILE });
        await era.request(url, headers, "resources/read", {
          uri: `test://${encodeURIComponent(HOSTILE)}`,
        });
        await era.request(url, headers, HOSTILE).catch(() => undefined);
      });
      expect(lines.length).toBeGreaterThan(1);
      return `${lines.length} lines, each one line of JSON`;
    },
  },
  {
    group: "logs",
    name: "a credential in what a handler throws",
    async run(_world, era) {
      const url = await withOwnLogger();
      const token = await tokenOf("alice");
      const text = `upstream said no to Authorization: Bearer ${token} and api_key=${apiKeys.admin}`;
      const lines = await writtenBy(() => era.call(url, bearer(token), "fails", { text }));
      expect(lines.length).toBeGreaterThan(0);
      expect(lines.join("")).not.toContain(token.split(".")[1]);
      expect(lines.join("")).not.toContain(apiKeys.admin);
      return "masked";
    },
  },
  {
    group: "logs",
    name: "a credential in the query of a request whose body is gone",
    async run({ keys }, era) {
      const { createServer } = await import("node:http");
      const front = createServer((request, response) => {
        request.resume();
        request.on("end", () => keys.server.nodeHandler(request, response));
      });
      await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
      onTestFinished(() => void front.close());
      const port = (front.address() as { port: number }).port;
      const url = `http://127.0.0.1:${port}/mcp?api_key=${apiKeys.admin}`;
      expect((await era.begin(url, asKey(apiKeys.alice))).status).toBe(500);
      expect(keys.logger.text).toMatch(/body was consumed/);
      expect(keys.logger.text).not.toContain(apiKeys.admin);
      return "500, logged without the query";
    },
  },
];
