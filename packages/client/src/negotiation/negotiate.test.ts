import { LEGACY_REVISIONS, MCPError, type Revision } from "@backplane/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MCPClientError } from "../errors.ts";
import { advance, beginNegotiation } from "./negotiate.ts";
import type { Negotiation, NegotiationEvent, NegotiationSetup, NegotiationStep } from "./types.ts";

const MODERN = "2026-07-28";
const LEGACY = LEGACY_REVISIONS[0];

const rpc = (code: number, data?: unknown, status?: number): NegotiationEvent => ({
  kind: "error",
  error: new MCPError(code, `error ${code}`, { data }),
  status,
});
const http = (status: number): NegotiationEvent => ({
  kind: "http-failure",
  error: new MCPClientError("http_status", `answered ${status}`, { status }),
});
const discovered = (...supportedVersions: string[]): NegotiationEvent => ({
  kind: "discovered",
  supportedVersions,
});
const initialized = (protocolVersion: string): NegotiationEvent => ({
  kind: "initialized",
  protocolVersion,
});
const timeout: NegotiationEvent = {
  kind: "timeout",
  error: new MCPClientError("timeout", "silence"),
};
const closed: NegotiationEvent = {
  kind: "closed",
  error: new MCPClientError("connection_lost", "it ended"),
};
const unusable: NegotiationEvent = {
  kind: "unusable",
  error: new MCPClientError("invalid_response", "no result"),
};
const unsupportedVersion = (...supported: string[]): NegotiationEvent =>
  rpc(-32022, { supported, requested: MODERN }, 400);

const onHttp: NegotiationSetup = { carrier: "http", protocol: "auto", verdict: undefined };
const onStdio: NegotiationSetup = { ...onHttp, carrier: "stdio" };
const inMemory: NegotiationSetup = { ...onHttp, carrier: "in-memory" };
const legacyVerdict = { era: "legacy", revision: "2025-03-26" } as const;

/** A step in one word or two, so that a table reads as the text of the specification does. */
function name(step: NegotiationStep): string {
  switch (step.kind) {
    case "discover":
    case "initialize": {
      const where = step.over === "sse" ? " over sse" : step.freshConnection ? " afresh" : "";
      return `${step.kind} ${step.revision}${where}`;
    }
    case "settled":
      return `${step.era} ${step.revision}${step.over === "sse" ? " over sse" : ""}`;
    case "failed":
      return `failed ${step.error.code}`;
  }
}

function run(setup: NegotiationSetup, events: readonly NegotiationEvent[]): string[] {
  let negotiation = beginNegotiation(setup);
  const steps = [name(negotiation.step)];
  for (const event of events) {
    negotiation = advance(negotiation, event);
    steps.push(name(negotiation.step));
  }
  return steps;
}

type Row = readonly [
  what: string,
  setup: NegotiationSetup,
  ...exchange: (NegotiationEvent | string)[],
];

function check([, setup, ...exchange]: Row): void {
  const events = exchange.filter((part) => typeof part !== "string");
  const expected = exchange.filter((part) => typeof part === "string");
  expect(run(setup, events)).toEqual(expected);
}

