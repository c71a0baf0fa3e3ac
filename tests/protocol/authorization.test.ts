import { describe, expect, it } from "vitest";
import { registerAsking } from "./harness/asking-tools.ts";
import { callTool, modern, send } from "./harness/http.ts";
import { bearer, byName, byRole } from "./harness/identities.ts";
import { initialize, openSession } from "./harness/legacy-session.ts";
import { fullCapabilities, metaClientInfo, textOf } from "./harness/messages.ts";
import { useServer } from "./harness/servers.ts";

const target = useServer(
  (server) => {
    registerAsking(server);
    server.tool("whoami", {}, (_args, context) => context.principal?.id ?? "nobody");
    server.tool("for_admins", { roles: ["admin"] }, () => "secret");
    server.tool("for_writers", { scopes: ["write"] }, () => "written");
    server.prompt(
      "for_admins",
      { roles: ["admin"], arguments: { x: { complete: () => ["s"] } } },
      () => "secret",
    );
    server.resource("test://for-admins", { roles: ["admin"] }, () => "secret");
    server.resource(
      "test://for-admins/{id}",
      { roles: ["admin"], complete: { id: () => ["s"] } },
      () => "secret",
    );
  },
  {
    auth: byName,
    policy: byRole,
    cacheHints: {
      "tools/list": { ttlMs: 60_000, cacheScope: "public" },
      "resources/read": { ttlMs: 60_000, cacheScope: "public" },
    },
  },
);

const as = (name: string) => ({ headers: bearer(name) });

describe("with authentication on", () => {
  it.each([
    "server/discover",
    "tools/list",
    "tools/call",
    "prompts/list",
    "prompts/get",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "completion/complete",
    "subscriptions/listen",
    "ping",
    "no/such",
  ])("[S26-52b] %s is refused without a credential", async (method) => {
    for (const headers of [
      {},
      { authorization: "Bearer mallory" },
      { authorization: "nonsense" },
    ]) {
      const answer = await modern(
        target.url,
        method,
        { name: "whoami", uri: "test://x" },
        { headers },
      );
      expect(answer.status).toBe(401);
      expect(answer.headers["www-authenticate"]).toContain("Bearer");
      expect(answer.text).not.toContain("result");
    }
  });

  it.each(["GET", "DELETE"])("[S26-52b] %s is refused without a credential", async (method) => {
    const answer = await send(target.url, { method, headers: { accept: "text/event-stream" } });
    expect(answer.status).toBe(401);
  });

  it("[S26-52b] initialize, notifications and nonsense are refused without a credential", async () => {
    expect((await initialize(target.url)).status).toBe(401);
    for (const body of ["{", "[]", '{"jsonrpc":"2.0","method":"notifications/initialized"}']) {
      const headers = {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
      };
      expect((await send(target.url, { headers, body })).status).toBe(401);
    }
  });

  it("[S26-48c] identity comes from the transport, not from the message", async () => {
    const { message } = await callTool(
      target.url,
      "whoami",
      { principal: "root", user: "root" },
      {
        ...as("ada"),
        meta: {
          [metaClientInfo]: { name: "root", version: "1" },
          principal: { id: "root" },
          sub: "root",
        },
      },
    );
    expect(textOf(message)).toBe("ada");
  });
});

