import { describe, expect, it } from "vitest";
import { createLogger } from "./logger.ts";

describe("the log", () => {
  it("writes JSON lines from its level upwards, errors with their stack", () => {
    const lines: string[] = [];
    const logger = createLogger("warn", (line) => lines.push(line));
    logger.debug({}, "no");
    logger.info({}, "no");
    logger.warn({ a: 1 }, "careful");
    logger.error({ error: new Error("outer", { cause: new Error("inner") }) }, "broken\nline");
    expect(lines).toHaveLength(2);
    expect(
      lines.every((line) => line.endsWith("\n") && line.indexOf("\n") === line.length - 1),
    ).toBe(true);
    expect(JSON.parse(lines[0] as string)).toMatchObject({
      level: "warn",
      message: "careful",
      a: 1,
    });
    expect(JSON.parse(lines[1] as string)).toMatchObject({
      level: "error",
      error: {
        message: "outer",
        stack: expect.stringContaining("logger.test") as string,
        cause: { message: "inner" },
      },
    });
  });
});
