import {
  Client as ClientV2,
  type OAuthClientProvider,
  StreamableHTTPClientTransport as TransportV2,
  UnauthorizedError as UnauthorizedV2,
} from "@modelcontextprotocol/client";
import { UnauthorizedError as UnauthorizedV1 } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as TransportV1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { browse } from "../../../packages/auth/src/client/harness/oidc-provider.test-support.ts";
import { APP } from "./authorization-server.ts";

/** A client of whatever kind, on behalf of a user who signs in in a browser. */
export interface SignedIn {
  /** The text that a tool answers with. */
  call(tool: string): Promise<string>;
  /** How often the user was asked. */
  readonly visits: number;
  close(): Promise<void>;
}

/** The application's part of the SDK's flow: what both versions keep between its two halves. */
class Application {
  readonly redirectUrl: string = APP.redirectUrl;
  readonly clientMetadata = {
    client_name: "SDK",
    redirect_uris: [this.redirectUrl],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  };
  visited: string[] = [];
  // biome-ignore lint/suspicious/noExplicitAny: each SDK has its own type of the same value
  #tokens: any;
  #verifier = "";

  /** By hand: both SDKs register with the scopes of the first challenge, and could never ask for more. */
  clientInformation(): { readonly client_id: string } {
    return { client_id: APP.id };
  }
  // biome-ignore lint/suspicious/noExplicitAny: as above
  tokens(): any {
    return this.#tokens;
  }
  saveTokens(tokens: unknown): void {
    this.#tokens = tokens;
  }
  redirectToAuthorization(url: URL): void {
    this.visited.push(url.href);
  }
  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }
  codeVerifier(): string {
    return this.#verifier;
  }
}

/** What differs between the versions. */
interface Sdk {
  open(url: URL, application: Application): Promise<Opened>;
  isUnauthorized(error: unknown): boolean;
}

interface Opened {
  connect(): Promise<void>;
  /** The second half of the flow, with what came back in the browser. */
  finish(callback: URLSearchParams): Promise<void>;
  call(tool: string): Promise<string>;
  close(): Promise<void>;
}

/** The official SDK's client, from the refusal through the browser to the tools. */
async function signIn(sdk: Sdk, url: string): Promise<SignedIn> {
  const application = new Application();
  let opened = await sdk.open(new URL(url), application);

  /** Does it, and when the user is wanted, has the user sign in and does it again. */
  const withUser = async <Value>(action: () => Promise<Value>): Promise<Value> => {
    try {
      return await action();
    } catch (error) {
      if (!sdk.isUnauthorized(error)) throw error;
      const back = await browse(application.visited.at(-1) as string);
      await opened.finish(back.searchParams);
      await opened.close();
      opened = await sdk.open(new URL(url), application);
      await opened.connect();
      return action();
    }
  };
  let connected = false;
  await withUser(async () => {
    // The second time it is connected already.
    if (!connected) {
      connected = true;
      await opened.connect();
    }
  });
  return {
    call: (tool) => withUser(() => opened.call(tool)),
    get visits() {
      return application.visited.length;
    },
    close: () => opened.close(),
  };
}

const sdkV1: Sdk = {
  async open(url, authProvider) {
    const transport = new TransportV1(url, { authProvider });
    const client = new ClientV1({ name: "v1", version: "1.0.0" });
    return {
      connect: () => client.connect(transport as Transport),
      finish: (callback) => transport.finishAuth(callback.get("code") ?? ""),
      call: async (name) => textOf(await client.callTool({ name, arguments: {} })),
      close: () => client.close(),
    };
  },
  isUnauthorized: (error) => error instanceof UnauthorizedV1,
};

function sdkV2(mode: "legacy" | "auto"): Sdk {
  return {
    async open(url, application) {
      const authProvider = application as OAuthClientProvider;
      const transport = new TransportV2(url, { authProvider });
      const client = new ClientV2(
        { name: "v2", version: "1.0.0" },
        { versionNegotiation: { mode } },
      );
      return {
        connect: () => client.connect(transport),
        finish: (callback) => transport.finishAuth(callback),
        call: async (name) => textOf(await client.callTool({ name, arguments: {} })),
        close: () => client.close(),
      };
    },
    isUnauthorized: (error) => error instanceof UnauthorizedV2,
  };
}

function textOf(result: unknown): string {
  const { content } = result as { content?: readonly { text?: string }[] };
  return content?.[0]?.text ?? "";
}

/** By name: how a client signs in. */
export const SDK_CLIENTS: readonly (readonly [string, (url: string) => Promise<SignedIn>])[] = [
  ["the SDK v1", (url) => signIn(sdkV1, url)],
  ["the SDK v2, legacy", (url) => signIn(sdkV2("legacy"), url)],
  ["the SDK v2, modern", (url) => signIn(sdkV2("auto"), url)],
];
