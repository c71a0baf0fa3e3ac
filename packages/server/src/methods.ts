import {
  type CompleteResult,
  clip,
  type GetPromptResult,
  invalidParams,
  isJsonObject,
  MODERN_REVISIONS,
  type ProtectedPrimitive,
  type ReadResourceResult,
} from "@backplane/protocol";
import type { Call } from "./call.ts";
import { type Completer, toCompletion } from "./completions.ts";
import type { ListenStreams } from "./listen-streams.ts";
import type { Listing } from "./listing.ts";
import type { ResolvedOptions } from "./options.ts";
import { type RegisteredPrompt, toPromptResult } from "./prompts.ts";
import type { Registry } from "./registry.ts";
import { type RegisteredTemplate, toReadResult } from "./resources.ts";
import { setLevel, setSubscription } from "./session-methods.ts";
import { type ResourceTarget, resourceNotFound, type Targets } from "./targets.ts";
import { callTool, checkHeaderParameters } from "./tool-calls.ts";
import type { RegisteredTool } from "./tools.ts";

type Params = Readonly<Record<string, unknown>>;

/** How one method is served, the same in both eras. */
export interface MethodHandler {
  /** Finds and authorizes what is addressed; runs before the interceptors. */
  readonly resolve?: (call: Call) => unknown;
  /** What the author declared of what `resolve` found. */
  readonly protectionOf?: (target: never) => ProtectedPrimitive | undefined;
  readonly run: (call: Call, target: never, params: Params) => object | PromiseLike<object>;
  /** It never ends with a question left open: what it gives is the round's result then. */
  readonly endsRounds?: true;
  /** No deadline: the call lives as long as its stream. */
  readonly unbounded?: true;
}

export interface MethodDependencies {
  readonly options: ResolvedOptions;
  readonly registry: Registry;
  readonly listing: Listing;
  readonly targets: Targets;
  readonly listeners: ListenStreams;
}

/** Every method that a request may name, whatever its era; the codec's table says which era has which. */
export function createMethods(
  dependencies: MethodDependencies,
): ReadonlyMap<string, MethodHandler> {
  const { options, registry, listing, targets, listeners } = dependencies;
  const list: MethodHandler = { run: (call) => listing.list(call) };
  return new Map<string, MethodHandler>([
    ["tools/list", list],
    ["prompts/list", list],
    ["resources/list", list],
    ["resources/templates/list", list],
    [
      "tools/call",
      {
        resolve: (call) => {
          const tool = targets.tool(call);
          if (tool.headerParameters.length > 0 && mirrorsArguments(call)) {
            checkHeaderParameters(call, tool);
          }
          // Here and not where the handler runs, which a cache hit never does.
          call.objectOutput = tool.objectOutput;
          call.cacheHint = tool.cacheHint;
          return tool;
        },
        protectionOf: ({ protection }: RegisteredTool) => protection,
        run: (call, tool: RegisteredTool, params) => callTool(call, tool, params),
        endsRounds: true,
      },
    ],
    [
      "prompts/get",
      {
        resolve: (call) => targets.prompt(call),
        protectionOf: ({ protection }: RegisteredPrompt) => protection,
        run: (call, prompt: RegisteredPrompt, params) => getPrompt(call, prompt, params),
      },
    ],
    [
      "resources/read",
      {
        resolve: (call) => {
          const target = targets.resource(call);
          call.cacheHint = target.entry.cacheHint;
          return target;
        },
        protectionOf: (target: ResourceTarget) =>
          target.variables === undefined ? target.protection : target.entry.protection,
        run: (call, target: ResourceTarget, params) => readResource(call, target, params),
      },
    ],
    ["completion/complete", { run: (call, _target, params) => complete(call, targets, params) }],
    [
      "server/discover",
      {
        run: () => ({
          // Modern revisions only: a legacy one here would mean that it can carry this request.
          supportedVersions: MODERN_REVISIONS,
          capabilities: registry.capabilities(),
          ...(options.instructions !== undefined && { instructions: options.instructions }),
        }),
      },
    ],
    ["subscriptions/listen", { run: (call) => listeners.listen(call), unbounded: true }],
    ["ping", { run: () => ({}) }],
    ["logging/setLevel", { run: setLevel }],
    [
      "resources/subscribe",
      {
        resolve: (call) => targets.watchable(call),
        protectionOf: (target: ResourceTarget | undefined) => target?.entry.protection,
        run: (call) => setSubscription(call, true),
      },
    ],
    ["resources/unsubscribe", { run: (call) => setSubscription(call, false) }],
  ]);
}