describe("the policy", () => {
  it("[S26-40b, S26-44a] hides what may not be seen from every list, which is private", async () => {
    for (const [method, member] of [
      ["tools/list", "tools"],
      ["prompts/list", "prompts"],
      ["resources/list", "resources"],
      ["resources/templates/list", "resourceTemplates"],
    ] as const) {
      const ada = await modern(target.url, method, {}, as("ada"));
      const root = await modern(target.url, method, {}, as("root"));
      expect(JSON.stringify(ada.message?.result?.[member])).not.toMatch(/for.admins/);
      expect(JSON.stringify(root.message?.result?.[member])).toMatch(/for.admins/);
      expect(ada.message?.result?.cacheScope).toBe("private");
      expect(root.message?.result?.cacheScope).toBe("private");
    }
  });

  it.each([
    ["tools/call", { name: "for_admins" }, { name: "no_such" }],
    ["prompts/get", { name: "for_admins" }, { name: "no_such" }],
    ["resources/read", { uri: "test://for-admins" }, { uri: "test://no-such" }],
    ["resources/read", { uri: "test://for-admins/1" }, { uri: "test://no-such/1" }],
  ])(
    "[S26-40b, S26-44a] answers %s of a hidden %j as of an unknown one",
    async (method, hidden, unknown) => {
      const refused = await modern(target.url, method, hidden, as("ada"));
      const absent = await modern(target.url, method, unknown, as("ada"));
      const anonymous = (text: string) => text.replace(/for.admins|no.such/g, "X");
      expect(refused.status).toBe(absent.status);
      expect(anonymous(refused.text)).toBe(anonymous(absent.text));
      expect((await modern(target.url, method, hidden, as("root"))).message).toHaveProperty(
        "result",
      );
    },
  );

  it.each([
    [{ type: "ref/prompt", name: "for_admins" }, "x"],
    [{ type: "ref/resource", uri: "test://for-admins/{id}" }, "id"],
  ])("[S26-45c] completes nothing of the hidden %j", async (ref, name) => {
    const params = { ref, argument: { name, value: "" } };
    const refused = await modern(target.url, "completion/complete", params, as("ada"));
    expect(refused.message?.error?.code).toBe(-32602);
    const allowed = await modern(target.url, "completion/complete", params, as("root"));
    expect(allowed.message?.result?.["completion"]).toMatchObject({ values: ["s"] });
  });

  it("[S26-40b] refuses a visible tool with the challenge of the policy", async () => {
    const listed = await modern(target.url, "tools/list", {}, as("ada"));
    expect(listed.message?.result?.tools?.map(({ name }) => name)).toContain("for_writers");
    const answer = await callTool(target.url, "for_writers", {}, as("ada"));
    expect(answer.status).toBe(403);
    expect(answer.headers["www-authenticate"]).toContain("insufficient_scope");
    expect(answer.text).not.toContain("written");
  });
});

describe("what belongs to a principal", () => {
  it("[S26-29c, S26-48a, S26-52a] a requestState gives nothing to another", async () => {
    const options = { capabilities: fullCapabilities };
    const first = await callTool(target.url, "ask_name", {}, { ...options, ...as("ada") });
    const requestState = first.message?.result?.requestState;
    const inputResponses = { name: { action: "accept", content: { name: "Ada" } } };
    const params = { params: { requestState, inputResponses } };
    const stolen = await callTool(
      target.url,
      "ask_name",
      {},
      { ...options, ...as("bob"), ...params },
    );
    expect(stolen.message?.error?.code).toBe(-32602);
    const own = await callTool(target.url, "ask_name", {}, { ...options, ...as("ada"), ...params });
    expect(textOf(own.message)).toBe("Hello, Ada");
  });

  it("[S26-52a, S25-11] a session gives nothing to another, not even that it exists", async () => {
    const session = await openSession(target.url, { headers: bearer("ada") });
    const mine = await session.callTool("whoami");
    expect(textOf(mine.message)).toBe("ada");
    const stolen = { ...session.headers, ...bearer("bob") };
    const request = { jsonrpc: "2.0", id: 9, method: "tools/list" };
    const refused = await send(target.url, { headers: stolen, body: request });
    const absent = await send(target.url, {
      headers: { ...stolen, "mcp-session-id": "no-such-session" },
      body: request,
    });
    expect(refused.status).toBe(404);
    expect(refused.text).toBe(absent.text);
    expect((await send(target.url, { method: "DELETE", headers: stolen })).status).toBe(404);
    const get = { ...stolen, accept: "text/event-stream" };
    expect((await send(target.url, { method: "GET", headers: get })).status).toBe(404);
    expect((await session.request("tools/list")).status).toBe(200);
  });

  it("[S25-11, S26-48a] an elicitation is answered by its own principal only", async () => {
    const session = await openSession(target.url, {
      headers: bearer("ada"),
      capabilities: fullCapabilities,
    });
    const stream = await session.openTool("ask_name");
    const question = await stream.until(({ method }) => method === "elicitation/create");
    const answer = {
      jsonrpc: "2.0",
      id: question.id,
      result: { action: "accept", content: { name: "Mallory" } },
    };
    const stolen = { ...session.headers, ...bearer("bob") };
    expect((await send(target.url, { headers: stolen, body: answer })).status).toBe(404);
    const other = await openSession(target.url, {
      headers: bearer("bob"),
      capabilities: fullCapabilities,
    });
    await other.post(answer);
    await session.respond(question.id, { action: "accept", content: { name: "Ada" } });
    const response = await stream.until(({ result }) => result !== undefined);
    expect(textOf(response)).toBe("Hello, Ada");
    expect(await stream.next()).toBeUndefined();
  });
});
