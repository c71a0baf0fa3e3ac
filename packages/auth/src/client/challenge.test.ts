import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseChallenges, readResourceChallenge } from "./challenge.ts";

const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,10}$/);
const value = fc.string({ maxLength: 20, unit: fc.constantFrom(...'aZ0 ,=\\"/:.') });
const challenge = fc.record({
  scheme: token,
  parameters: fc.uniqueArray(fc.tuple(token, value), {
    maxLength: 4,
    selector: ([name]) => name.toLowerCase(),
  }),
});

function write({ scheme, parameters }: { scheme: string; parameters: [string, string][] }): string {
  const quoted = parameters.map(([name, text]) => `${name}="${text.replaceAll(/[\\"]/g, "\\$&")}"`);
  return `${scheme} ${quoted.join(", ")}`;
}

describe("parseChallenges", () => {
  it("reads what it was given, whatever stands in the values", () => {
    fc.assert(
      fc.property(fc.array(challenge, { maxLength: 3 }), (challenges) => {
        const read = parseChallenges(challenges.map(write).join(", "));
        expect(read.map(({ scheme }) => scheme)).toEqual(
          challenges.map(({ scheme }) => scheme.toLowerCase()),
        );
        expect(read.map(({ parameters }) => [...parameters])).toEqual(
          challenges.map(({ parameters }) =>
            parameters.map(([name, text]) => [name.toLowerCase(), text]),
          ),
        );
      }),
    );
  });

  it("takes any text without an error, and ends", () => {
    const text = fc.string({ maxLength: 60, unit: fc.constantFrom(...'Bearer="\\, \t=é\0') });
    fc.assert(fc.property(text, (header) => Array.isArray(parseChallenges(header))));
    for (const piece of ["a ", ",", '"', "=", "a=", '\\"', "a=b "]) {
      expect(Array.isArray(parseChallenges(piece.repeat(100_000)))).toBe(true);
    }
  });

  it("knows schemes with a token of their own, and bare values", () => {
    expect(
      parseChallenges("Negotiate YII/a==, Bearer realm=x , scope = a, Basic").map(
        ({ scheme, parameters }) => [scheme, ...parameters],
      ),
    ).toEqual([["negotiate"], ["bearer", ["realm", "x"], ["scope", "a"]], ["basic"]]);
  });

  it("lets the first of a repeated parameter count", () => {
    expect(readResourceChallenge('Bearer scope="a", scope="b"')?.scope).toBe("a");
  });
});

describe("readResourceChallenge", () => {
  it("gives what the challenges for a token say, and nothing of other schemes", () => {
    const header =
      'Basic scope="basic", Bearer error="insufficient_scope", scope="a b", DPoP algs="ES256", resource_metadata="https://mcp.example/x"';
    expect(readResourceChallenge(header)).toEqual({
      error: "insufficient_scope",
      scope: "a b",
      resourceMetadata: "https://mcp.example/x",
    });
  });

  it("is not taken in by names that end alike, or by values that look like parameters", () => {
    expect(
      readResourceChallenge('Bearer x_scope="no", realm="scope=\\"no\\", error=no", error=""'),
    ).toEqual({ error: undefined, scope: undefined, resourceMetadata: undefined });
  });

  it("is undefined when no token is asked for", () => {
    expect(readResourceChallenge(undefined)).toBeUndefined();
    expect(readResourceChallenge('Basic realm="x"')).toBeUndefined();
    expect(readResourceChallenge("")).toBeUndefined();
  });
});
