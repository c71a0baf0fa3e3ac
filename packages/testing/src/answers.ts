import type { InputHandlers, InputRequestContext } from "@backplane/client";
import {
  checkMembers,
  type ElicitFormParams,
  type ElicitParams,
  type ElicitResult,
  type ElicitUrlParams,
  type Root,
  type SampleParams,
  type SampleResult,
} from "@backplane/protocol";

/** One answer, or what makes it out of the question. */
export type ScriptedAnswer<Params, Answer> =
  | Answer
  | ((params: Params, context: InputRequestContext) => Answer | Promise<Answer>);

/**
 * The answers to one kind of question: a list is used up in order, one for each question; a single function
 * answers them all.
 */
export type AnswerScript<Params, Answer> =
  | readonly ScriptedAnswer<Params, Answer>[]
  | ((params: Params, context: InputRequestContext) => Answer | Promise<Answer>);

/** What a test client answers to the server. A kind that is missing is not declared as a capability. */
export interface ScriptedAnswers {
  /** To forms; see {@link accept}, {@link decline} and {@link cancel}. */
  readonly elicit?: AnswerScript<ElicitFormParams, ElicitResult>;
  /** To requests to open a URL. */
  readonly elicitUrl?: AnswerScript<ElicitUrlParams, ElicitResult>;
  /** Of the model; see {@link says}. */
  readonly sample?: AnswerScript<SampleParams, SampleResult>;
  readonly roots?:
    | readonly Root[]
    | ((context: InputRequestContext) => readonly Root[] | Promise<readonly Root[]>);
}

/** Something that the server asked. */
export type AskedQuestion =
  | { readonly kind: "elicit" | "elicitUrl"; readonly params: ElicitParams }
  | { readonly kind: "sample"; readonly params: SampleParams };

/** The user fills the form in, or agrees to open the URL. */
export function accept(content?: NonNullable<ElicitResult["content"]>): ElicitResult {
  return { action: "accept", ...(content !== undefined && { content }) };
}

/** The user says no. */
export function decline(): ElicitResult {
  return { action: "decline" };
}

/** The user closes the question without an answer. */
export function cancel(): ElicitResult {
  return { action: "cancel" };
}

/** The model says this text. */
export function says(text: string, model = "scripted"): SampleResult {
  return { role: "assistant", model, stopReason: "endTurn", content: { type: "text", text } };
}

/** The server asked for more than the script of a test client answers. */
export class AnswerScriptError extends Error {
  override readonly name: string = "AnswerScriptError";
  readonly question: AskedQuestion;

  constructor(question: AskedQuestion, answered: number) {
    const text =
      question.kind === "sample"
        ? `${question.params.messages.length} messages`
        : JSON.stringify(question.params.message);
    super(
      `MCPTestClient: the server asked once more (${text}), but "answers.${question.kind}" has ${answered} ${answered === 1 ? "answer" : "answers"} and all are used; add one, or give a function`,
    );
    this.question = question;
  }
}

const KINDS = [
  "elicit",
  "elicitUrl",
  "sample",
  "roots",
] as const satisfies readonly (keyof ScriptedAnswers)[];

/** Plays the scripts, and remembers what was asked. */
export class AnswerPlayer {
  readonly handlers: InputHandlers;
  readonly asked: AskedQuestion[] = [];
  readonly #failures: AnswerScriptError[] = [];
  readonly #left: Partial<Record<keyof ScriptedAnswers, () => number>> = {};

  /** @throws {TypeError} for an unknown kind of question, or a script that is none. */
  constructor(answers: ScriptedAnswers) {
    checkMembers('MCPTestClient: option "answers"', answers, KINDS);
    const { elicit, elicitUrl, sample, roots } = answers;
    const form = elicit && this.#play("elicit", elicit);
    const url = elicitUrl && this.#play("elicitUrl", elicitUrl);
    this.handlers = {
      ...((form || url) && { elicit: { ...(form && { form }), ...(url && { url }) } }),
      // What is scripted may use tools: the script is the model.
      ...(sample && { sample: this.#play("sample", sample), sampleTools: true }),
      ...(roots && { roots }),
    };
  }

  /** Answers of lists that no question has used yet. */
  get unused(): number {
    return Object.values(this.#left).reduce((sum, left) => sum + left(), 0);
  }

  /** Takes the first question that no answer was left for; each is told once. */
  takeFailure(): AnswerScriptError | undefined {
    return this.#failures.shift();
  }

  #play<Params, Answer>(
    kind: AskedQuestion["kind"],
    script: AnswerScript<Params, Answer>,
  ): (params: Params, context: InputRequestContext) => Answer | Promise<Answer> {
    if (typeof script !== "function" && !Array.isArray(script)) {
      throw new TypeError(
        `MCPTestClient: option "answers.${kind}" must be a list of answers or a function`,
      );
    }
    let next = 0;
    if (typeof script !== "function") this.#left[kind] = () => Math.max(0, script.length - next);
    return (params, context) => {
      const question = { kind, params } as unknown as AskedQuestion;
      this.asked.push(question);
      if (typeof script === "function") return script(params, context);
      if (next >= script.length) {
        const failure = new AnswerScriptError(question, script.length);
        this.#failures.push(failure);
        throw failure;
      }
      const answer = script[next++] as ScriptedAnswer<Params, Answer>;
      return typeof answer === "function"
        ? (answer as (params: Params, context: InputRequestContext) => Answer)(params, context)
        : answer;
    };
  }
}
