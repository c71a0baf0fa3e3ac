import { afterAll, afterEach } from "vitest";
import { everythingMain, useEverything } from "../../protocol/harness/everything.ts";
import { backplaneAuto, backplaneLegacy, backplaneSse } from "./backplane.ts";
import type { ClientKind, Host, InteropClient, Target } from "./interop-client.ts";
import { sdkV1, sdkV1OverBackplane } from "./sdk-v1.ts";
import { sdkV2Auto, sdkV2Legacy, sdkV2OverBackplane, sdkV2Pinned } from "./sdk-v2.ts";

/** A call that a client leaves behind holds the process no longer than this. */
const stdioArgs = ["--stdio", "--drain-timeout-ms", "300"];

/** One client over one transport. */
export interface Pairing {
  readonly label: string;
  readonly era: "legacy" | "modern";
  readonly transport: Target["kind"];
  /** A client of its own, closed after the test. */
  connect(host?: Partial<Host>): Promise<InteropClient>;
  /** The client that all tests of the file share, with the host that all share. */
  shared(): Promise<InteropClient>;
  readonly host: CooperativeHost;
}

/** Every client, official and ours, over every transport that it has in common with apps/everything. */
export function usePairings(): Pairing[] {
  const everything = useEverything();
  const ofTest: InteropClient[] = [];
  const ofFile: InteropClient[] = [];
  const closeAll = async (clients: InteropClient[]) => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
  };
  afterEach(() => closeAll(ofTest));
  afterAll(() => closeAll(ofFile));
  const pairing = (kind: ClientKind, transport: Target["kind"]): Pairing => {
    const host = cooperativeHost();
    let sharing: Promise<InteropClient> | undefined;
    const connect = (to: Partial<Host>) => {
      const target: Target =
        transport === "stdio"
          ? { kind: "stdio", script: everythingMain, args: stdioArgs }
          : { kind: transport, url: everything.url };
      return kind.connect(target, to);
    };
    return {
      label: `${kind.name} over ${transport}`,
      era: kind.era,
      transport,
      host,
      async connect(to = {}) {
        const client = await connect(to);
        ofTest.push(client);
        return client;
      },
      async shared() {
        // Starting a process for each of some hundred tests would be most of the time they take.
        sharing ??= connect(host);
        const client = await sharing;
        if (!ofFile.includes(client)) ofFile.push(client);
        host.asked.length = 0;
        host.action = "accept";
        client.notifications.length = 0;
        return client;
      },
    };
  };
  const kinds = [sdkV1, sdkV2Legacy, sdkV2Auto, sdkV2Pinned, backplaneAuto, backplaneLegacy];
  return [
    ...kinds.flatMap((kind) => [pairing(kind, "http"), pairing(kind, "stdio")]),
    // HTTP+SSE of 2024-11-05 is older than version negotiation.
    ...[sdkV1, sdkV2Legacy, backplaneSse].map((kind) => pairing(kind, "sse")),
    ...[sdkV1OverBackplane, ...sdkV2OverBackplane].map((kind) => pairing(kind, "http")),
  ];
}

/** A host that answers everything with fixed values, and remembers what it was asked. */
export interface CooperativeHost extends Host {
  readonly asked: Record<string, unknown>[];
  /** What its user does with a form. */
  action: "accept" | "decline" | "cancel";
}

function cooperativeHost(): CooperativeHost {
  const asked: Record<string, unknown>[] = [];
  return {
    asked,
    action: "accept",
    elicit(params) {
      asked.push(params);
      if (this.action !== "accept") return { action: this.action };
      if (params["mode"] === "url") return { action: "accept" };
      const { properties } = params["requestedSchema"] as { properties: Record<string, object> };
      const content = Object.fromEntries(
        Object.entries(properties).map(([name, schema]) => [name, fill(name, schema)]),
      );
      return { action: "accept", content };
    },
    sample(params) {
      asked.push(params);
      const content = { type: "text", text: "from the model" } as const;
      return { role: "assistant", model: "fixed", stopReason: "endTurn", content };
    },
    roots: () => [{ uri: "file:///home/ada", name: "home" }],
  };
}

/** A value that conforms to one field of a form. */
function fill(name: string, schema: FormField): string | number | boolean | string[] {
  if (schema.default !== undefined) return schema.default;
  const choices = schema.enum ?? schema.oneOf?.map((choice) => choice.const);
  if (choices?.[0] !== undefined) return choices[0];
  if (schema.items) {
    const [first] = schema.items.enum ?? schema.items.anyOf?.map((choice) => choice.const) ?? [];
    return first === undefined ? [] : [first];
  }
  if (schema.type === "boolean") return true;
  if (schema.type === "number" || schema.type === "integer") return 7;
  return schema.format === "email" ? "ada@example.com" : `my ${name}`;
}

interface FormField {
  readonly type?: string;
  readonly format?: string;
  readonly default?: string | number | boolean;
  readonly enum?: readonly string[];
  readonly oneOf?: readonly { readonly const: string }[];
  readonly items?: {
    readonly enum?: readonly string[];
    readonly anyOf?: readonly { readonly const: string }[];
  };
}
