import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MCPClient } from "@backplane/client";
import { withServer } from "../check/server-process.ts";

const folder = mkdtempSync(join(tmpdir(), "dashboard-example-"));
const env = { AUDIT_FILE: join(folder, "audit.jsonl") };

function send(url: string, body: object, headers: Record<string, string>): Promise<Response> {
  const all = { "Content-Type": "application/json", ...headers };
  return fetch(url, { method: "POST", headers: all, body: JSON.stringify(body) });
}

/** The events of a stream until one of a kind has come. */
async function eventOf(response: Response, kind: string): Promise<Record<string, unknown>> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    const found = new RegExp(`event: ${kind}\\ndata: (.*)\\n\\n`).exec(text)?.[1];
    if (found !== undefined) return JSON.parse(found) as Record<string, unknown>;
  }
  return assert.fail(`no event ${kind} in ${text}`);
}

// What the page in the browser does, step by step.
await withServer(new URL("server.js", import.meta.url), env, async ({ url }) => {
  const at = new URL("/dashboard", url).href;
  assert.match(await (await fetch(at)).text(), /Sign in/);
  assert.equal((await fetch(`${at}/events`)).status, 401, "nothing is shown to strangers");

  const other = await send(`${at}/sign-in`, { credential: "example-key-of-an-app" }, {});
  assert.equal(other.status, 403, "who may call tools may not see what others do");
  const signIn = await send(`${at}/sign-in`, { credential: "example-key-of-the-operator" }, {});
  const [cookie = ""] = signIn.headers.getSetCookie();
  assert.match(cookie, /HttpOnly; SameSite=Strict/);
  const headers = { cookie: cookie.split(";")[0] as string };

  await using client = new MCPClient({
    url,
    headers: { "X-API-Key": "example-key-of-an-app" },
    handlers: { elicit: { form: () => ({ action: "accept", content: { people: 3 } }) } },
  });
  assert.equal(await client.call("book_room", { room: "Red" }), "Red for 3");
  const whole = await eventOf(await fetch(`${at}/events`, { headers }), "whole");
  assert.deepEqual(
    (whole["tools"] as { name: string; calls: number }[]).map(({ name, calls }) => [name, calls]),
    [["book_room", 2]],
  );

  const call = { name: "book_room", arguments: { room: "Blue" } };
  assert.equal((await send(`${at}/call`, call, headers)).status, 403, "a cookie is not enough");
  const session = await fetch(`${at}/session`, { headers });
  const { csrfToken } = (await session.json()) as { csrfToken: string };
  const signed = { ...headers, "X-CSRF-Token": csrfToken };
  const asked = await eventOf(await send(`${at}/call`, call, signed), "ask");
  const { requestState } = asked["result"] as { requestState: string };
  const inputResponses = { people: { action: "accept", content: { people: 4 } } };
  const again = await send(`${at}/call`, { ...call, inputResponses, requestState }, signed);
  assert.match(JSON.stringify(await eventOf(again, "result")), /Blue for 4/);
});
rmSync(folder, { recursive: true });
