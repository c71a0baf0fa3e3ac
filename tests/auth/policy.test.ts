import { describe, expect, it } from "vitest";
import { callTool, modern } from "../protocol/harness/http.ts";
import { openSession } from "../protocol/harness/legacy-session.ts";
import { useServer } from "../protocol/harness/servers.ts";
import { apiKey, guardedOptions, keys, registerGuarded } from "./harness/guarded-server.ts";

const target = useServer(registerGuarded, {
  ...guardedOptions(),
  cacheHints: { "tools/list": { ttlMs: 60_000, cacheScope: "public" } },
});

async function toolsOf(key: string): Promise<readonly string[]> {
  const { message } = await modern(target.url, "tools/list", {}, { headers: apiKey(key) });
  expect(message?.result?.cacheScope).toBe("private");
  return message?.result?.tools?.map(({ name }) => name) ?? [];
}

describe("two principals", () => {
  it("[S26-44a] see their own lists at once, a hundred times over", async () => {
    const asked = await Promise.all(
      Array.from({ length: 100 }, (_, index) => toolsOf(index % 2 === 0 ? keys.admin : keys.other)),
    );
    for (const [index, tools] of asked.entries()) {
      expect(tools.includes("by_role")).toBe(index % 2 === 0);
    }
  });

  it("[S26-44a] see their own lists in legacy sessions", async () => {
    for (const [key, sees] of [
      [keys.admin, true],
      [keys.other, false],
    ] as const) {
      const session = await openSession(target.url, { headers: apiKey(key) });
      const { message } = await session.request("tools/list");
      expect(message?.result?.tools?.some(({ name }) => name === "by_role")).toBe(sees);
    }
  });

  it("[S26-40b] do not learn from errors what is hidden from them", async () => {
    const hidden = await callTool(target.url, "by_role", {}, { headers: apiKey(keys.other) });
    const unknown = await callTool(target.url, "no_such", {}, { headers: apiKey(keys.other) });
    expect(hidden.status).toBe(unknown.status);
    expect(hidden.text.replaceAll("by_role", "X")).toBe(unknown.text.replaceAll("no_such", "X"));
  });
});

it("[S26-40b] lists and calls agree, for every tool and everybody", async () => {
  for (const key of Object.values(keys)) {
    const listed = await toolsOf(key);
    for (const name of ["open", "by_scope", "by_tag", "by_role"]) {
      const answer = await callTool(target.url, name, {}, { headers: apiKey(key) });
      const answered = answer.message?.result !== undefined;
      // What is listed is called, or answered with what it needs.
      expect(answered || answer.status === 403).toBe(listed.includes(name));
    }
  }
});

it("[R26-06] names every scope at once in the refusal of a call", async () => {
  const answer = await callTool(target.url, "by_tag", {}, { headers: apiKey(keys.other) });
  expect(answer.status).toBe(403);
  expect(answer.headers["www-authenticate"]).toContain(
    'error="insufficient_scope", scope="read billing"',
  );
});