describe("negotiation over HTTP (spec: transports/streamable-http, basic/versioning)", () => {
  const rows: readonly Row[] = [
    ["a modern result", onHttp, `discover ${MODERN}`, discovered(MODERN), `modern ${MODERN}`],
    [
      "a modern server that also names what this client has never heard of",
      onHttp,
      `discover ${MODERN}`,
      discovered("2030-01-01", MODERN),
      `modern ${MODERN}`,
    ],
    [
      "only legacy versions in the discovery",
      onHttp,
      `discover ${MODERN}`,
      discovered("2025-06-18", "2030-01-01"),
      "initialize 2025-06-18",
      initialized("2025-06-18"),
      "legacy 2025-06-18",
    ],
    [
      "no version in common in the discovery",
      onHttp,
      `discover ${MODERN}`,
      discovered("2030-01-01"),
      "failed unsupported_version",
    ],
    [
      "-32022 without a version in common never falls back",
      onHttp,
      `discover ${MODERN}`,
      unsupportedVersion("2030-01-01"),
      "failed unsupported_version",
    ],
    [
      "-32022 that lists legacy versions",
      onHttp,
      `discover ${MODERN}`,
      unsupportedVersion("2030-01-01", "2025-06-18"),
      "initialize 2025-06-18",
      initialized("2025-06-18"),
      "legacy 2025-06-18",
    ],
    [
      "-32022 that lists the version it refuses",
      onHttp,
      `discover ${MODERN}`,
      unsupportedVersion(MODERN),
      `discover ${MODERN}`,
      discovered(MODERN),
      `modern ${MODERN}`,
    ],
    [
      "-32022 that lists the version it refuses, twice",
      onHttp,
      `discover ${MODERN}`,
      unsupportedVersion(MODERN),
      `discover ${MODERN}`,
      unsupportedVersion(MODERN),
      "failed unsupported_version",
    ],
    [
      "-32022 that lists nothing is no proof",
      onHttp,
      `discover ${MODERN}`,
      rpc(-32022, undefined, 400),
      `initialize ${LEGACY}`,
    ],
    ...[-32020, -32021, -32000, -32601, -32602, -32603].map(
      (code): Row => [
        `a 400 with ${code} is not recognised`,
        onHttp,
        `discover ${MODERN}`,
        rpc(code, undefined, 400),
        `initialize ${LEGACY}`,
        initialized(LEGACY),
        `legacy ${LEGACY}`,
      ],
    ),
    [
      "an error in a 200",
      onHttp,
      `discover ${MODERN}`,
      rpc(-32601, undefined, 200),
      `initialize ${LEGACY}`,
    ],
    ...[400, 404, 405, 406, 415, 422].map(
      (status): Row => [
        `an unrecognised ${status}`,
        onHttp,
        `discover ${MODERN}`,
        http(status),
        `initialize ${LEGACY}`,
      ],
    ),
    ...[301, 401, 403, 407, 408, 429, 500, 502, 503].flatMap((status): Row[] => [
      [
        `${status} is no evidence`,
        onHttp,
        `discover ${MODERN}`,
        http(status),
        "failed http_status",
      ],
      [
        `nor is a JSON-RPC error with ${status}`,
        onHttp,
        `discover ${MODERN}`,
        rpc(-1503, undefined, status),
        "failed -1503",
      ],
      [
        `nor is ${status} to initialize`,
        onHttp,
        `discover ${MODERN}`,
        http(404),
        `initialize ${LEGACY}`,
        http(status),
        "failed http_status",
      ],
    ]),
    ["silence is no evidence", onHttp, `discover ${MODERN}`, timeout, "failed timeout"],
    ["nor is a lost connection", onHttp, `discover ${MODERN}`, closed, "failed connection_lost"],
    ["something that is no answer", onHttp, `discover ${MODERN}`, unusable, `initialize ${LEGACY}`],
    ...[400, 404, 405].map(
      (status): Row => [
        `HTTP+SSE after ${status} to initialize`,
        onHttp,
        `discover ${MODERN}`,
        http(404),
        `initialize ${LEGACY}`,
        http(status),
        `initialize ${LEGACY} over sse`,
        initialized("2024-11-05"),
        "legacy 2024-11-05 over sse",
      ],
    ),
    [
      "no HTTP+SSE after another status",
      onHttp,
      `discover ${MODERN}`,
      http(404),
      `initialize ${LEGACY}`,
      http(415),
      "failed http_status",
    ],
    [
      "nothing at all at the URL",
      onHttp,
      `discover ${MODERN}`,
      http(404),
      `initialize ${LEGACY}`,
      http(404),
      `initialize ${LEGACY} over sse`,
      http(404),
      "failed http_status",
    ],
    [
      "an error of the server's own to initialize",
      onHttp,
      `discover ${MODERN}`,
      http(404),
      `initialize ${LEGACY}`,
      rpc(-32603),
      "failed -32603",
    ],
    [
      "initialize offers a version that is not spoken here",
      onHttp,
      `discover ${MODERN}`,
      http(404),
      `initialize ${LEGACY}`,
      initialized("2023-01-01"),
      "failed unsupported_version",
    ],
    [
      "initialize refused with a list: the best of it is offered, once",
      onHttp,
      `discover ${MODERN}`,
      http(404),
      `initialize ${LEGACY}`,
      rpc(-32602, { supported: ["2024-11-05"], requested: LEGACY }, 200),
      "initialize 2024-11-05",
      rpc(-32602, { supported: ["2025-03-26"] }, 200),
      "failed unsupported_version",
    ],
    [
      "initialize answered by a modern server: the probe was not understood the first time",
      onHttp,
      `discover ${MODERN}`,
      http(404),
      `initialize ${LEGACY}`,
      unsupportedVersion(MODERN),
      `discover ${MODERN}`,
      http(404),
      "failed http_status",
    ],
  ];
  for (const row of rows) it(row[0], () => check(row));
});

