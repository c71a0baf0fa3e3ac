import { checkBoolean, checkMembers } from "@backplane/protocol";
import type { InputHandlers } from "../input-handlers.ts";
import { rootsFault } from "./roots.ts";

const HANDLERS: readonly string[] = [
  "elicit",
  "sample",
  "sampleTools",
  "roots",
] satisfies (keyof InputHandlers)[];

/**
 * Refuses handlers that are none.
 * @throws {TypeError} that names the handler and what it takes.
 */
export function checkInputHandlers(subject: string, handlers: InputHandlers): void {
  checkMembers(`${subject}: option "handlers"`, handlers, HANDLERS);
  const { elicit, sample, sampleTools, roots } = handlers;
  if (elicit !== undefined) {
    checkMembers(`${subject}: option "handlers.elicit"`, elicit, ["form", "url"]);
    checkFunction(subject, "elicit.form", elicit.form);
    checkFunction(subject, "elicit.url", elicit.url);
  }
  checkFunction(subject, "sample", sample);
  checkBoolean(subject, "handlers.sampleTools", sampleTools);
  if (sampleTools === true && sample === undefined) {
    throw new TypeError(
      `${subject}: option "handlers.sampleTools" says what "handlers.sample" can do, which is missing`,
    );
  }
  if (roots === undefined || typeof roots === "function") return;
  const fault = rootsFault(roots);
  if (fault !== undefined) throw new TypeError(`${subject}: option "handlers.roots" ${fault}`);
}

function checkFunction(subject: string, handler: string, value: unknown): void {
  if (value !== undefined && typeof value !== "function") {
    throw new TypeError(`${subject}: option "handlers.${handler}" must be a function`);
  }
}
