import { createInMemoryTransportPair, type Principal } from "@backplane/protocol";
import { createFakeClock } from "@backplane/protocol/test-suite";
import { expect, it } from "vitest";
import { identifyProcess } from "./identity.ts";
import { MCPServer, type MCPServerOptions } from "./index.ts";
import { resolveOptions } from "./resolve-options.ts";

const ada: Principal = { id: "ada", scopes: [], roles: [] };
const auth: NonNullable<MCPServerOptions["auth"]> = {
  authenticate: (request) =>
    request.header("authorization") === "Bearer good"
      ? { principal: ada }
      : { failure: { status: 401, headers: {}, message: "No", stage: "signature" } },
};
const SERVER = "server-1";
const base = { name: "identity", version: "1.0.0" };

it("identifies the client of a process by what the environment gave, whatever the case of names", async () => {
  const options = resolveOptions({ ...base, auth });
  expect(await identifyProcess(SERVER, options, { Authorization: "Bearer good" })).toBe(ada);
  expect(await identifyProcess(SERVER, resolveOptions(base), undefined)).toBeUndefined();
});

it.each([
  [
    "a bad credential",
    { auth },
    { authorization: "Bearer bad" },
    /"headers" was refused: No \(signature\)/,
  ],
  ["a variable that is not set", { auth }, { authorization: undefined }, /was refused/],
  ["no credential", { auth }, undefined, /give the option "headers"/],
  [
    "a credential that nobody asks for",
    {},
    { authorization: "x" },
    /does nothing without the option "auth"/,
  ],
])("refuses %s", async (_name, options, headers, message) => {
  await expect(
    identifyProcess(SERVER, resolveOptions({ ...base, ...options }), headers),
  ).rejects.toThrow(message);
});

it("refuses a start over stdio, and a connection, of nobody", async () => {
  const server = new MCPServer({ ...base, auth });
  await expect(server.start({ transport: "stdio" })).rejects.toThrow(/"headers"/);
  expect(() => server.connectInMemory()).toThrow(/"principal"/);
  await server.stop();
});

it("refuses every request of a connection whose credential has ended", async () => {
  const clock = createFakeClock();
  const server = new MCPServer({ ...base, auth, clock });
  server.tool("ping_tool", {}, () => "pong");
  const [client, end] = createInMemoryTransportPair();
  const answers: unknown[] = [];
  client.start({
    onMessage: (text) => answers.push(JSON.parse(text)),
    onOversized: () => {},
    onClose: () => {},
  });
  server.connect(end, { principal: { ...ada, expiresAtMs: clock.now() + 1_000 } });
  const ping = (id: number) => client.send(JSON.stringify({ jsonrpc: "2.0", id, method: "ping" }));
  ping(1);
  await expect.poll(() => answers).toEqual([{ jsonrpc: "2.0", id: 1, result: {} }]);
  clock.advance(1_000);
  ping(2);
  await expect.poll(() => answers[1]).toMatchObject({ id: 2, error: { code: -1401 } });
  await server.stop();
});

it("warns of what weakens identity and policy, once", () => {
  const warned: string[] = [];
  const logger = {
    debug() {},
    info() {},
    warn: (_: object, text: string) => warned.push(text),
    error() {},
  };
  const policy = {
    perPrincipal: true,
    decide: () => ({ effect: "allow" as const }),
    notices: ["b"],
  };
  new MCPServer({ ...base, logger, auth: { ...auth, notices: ["a"] }, policy });
  expect(warned).toEqual(["a", "b"]);
});
