import { isJsonObject, type ProgressReport } from "@backplane/protocol";
import type { ReceivedNotification } from "../recorder.ts";
import type { ExpectedProgress } from "./declare.ts";
import type { MatcherOutcome, MatcherState } from "./matchers.ts";

export function haveReceivedNotification(
  { equals, isNot, utils }: MatcherState,
  actual: unknown,
  method: string,
  params: Readonly<Record<string, unknown>> = {},
): MatcherOutcome {
  const received = notificationsOf("toHaveReceivedNotification", actual);
  const pass = received.some(
    (one) =>
      one.method === method &&
      Object.entries(params).every(([name, value]) => equals(one.params[name], value)),
  );
  return {
    pass,
    message: () =>
      `expected ${isNot ? "no" : "a"} notification ${method} ${utils.stringify(params)}; received were ${
        received.length === 0
          ? "none"
          : received.map((one) => `${one.method} ${utils.stringify(one.params)}`).join(", ")
      }`,
  };
}

export function haveProgressed(
  { equals, isNot, utils }: MatcherState,
  actual: unknown,
  expected: ExpectedProgress | undefined,
): MatcherOutcome {
  const sequences = Array.isArray(actual)
    ? [actual as ProgressReport[]]
    : sequencesOf(notificationsOf("toHaveProgressed", actual));
  const reports = sequences.flat();
  const standing = sequences.flatMap((sequence) =>
    sequence.filter(
      ({ progress }, index) => index > 0 && progress <= (sequence[index - 1]?.progress as number),
    ),
  );
  const wanted = expected?.map((one) => (typeof one === "number" ? { progress: one } : one));
  const asWanted =
    wanted === undefined
      ? reports.length > 0
      : wanted.length === reports.length &&
        wanted.every((want, index) =>
          Object.entries(want).every(([name, value]) =>
            equals((reports[index] as unknown as Record<string, unknown>)[name], value),
          ),
        );
  return {
    pass: standing.length === 0 && asWanted,
    message: () => {
      if (isNot) return `expected other progress than ${utils.stringify(reports)}`;
      if (standing.length > 0) {
        return `progress must grow with every report; it did not with ${utils.stringify(standing[0])}`;
      }
      if (reports.length === 0) {
        return "expected progress; there was none. A server reports only to a call with onProgress";
      }
      return `expected progress ${utils.stringify(wanted)}, got ${utils.stringify(reports)}`;
    },
    actual: reports,
    ...(wanted !== undefined && { expected: wanted }),
  };
}

/** The reports of each request, by its token. */
function sequencesOf(notifications: readonly ReceivedNotification[]): ProgressReport[][] {
  const byToken = new Map<unknown, ProgressReport[]>();
  for (const { method, params } of notifications) {
    if (method !== "notifications/progress") continue;
    const { progressToken, progress, total, message } = params;
    const sequence = byToken.get(progressToken) ?? [];
    byToken.set(progressToken, sequence);
    sequence.push({
      progress: progress as number,
      ...(total !== undefined && { total: total as number }),
      ...(message !== undefined && { message: message as string }),
    });
  }
  return [...byToken.values()];
}

function notificationsOf(matcher: string, actual: unknown): readonly ReceivedNotification[] {
  const found = isJsonObject(actual) || typeof actual === "object" ? actual : undefined;
  const { notifications } = (found ?? {}) as { notifications?: unknown };
  if (Array.isArray(notifications)) return notifications as ReceivedNotification[];
  throw new TypeError(
    `${matcher}: expects an MCPTestClient${matcher === "toHaveProgressed" ? " or a list of progress reports" : ""}`,
  );
}
