import { createRequire } from "node:module";
import { createContext, Script } from "node:vm";
import { expect, it } from "vitest";
import { compileSchema } from "./compile.ts";

it("a compilation that is ended in the middle leaves the next one whole", () => {
  createRequire(import.meta.url)("ajv/dist/2020.js");
  const options = { side: "output", subject: "schema", requireObjectRoot: false } as const;
  const compile = () => compileSchema({ type: "string" }, options);
  const script = new Script("task()");
  let ended = 0;
  // Longer each time, so that one of them ends within the meta-schema, however quick the machine is.
  for (let timeout = 1; timeout <= 16; timeout++) {
    try {
      script.runInContext(createContext({ task: compile }), { timeout });
      break;
    } catch {
      ended++;
    }
  }
  expect(ended).toBeGreaterThan(0);
  expect(compile().validate("text")).toEqual({ value: "text" });
});
