import { execFileSync } from "node:child_process";
import { truncateSync } from "node:fs";
import { link, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { APIKeyAuth, policy } from "@backplane/auth";
import type { MCPClient } from "@backplane/client";
import { MemoryResourceProvider } from "@backplane/resources";
import { FileResourceProvider } from "@backplane/resources/node";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { eras } from "../client/harness/clients.ts";
import { legs, RealServer } from "../client/harness/real-server.ts";
import { modern } from "../protocol/harness/http.ts";
import { sources, temporaryFolder } from "./harness/sources.ts";

const SECRET = "what nobody may see";

/** A folder full of ways out of it. */
async function trap(): Promise<{ root: string; outside: string }> {
  const base = await temporaryFolder();
  const [root, outside] = [join(base, "root"), join(base, "outside")];
  await Promise.all([mkdir(root), mkdir(outside)]);
  await writeFile(join(outside, "secret.txt"), SECRET);
  await writeFile(join(root, "open.txt"), "open");
  await writeFile(join(root, ".env"), SECRET);
  await symlink(join(outside, "secret.txt"), join(root, "link.txt"));
  await symlink(outside, join(root, "folder"));
  await symlink("..", join(root, "up"));
  await link(join(outside, "secret.txt"), join(root, "hard.txt"));
  execFileSync("mkfifo", [join(root, "pipe")]);
  await writeFile(join(root, "large.bin"), "");
  truncateSync(join(root, "large.bin"), 20 * 1024 ** 3);
  return { root, outside };
}

const HOSTILE = [
  "../outside/secret.txt",
  "%2e%2e/outside/secret.txt",
  "%2e%2e%2foutside%2fsecret.txt",
  "%252e%252e%252foutside%252fsecret.txt",
  "..%5coutside%5csecret.txt",
  "..\\outside\\secret.txt",
  "//etc/passwd",
  "%2fetc%2fpasswd",
  "C:%5cWindows%5cwin.ini",
  "%5c%5cserver%5cshare",
  "open.txt%00",
  "con",
  "NUL.txt",
  "link.txt",
  "folder/secret.txt",
  "up/outside/secret.txt",
  "hard.txt",
  "pipe",
  ".env",
  "missing.txt",
  "%ff%fe",
  "open.txt/",
  "",
];

async function answerOf(client: MCPClient, uri: string): Promise<unknown> {
  try {
    return await client.readResource(uri);
  } catch (error) {
    const { code, message, data } = error as { code: unknown; message: string; data: unknown };
    return { code, message, data };
  }
}

describe.each(legs)("files, %s over %s", (era, carrier) => {
  it("[S26-41c] answer for what is outside, hidden or no file exactly as for what is not there", {
    tags: ["coreutils"],
  }, async () => {
    const { root } = await trap();
    const provider = new FileResourceProvider(root, {
      uriPrefix: "docs:///",
      rejectMultiplyLinked: true,
    });
    const real = await RealServer.start(carrier, (server) => server.addResourceProvider(provider));
    const client = real.client(era);
    await client.connect();
    expect(await answerOf(client, "docs:///open.txt")).toMatchObject({
      contents: [{ uri: "docs:///open.txt", mimeType: "text/plain", text: "open" }],
    });
    const notFound = era === "modern" ? -32602 : -32002;
    for (const path of HOSTILE) {
      const uri = `docs:///${path}`;
      expect(await answerOf(client, uri)).toEqual({
        code: notFound,
        message: expect.stringContaining("Resource not found") as string,
        data: { uri },
      });
    }
    expect(await answerOf(client, "docs:///large.bin")).toMatchObject({ code: -1413 });
    const resources = await client.listResources();
    expect(resources.map(({ name }) => name)).toEqual(["large.bin", "open.txt"]);
    const templates = await client.listResourceTemplates();
    expect(templates.map(({ uriTemplate }) => uriTemplate)).toEqual(["docs:///{+path}"]);
    expect(JSON.stringify([resources, templates])).not.toContain(root);
  });
});

describe.each(eras)("a folder that is worth many pages, %s", (era) => {
  it("is listed whole, once, in order", async () => {
    const folder = await temporaryFolder();
    const names = Array.from({ length: 250 }, (_, index) => `n${(index * 7919) % 1_000}`);
    await Promise.all(names.map((name) => writeFile(join(folder, name), "")));
    const provider = new FileResourceProvider(folder);
    const real = await RealServer.start("http", (server) => server.addResourceProvider(provider), {
      pageSize: 33,
    });
    const client = real.client(era);
    const listed = (await client.listResources()).map(({ name }) => name);
    expect(listed).toEqual([...new Set(names)].sort());
    expect(real.count("resources/list")).toBe(8);
  });
});

describe("SQL through the front door", { tags: ["postgres"] }, () => {
  it("takes what a client sends for a value and nothing else", async () => {
    const { provider } = await sources.sql();
    const real = await RealServer.start("http", (server) => server.addResourceProvider(provider));
    const client = real.client("modern");
    for (const value of ["' or '1'='1", "x'; drop table settings; --", "\\", "$1", "config'--"]) {
      const uri = `sql://sql/settings/${encodeURIComponent(value)}`;
      expect(await answerOf(client, uri)).toMatchObject({ code: -32602 });
    }
    expect(await client.listResources()).toHaveLength(1);
    const forged = Buffer.from('\u0002["sql","[\\"settings\\",\\"\' or 1=1 --\\"]"]').toString(
      "base64url",
    );
    const { message } = await modern(real.url, "resources/list", { cursor: forged });
    // Compared with, not run: what sorts behind it is listed.
    expect(message).toMatchObject({ result: { resources: [{ name: "settings config" }] } });
  });
});

describe("two principals and one URI", () => {
  it("nobody is served what is another's, whatever is asked at once", async () => {
    const people = ["ada", "bob", "eve"] as const;
    const apiKeys = Object.fromEntries(
      people.map((name) => [name, { key: `key-of-${name}-0123456789`, roles: [name] }]),
    );
    const hints = { ttlMs: 60_000 };
    const real = await RealServer.start(
      "http",
      (server) => {
        for (const name of people) {
          const provider = new MemoryResourceProvider({ name, uriPrefix: `${name}://` });
          provider.set(`${name}://diary`, `diary of ${name}`);
          server.addResourceProvider(provider, { roles: [name], cacheHint: hints });
        }
        const shared = new MemoryResourceProvider({ name: "shared", uriPrefix: "shared://" });
        shared.set("shared://board", "board");
        server.addResourceProvider({
          name: "who",
          locate: (uri) => (uri === "who://am-i" ? uri : undefined),
          list: async () => ({ resources: [] }),
          read: async (_uri, { principal }) => ({ body: `you are ${principal?.id}` }),
        });
        server.addResourceProvider(shared);
      },
      { auth: new APIKeyAuth({ apiKeys }), policy: policy() },
    );
    const clients = people.flatMap((name) =>
      eras.map((era) => {
        const headers = { "x-api-key": `key-of-${name}-0123456789` };
        return { name, client: real.client(era, { headers }) };
      }),
    );
    for (const { client } of clients) await client.connect();
    const uris = [...people.map((name) => `${name}://diary`), "shared://board", "who://am-i"];
    const ask = fc.record({
      who: fc.integer({ min: 0, max: clients.length - 1 }),
      uri: fc.constantFrom(...uris),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(ask, { minLength: 2, maxLength: 12 }), async (asks) => {
        await Promise.all(
          asks.map(async ({ who, uri }) => {
            const { name, client } = clients[who] as (typeof clients)[number];
            const text = JSON.stringify(await answerOf(client, uri));
            for (const other of people) {
              if (other === name) continue;
              expect(text).not.toContain(`diary of ${other}`);
              expect(text).not.toContain(`you are ${other}`);
            }
            const mine =
              uri === `${name}://diary` || uri === "shared://board" || uri.startsWith("who");
            expect(text.includes('"contents"')).toBe(mine);
          }),
        );
      }),
      { seed: 9, numRuns: 25 },
    );
    for (const { name, client } of clients) {
      const listed = (await client.listResources()).map(({ uri }) => uri);
      expect(listed).toEqual([`${name}://diary`, "shared://board"]);
    }
  });
});
