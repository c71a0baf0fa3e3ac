import { clip } from "./clip.ts";
import { isId, isObject, judgeMessage, leakIn, nesting } from "./message-rules.ts";

const MAX_DEPTH = 64;
const MAX_LINE_BYTES = 4 * 1024 * 1024;
const MASKED = -32603;

/** What one line of a client entitles it to. */
export interface Expectation {
  /** Ids that answers may carry, as often as they stand here. */
  readonly ids: readonly (string | number)[];
  /** How many errors without an id it may give rise to. */
  readonly anonymous: number;
  /** Whether every id will be answered, as nothing waits for the client. */
  readonly prompt: boolean;
  /** Whether it may call the tool that fails unexpectedly. */
  readonly masked: boolean;
}

/** Whether a request may stay open until its client acts. */
type MayWait = (message: Readonly<Record<string, unknown>>) => boolean;

/** What is to be expected of a chunk of input; it may hold several lines, or half of one. */
export function expectationsOf(input: Buffer, mayWait: MayWait): Expectation[] {
  const found: Expectation[] = [];
  for (let start = 0; start < input.length; ) {
    const newline = input.indexOf(0x0a, start);
    const end = newline === -1 ? input.length : newline;
    const line = input.toString("utf8", start, end).replace(/\r$/, "");
    if (line !== "") found.push(expectationOf(line, end - start, mayWait));
    start = end + 1;
  }
  return found;
}

function expectationOf(line: string, bytes: number, mayWait: MayWait): Expectation {
  const none: Expectation = { ids: [], anonymous: 1, prompt: false, masked: false };
  if (bytes > MAX_LINE_BYTES || nesting(line) > MAX_DEPTH) return none;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return none;
  }
  const entries = Array.isArray(value) ? value : [value];
  const ids = entries.flatMap((entry) =>
    isObject(entry) && isId(entry["id"]) ? [entry["id"]] : [],
  );
  const requests = entries.filter(
    (entry) => isObject(entry) && typeof entry["method"] === "string",
  );
  return {
    ids,
    // A batch may be refused as a whole, and each of its entries for itself.
    anonymous: entries.length + 1,
    prompt: !Array.isArray(value) && requests.length === 1 && !requests.some(mayWait),
    masked: line.includes("test_masked_error"),
  };
}

/** What a server said of a chunk of lines. */
export class StdioJudge {
  readonly found: string[] = [];
  readonly #allowed = new Map<string | number, number>();
  readonly #masked = new Set<string | number>();
  #sent = "";
  #anonymous = 0;

  /** More was sent, which entitles to more answers. */
  expect(sent: Buffer, expectations: readonly Expectation[]): void {
    this.#sent += sent.toString("utf8");
    for (const { ids, anonymous, masked } of expectations) {
      this.#anonymous += anonymous;
      if (masked) for (const id of ids) this.#masked.add(id);
      for (const id of ids) this.#allowed.set(id, (this.#allowed.get(id) ?? 0) + 1);
    }
  }

  /** Judges one line. @returns its messages, as far as they are readable. */
  line(line: string): readonly Readonly<Record<string, unknown>>[] {
    const leak = leakIn(line, this.#sent, [process.cwd()]);
    if (leak !== undefined) this.found.push(leak);
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      this.found.push(`writes a line that is not JSON: ${clip(line)}`);
      return [];
    }
    if (Array.isArray(value) && value.length === 0) this.found.push("answers with an empty batch");
    const messages = Array.isArray(value) ? value : [value];
    for (const message of messages) this.#message(message);
    return messages.filter(isObject);
  }

  #message(message: unknown): void {
    const judged = judgeMessage(message);
    if (typeof judged === "string") {
      this.found.push(`writes ${judged}`);
      return;
    }
    if (judged.code === MASKED && !this.#masked.has(judged.id ?? "")) {
      this.found.push("fails unexpectedly (−32603)");
    }
    if (judged.kind !== "response" && judged.kind !== "error") return;
    if (judged.id === undefined) {
      if (--this.#anonymous < 0) this.found.push("answers more often than it was asked");
      return;
    }
    const left = this.#allowed.get(judged.id);
    if (left === undefined) {
      this.found.push(`answers with the id ${JSON.stringify(judged.id)}, which was not sent`);
    } else if (left === 0) this.found.push(`answers twice to ${JSON.stringify(judged.id)}`);
    else this.#allowed.set(judged.id, left - 1);
  }
}
