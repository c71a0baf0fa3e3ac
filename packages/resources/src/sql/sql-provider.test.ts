// @module-tag postgres
import {
  type ResourceProviderSuiteContext,
  readText,
  resourceProviderChaosSuite,
  resourceProviderSuite,
  suiteRequestContext,
} from "@backplane/server/test-suite";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeDatabase, type TestDatabase } from "./database.test-support.ts";
import type { SqlResourceProviderOptions } from "./sql-options.ts";
import { SqlResourceProvider } from "./sql-provider.ts";

const context = suiteRequestContext();
let database: TestDatabase;

beforeAll(async () => {
  database = await makeDatabase();
});
afterAll(() => database?.drop());

let schemas = 0;

async function suiteContext(): Promise<ResourceProviderSuiteContext> {
  const { pool } = database;
  const schema = `suite_${schemas++}`;
  const provider = new SqlResourceProvider({
    pool,
    tables: { notes: { table: [schema, "notes"], key: "name" } },
    channel: schema,
  });
  await pool.query(`create schema ${schema}`);
  await pool.query(`create table ${schema}.notes (name text primary key, body text)`);
  await pool.query(provider.triggerSql("notes"));
  const uriOf = (name: string): string => `sql://sql/notes/${name}`;
  return {
    provider,
    uriOf,
    put: async (name, body) => {
      await pool.query(
        `insert into ${schema}.notes values ($1, $2) on conflict (name) do update set body = $2`,
        [name, body],
      );
      return { uri: uriOf(name), text: JSON.stringify({ name, body }) };
    },
    remove: async (name) => {
      await pool.query(`delete from ${schema}.notes where name = $1`, [name]);
    },
    close: async () => {
      await pool.query(`drop schema ${schema} cascade`);
    },
  };
}

describe("SqlResourceProvider", () => {
  resourceProviderSuite({ describe, it, expect }, () => suiteContext());

  resourceProviderChaosSuite({ describe, it, expect }, async (chaotic) => {
    const given = await suiteContext();
    return { ...given, provider: chaotic(given.provider) };
  });
});

