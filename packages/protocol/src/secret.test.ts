import { format, inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { Secret } from "./secret.ts";

describe("Secret", () => {
  const secret = new Secret("s3cr3t-value");

  it("gives its value to who asks for it", () => {
    expect(secret.reveal()).toBe("s3cr3t-value");
  });

  it.each<[string, () => string]>([
    ["String", () => String(secret)],
    ["toString", () => secret.toString()],
    ["a template literal", () => `${secret}`],
    ["concatenation", () => `a${secret as never}`],
    ["JSON", () => JSON.stringify({ secret, list: [secret] })],
    ["inspect", () => inspect({ secret })],
    ["inspect of everything", () => inspect(secret, { showHidden: true, customInspect: false })],
    ["format", () => format("%s %o %O %j", secret, secret, secret, secret)],
    ["an error's message", () => new Error(`no: ${secret}`).message],
    [
      "its properties",
      () => JSON.stringify(Object.entries(Object.getOwnPropertyDescriptors(secret))),
    ],
    ["a spread", () => JSON.stringify({ ...secret })],
    ["a structured clone", () => inspect(structuredClone({ ...secret }))],
  ])("does not print through %s", (_, print) => {
    expect(print()).not.toContain("s3cr3t");
  });

  it("prints as [redacted]", () => {
    expect(`${secret} ${JSON.stringify(secret)} ${inspect(secret)}`).toBe(
      '[redacted] "[redacted]" [redacted]',
    );
  });

  it.each([[""], [undefined], [12]])("refuses %j", (value) => {
    expect(() => new Secret(value as string)).toThrow(TypeError);
  });
});
