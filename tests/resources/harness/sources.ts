import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { CompositeResourceProvider, MemoryResourceProvider } from "@backplane/resources";
import { FileResourceProvider, HttpResourceProvider } from "@backplane/resources/node";
import { SqlResourceProvider } from "@backplane/resources/postgres";
import type { ResourceProvider } from "@backplane/server";
import pg from "pg";
import { closing } from "../../client/harness/clients.ts";

const url = process.env["DATABASE_URL"] ?? "";

/** A provider of one resource, what is behind it, and the way to change that. */
export interface Source {
  readonly provider: ResourceProvider;
  readonly uri: string;
  /** What a read gives for a content. */
  textOf(content: string): string;
  write(content: string): Promise<void>;
}

/** A folder of its own, removed after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "resources-e2e-")));
  closing({ close: () => rm(folder, { recursive: true, force: true }) });
  return folder;
}

async function files(): Promise<Source> {
  const folder = await temporaryFolder();
  const path = join(folder, "config.json");
  const write = (content: string) => writeFile(path, content);
  await write("first");
  return {
    provider: new FileResourceProvider(folder),
    uri: pathToFileURL(path).href,
    textOf: (content) => content,
    write,
  };
}

async function sql(): Promise<Source> {
  const schema = `e2e_${crypto.randomUUID().replaceAll("-", "")}`;
  const pool = new pg.Pool({ connectionString: url });
  pool.on("error", () => {});
  const provider = new SqlResourceProvider({
    pool,
    tables: { settings: { table: [schema, "settings"], key: "name" } },
    channel: schema,
  });
  await pool.query(`create schema ${schema}`);
  closing({
    close: async () => {
      await pool.query(`drop schema ${schema} cascade`);
      await pool.end();
    },
  });
  await pool.query(`create table ${schema}.settings (name text primary key, value text)`);
  await pool.query(provider.triggerSql("settings"));
  const write = async (content: string): Promise<void> => {
    const text = `insert into ${schema}.settings values ('config', $1) on conflict (name) do update set value = $1`;
    await pool.query(text, [content]);
  };
  await write("first");
  return {
    provider,
    uri: "sql://sql/settings/config",
    textOf: (value) => JSON.stringify({ name: "config", value }),
    write,
  };
}

async function memory(): Promise<Source> {
  const provider = new MemoryResourceProvider();
  const write = async (content: string): Promise<void> => provider.set("memory://config", content);
  await write("first");
  return { provider, uri: "memory://config", textOf: (content) => content, write };
}

async function http(): Promise<Source> {
  let text = "first";
  const site = createServer((_request, response) => {
    response.setHeader("content-type", "text/plain").end(text);
  });
  await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
  closing({ close: () => new Promise<void>((resolve) => site.close(() => resolve())) });
  const baseUrl = `http://127.0.0.1:${(site.address() as AddressInfo).port}/`;
  const urlPolicy = { schemes: ["http"], allowHosts: ["127.0.0.1"] };
  const resources = [{ path: "config" }];
  const provider = closing(new HttpResourceProvider({ baseUrl, urlPolicy, resources }));
  return {
    provider,
    uri: `${baseUrl}config`,
    textOf: (content) => content,
    write: async (content) => {
      text = content;
    },
  };
}

async function composite(): Promise<Source> {
  const inner = await files();
  const base = inner.uri.slice(0, inner.uri.lastIndexOf("/") + 1);
  const provider = new CompositeResourceProvider({
    mounts: [{ prefix: "app://settings/", provider: inner.provider, base }],
  });
  return { ...inner, provider, uri: "app://settings/config.json" };
}

/** Every provider there is, with a real thing behind it. */
export const sources = { files, sql, memory, http, composite } as const;
export type SourceName = keyof typeof sources;

export const sourceNames: readonly SourceName[] = Object.keys(sources) as SourceName[];

/** What the tests of a provider need beyond Node. */
export function needsOf(name: SourceName): { readonly tags: string[] } {
  return { tags: name === "sql" ? ["postgres"] : [] };
}
