import { expect, it } from "vitest";
import type { Logger } from "./seams/logger.ts";
import { writesLike, writesToStdout } from "./writes-to-stdout.ts";

const logger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

it.each([
  [logger, false],
  [{ ...logger, [Symbol("pino.stream")]: { fd: 1 } }, true],
  [{ ...logger, [Symbol("pino.stream")]: { fd: 2 } }, false],
  [{ ...logger, [Symbol("pino.stream")]: undefined }, false],
  [Object.create({ ...logger, [Symbol("pino.stream")]: { fd: 1 } }), true],
  [writesLike({ ...logger }, { ...logger, [Symbol("pino.stream")]: { fd: 1 } } as Logger), true],
  [writesLike({ ...logger, [Symbol("pino.stream")]: { fd: 1 } }, logger), false],
  [{ ...logger, [Symbol("stream")]: { fd: 1 } }, false],
])("%o: %s", (one, expected) => {
  expect(writesToStdout(one)).toBe(expected);
});
