import type {
  ElicitFormParams,
  ElicitResult,
  ElicitUrlParams,
  Root,
  SampleParams,
  SampleResult,
} from "@backplane/protocol";

/** What a handler knows of the question. */
export interface InputRequestContext {
  /** Fires when the answer is no longer wanted: the call was given up, or the client closes. */
  readonly signal: AbortSignal;
  /** The server that asks, as it describes itself: show it, do not trust it. */
  readonly serverName: string | undefined;
  /** The request that waits for the answer, such as `tools/call`; undefined for a legacy server's own. */
  readonly method: string | undefined;
}

/** Answers to what a server may ask, the same for both eras. A handler that is missing is not declared. */
export interface InputHandlers {
  /**
   * Asks the user, who must see which server asks and can always decline or cancel. A form's accepted content
   * is completed with the schema's defaults and checked against it. Of a URL, show all of it, open it only with
   * the user's consent, and where neither this program nor a model sees the page (spec: client/elicitation).
   */
  readonly elicit?: {
    readonly form?: (
      params: ElicitFormParams,
      context: InputRequestContext,
    ) => ElicitResult | Promise<ElicitResult>;
    /** `accept` is the user's consent to open the URL; nothing here opens it. */
    readonly url?: (
      params: ElicitUrlParams,
      context: InputRequestContext,
    ) => ElicitResult | Promise<ElicitResult>;
  };
  /**
   * Asks the model. Must respect `maxTokens` and `toolChoice`; a person should be able to see, change and refuse
   * what is asked and what is answered (spec: client/sampling). Deprecated by 2026-07-28, still served.
   */
  readonly sample?: (
    params: SampleParams,
    context: InputRequestContext,
  ) => SampleResult | Promise<SampleResult>;
  /** Whether `sample` understands `tools`: declares `sampling.tools`. Default false. */
  readonly sampleTools?: boolean;
  /**
   * The folders that the server may work on: only what the user permitted, as `file://` URIs (spec:
   * client/roots). Deprecated by 2026-07-28, still served.
   */
  readonly roots?:
    | readonly Root[]
    | ((context: InputRequestContext) => readonly Root[] | Promise<readonly Root[]>);
}