function mirrorsArguments({ peer }: Call): boolean {
  return peer.codec.mirrorsArguments && peer.transport.kind === "http";
}

async function getPrompt(
  call: Call,
  prompt: RegisteredPrompt,
  params: Params,
): Promise<GetPromptResult> {
  const args = params.arguments ?? {};
  if (!isJsonObject(args)) throw invalidParams("params.arguments must be an object");
  for (const [name, { required }] of Object.entries(prompt.arguments)) {
    const value = Object.hasOwn(args, name) ? args[name] : undefined;
    if (value === undefined ? required === true : typeof value !== "string") {
      throw invalidParams(`prompt "${prompt.key}": argument "${name}" must be a string`);
    }
  }
  return toPromptResult(prompt, await prompt.handler(args as never, call));
}

async function readResource(
  call: Call,
  target: ResourceTarget,
  params: Params,
): Promise<ReadResourceResult> {
  const uri = params.uri as string;
  if (target.variables === undefined) {
    const contents = await target.entry.read(uri, call);
    if (contents === undefined) throw resourceNotFound(call, uri);
    return { contents: [contents] };
  }
  const { entry, variables } = target;
  const value = await entry.reader({ uri, variables }, call);
  if (value === undefined) throw resourceNotFound(call, uri);
  const result = toReadResult(uri, entry.mimeType, value);
  // An existing resource has contents; none would be read as "not found" (spec: server/resources).
  if (result.contents.length === 0) throw resourceNotFound(call, uri);
  return result;
}

async function complete(call: Call, targets: Targets, params: Params): Promise<CompleteResult> {
  const { ref, argument, context } = params;
  if (!isJsonObject(argument)) throw invalidParams("params.argument must be an object");
  const { name, value } = argument;
  if (typeof name !== "string" || typeof value !== "string") {
    throw invalidParams("params.argument needs the strings name and value");
  }
  const completer = findCompleter(call, targets, ref, name);
  const chosen = chosenOf(context);
  const completion = toCompletion(
    completer === undefined ? [] : await completer({ value, chosen }, call),
  );
  const template = templateOf(call, targets, ref);
  if (template?.provided !== true) return { completion };
  const values = completion.values.filter(
    (each) => !targets.hidesProvided(call, expanded(template, { ...chosen, [name]: each })),
  );
  // The count of all tells of what is hidden as well.
  const { total: _total, ...rest } = completion;
  return values.length === completion.values.length
    ? { completion }
    : { completion: { ...rest, values } };
}

function templateOf(call: Call, targets: Targets, ref: unknown): RegisteredTemplate | undefined {
  if (!isJsonObject(ref) || ref.type !== "ref/resource") return undefined;
  return targets.completable(call, "template", String(ref.uri)) as RegisteredTemplate | undefined;
}

/** Empty, which is nobody's URI, for values that none can be made of. */
function expanded({ template }: RegisteredTemplate, values: Readonly<Record<string, string>>) {
  try {
    return template.expand(values);
  } catch {
    return "";
  }
}

function findCompleter(
  call: Call,
  targets: Targets,
  ref: unknown,
  argument: string,
): Completer | undefined {
  if (isJsonObject(ref) && ref.type === "ref/prompt" && typeof ref.name === "string") {
    const prompt = targets.completable(call, "prompt", ref.name) as RegisteredPrompt | undefined;
    if (prompt === undefined) throw invalidParams(`unknown prompt "${clip(ref.name)}"`);
    return Object.hasOwn(prompt.arguments, argument)
      ? prompt.arguments[argument]?.complete
      : undefined;
  }
  if (isJsonObject(ref) && ref.type === "ref/resource" && typeof ref.uri === "string") {
    const entry = targets.completable(call, "template", ref.uri) as RegisteredTemplate | undefined;
    if (entry === undefined) throw invalidParams(`unknown resource template "${clip(ref.uri)}"`);
    return Object.hasOwn(entry.complete, argument) ? entry.complete[argument] : undefined;
  }
  throw invalidParams("params.ref must be a ref/prompt with a name or a ref/resource with a uri");
}

function chosenOf(context: unknown): Readonly<Record<string, string>> {
  if (!isJsonObject(context) || !isJsonObject(context.arguments)) return {};
  return Object.fromEntries(
    Object.entries(context.arguments).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    ),
  );
}