describe("negotiation over stdio (spec: transports/stdio)", () => {
  const rows: readonly Row[] = [
    ["a modern result", onStdio, `discover ${MODERN}`, discovered(MODERN), `modern ${MODERN}`],
    [
      "-32022 never falls back",
      onStdio,
      `discover ${MODERN}`,
      unsupportedVersion("2030-01-01"),
      "failed unsupported_version",
    ],
    ...[-32601, -32600, -32602, -32000, -32603, -1].map(
      (code): Row => [
        `any other error, such as ${code}`,
        onStdio,
        `discover ${MODERN}`,
        rpc(code),
        `initialize ${LEGACY}`,
        initialized(LEGACY),
        `legacy ${LEGACY}`,
      ],
    ),
    [
      "silence",
      onStdio,
      `discover ${MODERN}`,
      timeout,
      `initialize ${LEGACY} afresh`,
      initialized("2024-11-05"),
      "legacy 2024-11-05",
    ],
    [
      "a server that exits on an unknown first message",
      onStdio,
      `discover ${MODERN}`,
      closed,
      `initialize ${LEGACY} afresh`,
      initialized(LEGACY),
      `legacy ${LEGACY}`,
    ],
    [
      "one that answers before it exits",
      onStdio,
      `discover ${MODERN}`,
      rpc(-32601),
      `initialize ${LEGACY}`,
      closed,
      `initialize ${LEGACY} afresh`,
      initialized(LEGACY),
      `legacy ${LEGACY}`,
    ],
    [
      "one that always exits",
      onStdio,
      `discover ${MODERN}`,
      closed,
      `initialize ${LEGACY} afresh`,
      closed,
      "failed connection_lost",
    ],
    [
      "one that was too slow for the probe, and is modern",
      onStdio,
      `discover ${MODERN}`,
      timeout,
      `initialize ${LEGACY} afresh`,
      unsupportedVersion(MODERN),
      `discover ${MODERN}`,
      discovered(MODERN),
      `modern ${MODERN}`,
    ],
    [
      "a result that is none",
      onStdio,
      `discover ${MODERN}`,
      unusable,
      `initialize ${LEGACY}`,
      unusable,
      `initialize ${LEGACY} afresh`,
      unusable,
      "failed invalid_response",
    ],
    [
      "a connection that cannot be had again: silence",
      inMemory,
      `discover ${MODERN}`,
      timeout,
      `initialize ${LEGACY}`,
      initialized(LEGACY),
      `legacy ${LEGACY}`,
    ],
    [
      "a connection that cannot be had again: its end",
      inMemory,
      `discover ${MODERN}`,
      closed,
      "failed connection_lost",
    ],
  ];
  for (const row of rows) it(row[0], () => check(row));
});

