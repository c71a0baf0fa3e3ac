import { describe, expect, it } from "vitest";
import { OTHER } from "./labels.ts";
import { type EndedOperation, OperationTable, type TableOptions } from "./operation-table.ts";

const ALL: TableOptions = { durations: true, targets: true, errors: true, maxTargets: 10 };

function call(members: Partial<EndedOperation> = {}): EndedOperation {
  return {
    method: "tools/call",
    kind: "tool",
    name: "echo",
    era: "modern",
    revision: "2026-07-28",
    transport: "http",
    server: undefined,
    errorType: undefined,
    durationMs: 1,
    ...members,
  };
}

describe("OperationTable is bounded", () => {
  it("tools beyond the bound, and unknown ones, are one", () => {
    const table = new OperationTable({ ...ALL, maxTargets: 2 });
    for (let tool = 0; tool < 1_000; tool++) table.record(call({ name: `tool_${tool}` }));
    table.record(call({ name: undefined }));
    const counts = table.operations.map(({ target, count }) => [target?.label, count]);
    expect(counts).toEqual([
      ["tool_0", 1],
      ["tool_1", 1],
      [OTHER, 999],
    ]);
  });

  it("methods that do not exist are one", () => {
    const table = new OperationTable(ALL);
    for (const method of ["ping", "x", "y", "constructor", "__proto__"]) {
      table.record(call({ method, kind: undefined }));
    }
    expect(table.operations.map(({ method, count }) => [method, count])).toEqual([
      ["ping", 1],
      [OTHER, 4],
    ]);
  });

  it("errors beyond the bound are one", () => {
    const table = new OperationTable(ALL);
    for (let code = 0; code < 1_000; code++) table.record(call({ errorType: `${code}` }));
    expect(table.operations[0]?.series).toHaveLength(51);
    expect(table.operations[0]?.count).toBe(1_000);
  });

  it("servers beyond the bound are one", () => {
    const table = new OperationTable(ALL);
    for (let port = 0; port < 1_000; port++) table.record(call({ server: `http://a:${port}` }));
    expect(table.operations).toHaveLength(101);
  });

  it("long names are cut, and what is no text is replaced", () => {
    const table = new OperationTable(ALL);
    table.record(call({ kind: "prompt", method: "prompts/get", name: `\uD800${"x".repeat(1e6)}` }));
    const label = table.operations[0]?.target?.label;
    expect(label).toHaveLength(200);
    expect(label?.[0]).toBe("\uFFFD");
  });
});

describe("OperationTable keeps apart", () => {
  it("eras, revisions, transports and how it went", () => {
    const table = new OperationTable(ALL);
    const legacy = { era: "legacy", revision: "2025-11-25" } as const;
    for (const members of [{}, {}, legacy, { errorType: "-32602" }, { transport: "stdio" }]) {
      table.record(call(members));
    }
    expect(table.operations.map(({ era, count }) => [era, count])).toEqual([
      ["modern", 4],
      ["legacy", 1],
    ]);
    expect(table.operations[0]?.series.map(({ way, count }) => ({ ...way, count }))).toEqual([
      { revision: "2026-07-28", transport: "http", errorType: undefined, count: 2 },
      { revision: "2026-07-28", transport: "http", errorType: "-32602", count: 1 },
      { revision: "2026-07-28", transport: "stdio", errorType: undefined, count: 1 },
    ]);
  });

  it("a server and a name that together read like another pair", () => {
    const table = new OperationTable(ALL);
    table.record(call({ server: "a", name: "bc" }));
    table.record(call({ server: "ab", name: "c" }));
    expect(table.operations).toHaveLength(2);
  });

  it("nothing that was not asked for", () => {
    const table = new OperationTable({ ...ALL, durations: false, targets: false, errors: false });
    table.record(call({ errorType: "tool_error" }));
    table.record(call({ name: "other" }));
    const [operation, ...others] = table.operations;
    expect(others).toEqual([]);
    expect(operation?.target).toBeUndefined();
    expect(operation?.durations).toBeUndefined();
    expect(operation?.series.map(({ way }) => way.errorType)).toEqual([undefined]);
  });
});
