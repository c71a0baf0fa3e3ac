import { CHANNELS, type Logger } from "@backplane/protocol";
import { afterEach, expect, it } from "vitest";
import { requestEnded, routeEnded } from "../audit/audit-rig.test-support.ts";
import { type LogEventsOptions, logEvents } from "./log-events.ts";

const lines: string[] = [];
const keep = (level: string) => (fields: object, message: string) =>
  void lines.push(`${level}: ${message} ${JSON.stringify(fields)}`);
const logger: Logger = {
  debug: keep("debug"),
  info: keep("info"),
  warn: keep("warn"),
  error: keep("error"),
};

const ends: (() => void)[] = [];
function begin(levels?: LogEventsOptions["levels"]): void {
  ends.push(logEvents({ server: { serverId: "s" }, logger, ...(levels && { levels }) }));
}

afterEach(() => {
  for (const end of ends.splice(0)) end();
  lines.length = 0;
});

function tellAll(): void {
  requestEnded({ target: "add", event: { outcome: "error", errorCode: -32602, decision: "hide" } });
  requestEnded({ serverId: "another" });
  routeEnded({ status: 405, stage: "method" });
  const { limit, authenticationRefused, degraded } = CHANNELS;
  limit.publish({
    serverId: "s",
    limit: "maxBodyBytes",
    context: undefined,
    target: undefined,
    retryAfterMs: undefined,
    route: "/form",
  });
  authenticationRefused.publish({
    serverId: "s",
    transport: "http",
    remoteAddress: "10.0.0.1",
    principal: undefined,
    status: 401,
    stage: "signature",
    route: undefined,
  });
  degraded.publish({ serverId: undefined, part: "cache", degraded: true });
}

it("logs each request and what was refused; the server logs the rest itself", () => {
  begin();
  tellAll();
  expect(lines).toEqual([
    expect.stringMatching(
      /^info: request \{"correlationId":"[\w-]{36}","method":"tools\/call","target":"add","era":"modern","outcome":"error","errorCode":-32602,"decision":"hide","durationMs":1\.235\}$/,
    ),
    'debug: request of a route {"route":"/metrics","method":"GET","status":405,"stage":"method","remoteAddress":"127.0.0.1","durationMs":1.235}',
    'warn: a limit refused something {"limit":"maxBodyBytes","route":"/form"}',
  ]);
});

it("has a level for each channel", () => {
  begin({
    requestEnd: "silent",
    routeEnd: "silent",
    limit: "debug",
    authenticationRefused: "error",
    degraded: "warn",
  });
  tellAll();
  expect(lines.map((line) => line.slice(0, line.indexOf("{") - 1))).toEqual([
    "debug: a limit refused something",
    "error: a credential was refused",
    "warn: a part is degraded",
  ]);
});

it("ends, and costs nothing more", () => {
  begin({ requestEnd: "info", limit: "info", authenticationRefused: "info", degraded: "info" });
  ends.pop()?.();
  tellAll();
  expect(lines).toEqual([]);
  const heard = ["requestEnd", "limit", "authenticationRefused", "degraded"] as const;
  expect(heard.some((name) => CHANNELS[name].hasSubscribers)).toBe(false);
});

it.each<[object, RegExp]>([
  [{ server: {} }, /"server"/],
  [{ logger: undefined }, /"logger"/],
  [{ levels: { gauge: "info" } }, /"gauge"/],
  [{ levels: { limit: "loud" } }, /"levels.limit"/],
  [{ level: "info" }, /"level"/],
])("refuses %j", (more, message) => {
  expect(() => logEvents({ server: { serverId: "s" }, logger, ...more } as never)).toThrow(message);
});
