import { expect } from "vitest";
import {
  callTool,
  type Exchange,
  type Headers,
  modern,
  send,
} from "../../protocol/harness/http.ts";
import { initialize, openSession } from "../../protocol/harness/legacy-session.ts";
import type { Params } from "../../protocol/harness/messages.ts";
import type { RecordingLogger } from "./recording.ts";
import type { Target, World } from "./world.ts";

/** How a client of one era speaks, so that one attack is made in both. */
export interface Era {
  readonly name: "2026-07-28" | "2025-11-25";
  /** A `tools/call` of somebody with a good credential; a fresh session where the era has them. */
  call(url: string, headers: Headers, tool: string, args?: Params): Promise<Exchange>;
  /** The first request of a client: it needs a credential and nothing else. */
  begin(url: string, headers: Headers, params?: Params): Promise<Exchange>;
  request(url: string, headers: Headers, method: string, params?: Params): Promise<Exchange>;
  /** Everything that can be sent with a credential that may be bad: to begin, and in somebody's session. */
  attempts(target: Target, attempt: Attempt): Promise<readonly Exchange[]>;
}

/** What is sent instead of a good credential. */
export interface Attempt {
  readonly headers?: Headers;
  /** Behind the path, with its question mark. */
  readonly query?: string;
  readonly params?: Params;
}

/** One row of the table. Resolves with what was seen, in a few words, and throws when it succeeded. */
export interface Attack {
  readonly group: string;
  readonly name: string;
  /** Default both. */
  readonly only?: Era["name"];
  run(world: World, era: Era): Promise<string>;
}

export const eras: readonly Era[] = [
  {
    name: "2026-07-28",
    call: (url, headers, tool, args) => callTool(url, tool, args, { headers }),
    begin: (url, headers, params) => modern(url, "server/discover", params, { headers }),
    request: (url, headers, method, params) => modern(url, method, params, { headers }),
    attempts: async ({ url }, { headers = {}, query = "", params }) => [
      await modern(url + query, "server/discover", params, { headers }),
      await callTool(url + query, "open", {}, { headers, ...(params && { params }) }),
    ],
  },
  {
    name: "2025-11-25",
    call: async (url, headers, tool, args) =>
      (await openSession(url, { headers })).callTool(tool, args),
    begin: (url, headers, params) =>
      initialize(url, { headers, ...(params && { capabilities: params }) }),
    request: async (url, headers, method, params) =>
      (await openSession(url, { headers })).request(method, params),
    attempts: async ({ url, good }, { headers = {}, query = "", params }) => {
      const begun = await initialize(url + query, { headers });
      if (good === undefined) return [begun];
      const session = await openSession(url, { headers: await good() });
      const { "x-api-key": _key, authorization: _token, ...own } = session.headers;
      const body = {
        jsonrpc: "2.0",
        id: 7,
        method: "tools/call",
        params: { ...params, name: "open", arguments: {} },
      };
      return [begun, await send(url + query, { headers: { ...own, ...headers }, body })];
    },
  },
];

/** What a row of bad credentials says. */
export interface BadCredential {
  /** A server of the world, or one of its own. */
  readonly at: Exclude<keyof World, "keySet"> | (() => Promise<Target>);
  readonly attempt: (world: World, target: Target) => Attempt | Promise<Attempt>;
  /** Default 401. */
  readonly status?: 400 | 401 | 503;
  /** The check that refuses, as the log has it. */
  readonly stage: string;
}

/** A credential that must be refused, everywhere, by the right check, without a trace of itself. */
export function refused(group: string, name: string, bad: BadCredential): Attack {
  return {
    group,
    name,
    async run(world, era) {
      const target = typeof bad.at === "string" ? world[bad.at] : await bad.at();
      const attempt = await bad.attempt(world, target);
      const before = target.logger.lines.length;
      const status = bad.status ?? 401;
      const answers = await era.attempts(target, attempt);
      for (const answer of answers) {
        expect(answer.status).toBe(status);
        expect(answer.text).not.toMatch(/"result"/);
        expectAbsent(answer.text + JSON.stringify(answer.headers), attempt);
        if (status === 401) expect(answer.headers["www-authenticate"]).toBeDefined();
        if (status === 503) expect(answer.headers["retry-after"]).toBeDefined();
      }
      const stages = stagesSince(target.logger, before);
      expect(new Set(stages)).toEqual(new Set([bad.stage]));
      expect(stages).toHaveLength(answers.length);
      expectAbsent(target.logger.text, attempt);
      return `${status}, logged as "${bad.stage}"`;
    },
  };
}

/** The stages of the refusals that a logger was told of, from its line `before` on. */
export function stagesSince(logger: RecordingLogger, before: number): readonly string[] {
  return logger.lines.slice(before).flatMap(({ fields }) => {
    const { stage } = fields as { stage?: unknown };
    return typeof stage === "string" ? [stage] : [];
  });
}

/** Nothing of a credential stands in a text: neither the whole, nor a part that says anything. */
function expectAbsent(text: string, attempt: Attempt): void {
  for (const secret of partsOf(attempt)) expect(text).not.toContain(secret);
}

/** Pieces of 12 characters or more between blanks, dots and signs: names of schemes are shorter. */
function partsOf({ headers = {}, query = "", params = {} }: Attempt): readonly string[] {
  const texts = [...Object.values(headers).flat(), query, ...Object.values(params).map(String)];
  return texts.flatMap((text) => text.split(/[\s.,=&?:"]+/)).filter(({ length }) => length >= 12);
}