describe("rows and results", () => {
  const open = (options: Partial<SqlResourceProviderOptions> = {}): SqlResourceProvider =>
    new SqlResourceProvider({
      pool: database.pool,
      name: "shop",
      tables: {
        orders: { key: "id", columns: ["id", "customer", "total"] },
        lines: { key: ["order_id", "position"] },
      },
      queries: {
        "by-customer": {
          text: "select id, total from orders where customer = $1 and total >= $2::numeric order by id -- all of them",
          parameters: ["customer", "from"],
          dependsOn: ["orders"],
        },
        count: { text: "select count(*) as orders from orders", dependsOn: ["orders"] },
        slow: { text: "select pg_sleep(30)" },
        many: { text: "select generate_series(1, 2000) as n" },
        wide: { text: "select repeat('x', 3000) as text" },
        writes: { text: "select nextval('counter') as n" },
      },
      ...options,
    });
  const read = async (provider: SqlResourceProvider, uri: string): Promise<unknown> => {
    const text = await readText(await provider.read(provider.locate(uri) as string, context));
    return text === undefined ? undefined : JSON.parse(text);
  };

  beforeAll(async () => {
    await database.pool.query(`
      create table orders (id bigint primary key, customer text, total numeric(10, 2), secret text);
      create table lines (order_id bigint, position int, item text, primary key (order_id, position));
      create sequence counter;
    `);
  });
  beforeEach(async () => {
    await database.pool.query(`
      truncate orders, lines;
      insert into orders values (1, 'ada', 10.50, 's'), (2, 'bob', 20, 's'), (10, 'ada', 1.25, 's'), (9007199254740993, 'ada', 5, 's');
      insert into lines values (1, 1, 'a'), (1, 2, 'b'), (2, 1, 'c');
    `);
  });

  it("shows the columns that are named, without loss", async () => {
    const provider = open();
    expect(await read(provider, "sql://shop/orders/1")).toEqual({
      id: 1,
      customer: "ada",
      total: 10.5,
    });
    const large = await provider.read("sql://shop/orders/9007199254740993", context);
    expect(large).toMatchObject({
      mimeType: "application/json",
      body: '{"id":9007199254740993,"customer":"ada","total":5.00}',
    });
    expect(await read(provider, "sql://shop/lines/1/2")).toMatchObject({ item: "b" });
    expect(await read(provider, "sql://shop/by-customer?customer=ada&from=2")).toEqual([
      { id: 1, total: 10.5 },
      { id: Number("9007199254740993"), total: 5 },
    ]);
    expect(await read(provider, "sql://shop/count")).toEqual([{ orders: 4 }]);
  });

  it("lists rows in the order of their keys, and queries without parameters", async () => {
    const provider = open({ queries: { count: { text: "select 1 as n", title: "Count" } } });
    const uris: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await provider.list({ cursor, limit: 2, prefix: undefined });
      uris.push(...page.resources.map(({ uri }) => uri));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(uris).toEqual([
      "sql://shop/count",
      "sql://shop/lines/1/1",
      "sql://shop/lines/1/2",
      "sql://shop/lines/2/1",
      "sql://shop/orders/1",
      "sql://shop/orders/2",
      "sql://shop/orders/10",
      "sql://shop/orders/9007199254740993",
    ]);
    const some = await provider.list({
      cursor: undefined,
      limit: 9,
      prefix: "sql://shop/lines/1/",
    });
    expect(some.resources).toHaveLength(2);
  });

  it("has templates, and completes keys column by column", async () => {
    const provider = open();
    expect(provider.templates().map(({ uriTemplate }) => uriTemplate)).toEqual([
      "sql://shop/by-customer{?customer,from}",
      "sql://shop/lines/{order_id}/{position}",
      "sql://shop/orders/{id}",
    ]);
    const complete = (variable: string, value: string, chosen: Record<string, string> = {}) =>
      provider.complete({
        uriTemplate: "sql://shop/lines/{order_id}/{position}",
        variable,
        value,
        chosen,
      });
    expect(await complete("order_id", "")).toEqual(["1", "2"]);
    expect(await complete("position", "", { order_id: "1" })).toEqual(["1", "2"]);
    expect(await complete("position", "2", { order_id: "1" })).toEqual(["2"]);
    expect(await complete("position", "")).toEqual([]);
    expect(await complete("nothing", "")).toEqual([]);
  });

  it.each(["042", "+1", "1.0", " 1", "abc", "1e0", "99999999999999999999", "\u0660"])(
    "%j is no name of a row",
    async (key) => {
      expect(await read(open(), `sql://shop/orders/${encodeURIComponent(key)}`)).toBe(undefined);
    },
  );

  it.each([
    "sql://shop/orders",
    "sql://shop/orders/1/2",
    "sql://shop/orders/%00",
    "sql://shop/orders/%ff",
    "sql://shop/secrets/1",
    "sql://shop/by-customer",
    "sql://shop/by-customer?customer=ada",
    "sql://shop/by-customer?customer=ada&from=1&from=2",
    "sql://shop/by-customer?customer=ada&from=1&more=2",
    "sql://shop/count?x=1",
    `sql://shop/orders/${"9".repeat(3_000)}`,
  ])("%s is no URI of it", (uri) => {
    expect(open().locate(uri)).toBe(undefined);
  });

  it("gives one spelling to what can be written in several", () => {
    expect(open().locate("sql://shop/by-customer?from=1&customer=%61%64a")).toBe(
      "sql://shop/by-customer?customer=ada&from=1",
    );
  });

  it("no value of a client becomes a part of a statement", async () => {
    const provider = open();
    const hostile = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.constantFrom(
        "1'; drop table orders; --",
        "1; select secret from orders",
        "' or '1'='1",
        "$1",
        "\\'; --",
        "1) or (1=1",
        "/*",
        "ada' union select secret, secret from orders --",
        "%",
        "_",
      ),
    );
    await fc.assert(
      fc.asyncProperty(hostile, hostile, async (left, right) => {
        const [a, b] = [left, right].map((text) => encodeURIComponent(text));
        const uris = [
          `sql://shop/orders/${a}`,
          `sql://shop/lines/${a}/${b}`,
          `sql://shop/by-customer?customer=${a}&from=${b}`,
        ];
        for (const uri of uris) {
          const known = provider.locate(uri);
          const contents = known === undefined ? undefined : await provider.read(known, context);
          // Whatever comes back is the row of that very key, or a result without rows.
          if (uri.includes("/orders/") && contents !== undefined) {
            expect(JSON.parse(contents.body as string)).toMatchObject({ id: Number(left) });
          }
          expect(String(contents?.body)).not.toContain("secret");
        }
      }),
      { seed: 5, numRuns: 60 },
    );
    const { rows } = await database.pool.query("select count(*)::int as n from orders");
    expect(rows).toEqual([{ n: 4 }]);
  });

  it("bounds time, rows and bytes, and can write nothing", async () => {
    const provider = open({ statementTimeoutMs: 100, maxRows: 1_000, maxBytes: 1_000 });
    await expect(read(provider, "sql://shop/slow")).rejects.toMatchObject({
      code: -1503,
      data: { reason: "source_unavailable" },
    });
    await expect(read(provider, "sql://shop/many")).rejects.toMatchObject({ code: -1413 });
    await expect(read(provider, "sql://shop/wide")).rejects.toMatchObject({
      code: -1413,
      data: { maxBytes: 1_000 },
    });
    await expect(read(provider, "sql://shop/writes")).rejects.toMatchObject({ code: "25006" });
    // The connections that went through all this are as good as before.
    expect(await read(provider, "sql://shop/count")).toEqual([{ orders: 4 }]);
  });

  it("does not wait for ever for a connection of the pool", async () => {
    const pool = database.open({ max: 1 });
    const taken = await pool.connect();
    const provider = open({ pool, statementTimeoutMs: 50 });
    await expect(read(provider, "sql://shop/count")).rejects.toMatchObject({ code: -1503 });
    taken.release();
    expect(await read(provider, "sql://shop/count")).toEqual([{ orders: 4 }]);
  });

  it("says that the database is away", async () => {
    const pool = database.open({
      port: 1,
      host: "127.0.0.1",
      connectionString: undefined as never,
    });
    const provider = open({ pool });
    await expect(read(provider, "sql://shop/count")).rejects.toMatchObject({ code: -1503 });
  });

  it.each([
    [{}, /"pool" is required/],
    [{ pool: {} }, /has no connect/],
    [{ tables: {}, queries: {} }, /"tables" or "queries"/],
    [{ tables: { "a b": { key: "id" } } }, /"tables.a b"/],
    [{ tables: { a: { key: [] } } }, /"tables.a.key"/],
    [{ tables: { a: { key: "x y" } } }, /"tables.a.key"/],
    [{ tables: { a: { key: "id", columns: [] } } }, /"tables.a.columns"/],
    [{ tables: { a: { key: "id", table: "x".repeat(64) } } }, /no identifier/],
    [{ tables: { a: { key: "id", where: "1=1" } } }, /unknown option "where"/],
    [{ queries: { q: { text: "select 1; drop table x" } } }, /without ";"/],
    [{ queries: { q: { text: "select $2", parameters: ["a"] } } }, /\$1 to \$1/],
    [{ queries: { q: { text: "select $1" } } }, /one for each/],
    [{ queries: { q: { text: "select 1", dependsOn: ["x"] } } }, /names no table: "x"/],
    [{ tables: { q: { key: "id" } }, queries: { q: { text: "select 1" } } }, /both a table/],
    [{ uriPrefix: "sql://x" }, /end with "\/"/],
    [{ channel: "" }, /"channel"/],
    [{ maxRows: 0 }, /"maxRows"/],
  ])("refuses options: %#", (options, message) => {
    const given =
      "pool" in options ? options : { pool: database?.pool ?? { connect() {} }, ...options };
    const filled = message.source.includes("is required")
      ? {}
      : { tables: { a: { key: "id" } }, ...given };
    expect(() => new SqlResourceProvider(filled as never)).toThrow(message);
  });
});