describe("a verdict", () => {
  const rows: readonly Row[] = [
    [
      "legacy: no probe",
      { ...onHttp, verdict: { ...legacyVerdict, transport: "http" } },
      "initialize 2025-03-26",
      initialized("2025-03-26"),
      "legacy 2025-03-26",
    ],
    [
      "HTTP+SSE: opened at once",
      { ...onHttp, verdict: { ...legacyVerdict, transport: "sse" } },
      "initialize 2025-03-26 over sse",
      initialized("2025-03-26"),
      "legacy 2025-03-26 over sse",
    ],
    [
      "modern, and no longer true",
      {
        ...onHttp,
        verdict: { era: "modern", revision: MODERN, transport: "http" },
      },
      `discover ${MODERN}`,
      http(404),
      `initialize ${LEGACY}`,
    ],
    [
      "legacy, and the server is modern now",
      { ...onHttp, verdict: { ...legacyVerdict, transport: "http" } },
      "initialize 2025-03-26",
      unsupportedVersion(MODERN),
      `discover ${MODERN}`,
      discovered(MODERN),
      `modern ${MODERN}`,
    ],
    [
      "legacy, and nothing is there any more: everything is tried, nothing twice",
      { ...onHttp, verdict: { ...legacyVerdict, revision: LEGACY, transport: "http" } },
      `initialize ${LEGACY}`,
      http(404),
      `discover ${MODERN} `.trim(),
      http(404),
      `initialize ${LEGACY} over sse`,
      http(404),
      "failed http_status",
    ],
    [
      "HTTP+SSE, and the server has moved on",
      { ...onHttp, verdict: { ...legacyVerdict, transport: "sse" } },
      "initialize 2025-03-26 over sse",
      http(405),
      `discover ${MODERN} afresh`,
      discovered(MODERN),
      `modern ${MODERN}`,
    ],
    [
      "a server that is away contradicts nothing",
      { ...onHttp, verdict: { ...legacyVerdict, transport: "http" } },
      "initialize 2025-03-26",
      http(503),
      "failed http_status",
    ],
    [
      "stdio, and the process ends",
      { ...onStdio, verdict: { ...legacyVerdict, transport: "stdio" } },
      "initialize 2025-03-26",
      closed,
      `discover ${MODERN} afresh`,
      discovered(MODERN),
      `modern ${MODERN}`,
    ],
  ];
  for (const row of rows) it(row[0], () => check(row));
});

describe("a revision that is insisted on", () => {
  const pinned = (protocol: Revision, setup = onHttp): NegotiationSetup => ({ ...setup, protocol });
  const rows: readonly Row[] = [
    ["modern", pinned(MODERN), `discover ${MODERN}`, discovered(MODERN), `modern ${MODERN}`],
    [
      "modern, at a legacy server",
      pinned(MODERN, onStdio),
      `discover ${MODERN}`,
      rpc(-32601),
      "failed unsupported_version",
    ],
    [
      "modern, and the server lists legacy ones",
      pinned(MODERN),
      `discover ${MODERN}`,
      unsupportedVersion("2025-11-25"),
      "failed unsupported_version",
    ],
    ["modern, wrong URL", pinned(MODERN), `discover ${MODERN}`, http(404), "failed http_status"],
    [
      "legacy: no probe",
      pinned("2025-06-18"),
      "initialize 2025-06-18",
      initialized("2025-06-18"),
      "legacy 2025-06-18",
    ],
    [
      "legacy, and the server offers another",
      pinned("2025-06-18"),
      "initialize 2025-06-18",
      initialized("2025-03-26"),
      "failed unsupported_version",
    ],
    [
      "legacy, and the server is modern",
      pinned("2025-06-18"),
      "initialize 2025-06-18",
      unsupportedVersion(MODERN),
      "failed unsupported_version",
    ],
    [
      "the oldest, over its own transport",
      pinned("2024-11-05"),
      "initialize 2024-11-05",
      http(405),
      "initialize 2024-11-05 over sse",
      initialized("2024-11-05"),
      "legacy 2024-11-05 over sse",
    ],
    [
      "and where that worked before, and works no more",
      { ...pinned("2024-11-05"), verdict: { ...legacyVerdict, transport: "sse" } },
      "initialize 2024-11-05 over sse",
      http(404),
      "initialize 2024-11-05 afresh",
      initialized("2024-11-05"),
      "legacy 2024-11-05",
    ],
    [
      "a verdict of the other era counts for nothing",
      { ...pinned(MODERN), verdict: { ...legacyVerdict, transport: "http" } },
      `discover ${MODERN}`,
    ],
  ];
  for (const row of rows) it(row[0], () => check(row));
});

