import fc from "fast-check";
import { expect, it } from "vitest";
import { labelPairs, PrometheusText } from "./text.ts";

it("writes families and samples", () => {
  const text = new PrometheusText();
  text.family("a_total", "counter", "All of them.");
  text.sample("a_total", labelPairs({ x: "1", y: undefined, z: "2" }), 3);
  text.sample("a_total", "", 4);
  expect(text.toString()).toBe(
    '# HELP a_total All of them.\n# TYPE a_total counter\na_total{x="1",z="2"} 3\na_total 4\n',
  );
});

it("a label is read back as it was, on one line, whatever it holds", () => {
  const hostile = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom('"} 1\nb 2', "\\n", "\\"),
  );
  fc.assert(
    fc.property(hostile, (value) => {
      const pairs = labelPairs({ name: value });
      expect(pairs).not.toContain("\n");
      const escaped = /^name="((?:[^"\\]|\\.)*)"$/s.exec(pairs)?.[1];
      const read = escaped?.replaceAll(/\\(.)/gs, (_, next: string) =>
        next === "n" ? "\n" : next,
      );
      expect(read).toBe(value);
    }),
  );
});
