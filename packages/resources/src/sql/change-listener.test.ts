// @module-tag postgres
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { makeDatabase, type TestDatabase } from "./database.test-support.ts";
import { SqlResourceProvider } from "./sql-provider.ts";

let database: TestDatabase;
let provider: Required<Pick<SqlResourceProvider, "watch" | "watchList">> & SqlResourceProvider;

beforeAll(async () => {
  database = await makeDatabase();
  provider = new SqlResourceProvider({
    pool: database.open(),
    tables: {
      items: { table: 'it"ems', key: ["shop's", "id"].map((name) => name.replace("'s", "")) },
    },
    queries: {
      all: { text: 'select * from "it""ems"', dependsOn: ["items"] },
      other: { text: "select 1 as n" },
    },
    channel: 'it\'s "here"',
  }) as typeof provider;
  await database.pool.query(
    'create table "it""ems" (shop text, id int, n int, primary key (shop, id))',
  );
  await database.pool.query(provider.triggerSql("items"));
  // Once more: nothing changes.
  await database.pool.query(provider.triggerSql("items"));
});
afterAll(() => database?.drop());

const run = (text: string, values?: unknown[]) => database.pool.query(text, values);

async function listeners(): Promise<number> {
  const { rows } = await run(
    "select count(*)::int as n from pg_stat_activity where query ~* '^listen'",
  );
  return rows[0].n;
}

async function watching(uris: readonly string[]) {
  const seen = new Map<string, number>();
  const count = (key: string) => () => void seen.set(key, (seen.get(key) ?? 0) + 1);
  const stops = [
    await provider.watchList(count("list")),
    ...(await Promise.all(uris.map((uri) => provider.watch(uri, count(uri))))),
  ];
  return { seen, stop: () => Promise.all(stops.map((stop) => stop())) };
}

const row = (shop: string, id: number) => `sql://sql/items/${encodeURIComponent(shop)}/${id}`;

describe("changes by NOTIFY", () => {
  it("reach the row, the list and the queries that depend on the table", async () => {
    const watched = [row("a/b", 1), row("a/b", 2), "sql://sql/all", "sql://sql/other"];
    const { seen, stop } = await watching(watched);
    const heard = async (text: string): Promise<Record<string, boolean>> => {
      seen.clear();
      await run(text);
      await vi.waitFor(() => expect(seen.get("sql://sql/all")).toBeGreaterThan(0));
      return Object.fromEntries([...watched, "list"].map((key) => [key, seen.has(key)]));
    };
    const [one, two, all, other] = watched as [string, string, string, string];
    const expected = (rows: Record<string, boolean>, list: boolean) => ({
      ...{ [one]: false, [two]: false, [all]: true, [other]: false, list },
      ...rows,
    });
    expect(await heard(`insert into "it""ems" values ('a/b', 1, 1)`)).toEqual(
      expected({ [one]: true }, true),
    );
    expect(await heard(`update "it""ems" set n = 2`)).toEqual(expected({ [one]: true }, false));
    expect(await heard(`update "it""ems" set id = 2`)).toEqual(
      expected({ [one]: true, [two]: true }, true),
    );
    expect(await heard(`delete from "it""ems"`)).toEqual(expected({ [two]: true }, true));
    expect(await heard(`truncate "it""ems"`)).toEqual({
      [one]: true,
      [two]: true,
      [all]: true,
      [other]: true,
      list: true,
    });
    await stop();
  });

  it("a key that is too long for a notification undoes nothing, and tells everybody", async () => {
    const { seen, stop } = await watching(["sql://sql/other"]);
    const long = Array.from({ length: 2_000 }, (_, index) =>
      String.fromCodePoint(0x4e00 + index * 7),
    ).join("");
    await run(`alter table "it""ems" drop constraint "it""ems_pkey"`);
    await run(`insert into "it""ems" values ($1, 1, 1)`, [long.repeat(2)]);
    await vi.waitFor(() => expect(seen.get("sql://sql/other")).toBeGreaterThan(0));
    await run(`delete from "it""ems"`);
    await stop();
  });

  it("what is no change of this provider is none", async () => {
    const { seen, stop } = await watching([row("x", 1), "sql://sql/other"]);
    for (const payload of [
      "{",
      "[]",
      '{"table":1}',
      '{"table":"items","key":[1,2]}',
      '{"table":"items","key":["x"]}',
      '{"table":"secrets","key":["x","1"]}',
      "sql://elsewhere/x",
      "\u0001",
    ]) {
      await run("select pg_notify($1, $2)", ['it\'s "here"', payload]);
    }
    await run("select pg_notify($1, $2)", ['it\'s "here"', "sql://sql/other"]);
    await vi.waitFor(() => expect(seen.get("sql://sql/other")).toBe(1));
    expect([...seen.keys()]).toEqual(["sql://sql/other"]);
    await stop();
  });

  it("need one connection, for as long as somebody watches", async () => {
    await vi.waitFor(async () => expect(await listeners()).toBe(0));
    const first = await watching(["sql://sql/other"]);
    const second = await watching(["sql://sql/other"]);
    expect(await listeners()).toBe(1);
    await first.stop();
    expect(await listeners()).toBe(1);
    await second.stop();
    await vi.waitFor(async () => expect(await listeners()).toBe(0));
  });

  it("that were missed while the connection was lost are told when it is back", async () => {
    const { seen, stop } = await watching([row("x", 1)]);
    await run("select pg_terminate_backend(pid) from pg_stat_activity where query ~* '^listen'");
    await vi.waitFor(() => expect(seen.get(row("x", 1))).toBeGreaterThan(0), 5_000);
    seen.clear();
    await run(`insert into "it""ems" values ('x', 1, 1)`);
    await vi.waitFor(() => expect(seen.get(row("x", 1))).toBeGreaterThan(0));
    await stop();
    await vi.waitFor(async () => expect(await listeners()).toBe(0));
  });

  it("cannot be watched without a database, and that is said", async () => {
    const away = new SqlResourceProvider({
      pool: { connect: () => Promise.reject(new Error("planted")) },
      tables: { items: { key: "id" } },
      channel: "c",
    });
    await expect(away.watch?.("sql://sql/items/1", () => {})).rejects.toThrow("planted");
  });

  it("are not watched without a channel", () => {
    const silent = new SqlResourceProvider({
      pool: database.pool,
      tables: { items: { key: "id" } },
    });
    expect([silent.watch, silent.watchList]).toEqual([undefined, undefined]);
    expect(() => silent.triggerSql("items")).toThrow(/"channel"/);
  });
});