describe("errors", () => {
  const end = (setup: NegotiationSetup, ...events: NegotiationEvent[]): MCPClientError => {
    const { step } = events.reduce<Negotiation>(advance, beginNegotiation(setup));
    if (step.kind !== "failed") throw new Error(`did not fail but ${name(step)}`);
    return step.error as MCPClientError;
  };

  it("name both sides' versions, and no more of the server's than can be read", () => {
    const many = Array.from({ length: 1_000 }, () => "x".repeat(1_000));
    const error = end(onHttp, unsupportedVersion("2030-01-01", ...many));
    expect(error.message).toContain("2030-01-01");
    expect(error.message).toContain(MODERN);
    expect(error.message.length).toBeLessThan(2_000);
    expect(MCPError.isInstance(error.cause)).toBe(true);
  });

  it("say of a dead URL what its first answer was, and keep the last", () => {
    const error = end(onHttp, http(404), http(404), http(405));
    expect(error.status).toBe(404);
    expect(error.message).toContain("2024-11-05");
    expect((error.cause as MCPClientError).status).toBe(405);
  });
});

describe("every sequence of events", () => {
  const version = fc.constantFrom(MODERN, ...LEGACY_REVISIONS, "2030-01-01", "nonsense");
  const status = fc.constantFrom(undefined, 200, 301, 400, 401, 404, 405, 415, 429, 500, 503);
  const event: fc.Arbitrary<NegotiationEvent> = fc.oneof(
    fc.array(version, { maxLength: 3 }).map((versions) => discovered(...versions)),
    version.map(initialized),
    fc
      .tuple(
        fc.constantFrom(-32022, -32602, -32601),
        fc.option(fc.array(version, { maxLength: 3 })),
        status,
      )
      .map(([code, supported, at]) =>
        rpc(code, supported === null ? undefined : { supported }, at),
      ),
    status.map((code) => http(code ?? 404)),
    fc.constantFrom(unusable, timeout, closed),
  );
  const setup: fc.Arbitrary<NegotiationSetup> = fc.record({
    carrier: fc.constantFrom("http", "stdio", "in-memory"),
    protocol: fc.constantFrom("auto" as const, MODERN as Revision, ...LEGACY_REVISIONS),
    verdict: fc.option(
      fc.oneof(
        fc.record({
          era: fc.constant("legacy" as const),
          revision: fc.constantFrom(...LEGACY_REVISIONS),
          transport: fc.constantFrom("http" as const, "sse" as const, "stdio" as const),
        }),
        fc.record({
          era: fc.constant("modern" as const),
          revision: fc.constant(MODERN as Revision),
          transport: fc.constantFrom("http" as const, "stdio" as const),
        }),
      ),
      { nil: undefined },
    ),
  });

  it("ends after few steps, sends nothing twice without a reason, and keeps to what is insisted on", () => {
    fc.assert(
      fc.property(setup, fc.array(event, { minLength: 12, maxLength: 12 }), (given, events) => {
        let negotiation = beginNegotiation(given);
        const sent: string[] = [];
        const { protocol } = given;
        for (const next of events) {
          const { step } = negotiation;
          if (step.kind === "settled") {
            if (protocol !== "auto") expect(step.revision).toBe(protocol);
            break;
          }
          if (step.kind === "failed") break;
          if (protocol !== "auto") expect(step.revision).toBe(protocol);
          if (step.over === "sse") expect(given.carrier).toBe("http");
          if (given.carrier === "in-memory") expect(step.freshConnection).toBe(false);
          // The proof that the server is modern is the one reason to ask the same again.
          sent.push(`${name(step)}${negotiation.proven ? ", proven" : ""}`);
          negotiation = advance(negotiation, next);
        }
        expect(["settled", "failed"]).toContain(negotiation.step.kind);
        expect(sent.length).toBeLessThanOrEqual(8);
        expect(new Set(sent).size).toBe(sent.length);
      }),
      { numRuns: 3_000 },
    );
  });
});
