import type {
  HttpRoute,
  HttpRouteRequest,
  HttpRouteResponse,
  Principal,
} from "@backplane/protocol";
import { idIn, setCookie } from "./cookie.ts";
import type { ResolvedDashboard } from "./options.ts";
import { ASSETS, pageAt, respondWith } from "./page.ts";
import { ServerClient } from "./server-client.ts";
import { randomToken, SIGN_IN, type SignIns } from "./sign-ins.ts";
import { callTool, readToolCall } from "./tool-call.ts";
import { toolList } from "./tool-list.ts";
import type { Viewers } from "./viewers.ts";

const MAX_CALL_BYTES = 1_048_576;
const UUID_LENGTH = 36;
const UNKNOWN_CALLER =
  "This server wants to know who calls: give the dashboard without the option open, and sign in";

/** Whose request it is, and what has to come with what it changes. */
interface Caller {
  readonly principal: Principal | undefined;
  /** Undefined for who came without signing in, such as a script with a key: it can look, and calls over MCP. */
  readonly csrfToken: string | undefined;
}

/** Everything that the page asks for, as routes of the server. */
export function dashboardRoutes(
  options: ResolvedDashboard,
  signIns: SignIns,
  viewers: Viewers,
): readonly HttpRoute[] {
  const { server, path, open, allow } = options;
  const openToken = randomToken();
  // The page and its assets say nothing about the server, so that everybody may have the form to sign in.
  const shown = open ? { access: "authenticated", open } : { access: "public" };
  const identify: HttpRoute["identify"] = (request) => signIns.find(idIn(request))?.principal;
  const guarded = open ? shown : { access: "authenticated", identify };

  const callerOf = async (request: HttpRouteRequest): Promise<Caller | undefined> => {
    const signIn = await signIns.checked(idIn(request), request);
    if (signIn !== undefined) return signIn;
    if (open) return { principal: undefined, csrfToken: openToken };
    const { principal } = request;
    // Known by a cookie that has ended meanwhile, or by a header that came with the request.
    const isHeader = principal !== undefined && identify(request) === undefined;
    return isHeader && idIn(request) === undefined && allow(principal)
      ? { principal, csrfToken: undefined }
      : undefined;
  };

  const forCaller =
    (
      handle: (
        request: HttpRouteRequest,
        caller: Caller,
      ) => HttpRouteResponse | Promise<HttpRouteResponse>,
    ): HttpRoute["handle"] =>
    async (request) => {
      const caller = await callerOf(request);
      return caller === undefined ? refusal(401, "Sign in first") : handle(request, caller);
    };

  const connect = ({ principal }: Caller): ServerClient =>
    new ServerClient(server.connectInMemory(principal === undefined ? {} : { principal }));

  const route = (
    method: HttpRoute["method"],
    name: string,
    kind: object,
    handle: HttpRoute["handle"],
    more: Partial<HttpRoute> = {},
  ): HttpRoute =>
    ({
      method,
      path: name === "" ? path : `${path}/${name}`,
      ...kind,
      handle,
      ...more,
    }) as HttpRoute;

  const [board, form] = [pageAt(path, true), pageAt(path, false)];
  return [
    route("GET", "", shown, (request) =>
      respondWith(open || signIns.find(idIn(request)) !== undefined ? board : form, request),
    ),
    ...Object.entries(ASSETS).map(([name, asset]) =>
      route("GET", name, shown, (request) => respondWith(asset, request)),
    ),
    route("GET", "session", shown, async (request) => {
      const id = idIn(request);
      const signIn = await signIns.checked(id, request);
      if (signIn === undefined && !open) return json({ signedIn: false });
      const { principal, csrfToken } = signIn ?? { principal: undefined, csrfToken: openToken };
      return json({
        signedIn: true,
        open: signIn === undefined,
        principal: principal === undefined ? null : { id: principal.id, issuer: principal.issuer },
        csrfToken,
        server: nameOf(server.serverId),
      });
    }),
    route("POST", SIGN_IN, shown, async (request) => {
      // A form of another page cannot send this type without asking first (Fetch, CORS-safelisted headers).
      if (!isJson(request)) return refusal(415, "Send application/json");
      const outcome = await signIns.begin(request, memberOf(request.body, "credential"));
      if ("status" in outcome) return refusal(outcome.status, outcome.message);
      const { id, signIn } = outcome;
      signIns.end(idIn(request));
      const cookie = setCookie(request, path, id, signIn.endsAtMs);
      return json({ signedIn: true }, { "Set-Cookie": cookie });
    }),
    route("POST", "sign-out", guarded, async (request) => {
      const signIn = signIns.find(idIn(request));
      if (signIn !== undefined && !isFrom(request, signIn.csrfToken)) {
        return refusal(403, "The token against forged requests is missing");
      }
      signIns.end(idIn(request));
      return json({ signedIn: false }, { "Set-Cookie": setCookie(request, path, undefined, 0) });
    }),
    route(
      "GET",
      "events",
      guarded,
      forCaller((request, caller) => ({
        stream: (stream) =>
          viewers.add(stream, async () => {
            if (caller.csrfToken === undefined || caller.csrfToken === openToken) return true;
            return (await signIns.checked(idIn(request), request)) !== undefined;
          }),
      })),
    ),
    route(
      "GET",
      "tools",
      guarded,
      forCaller(async (request, caller) => {
        let client: ServerClient;
        try {
          client = connect(caller);
        } catch {
          return json({ tools: [], error: UNKNOWN_CALLER });
        }
        request.signal.addEventListener("abort", () => client.close(), { once: true });
        try {
          return json(await toolList(client));
        } finally {
          client.close();
        }
      }),
    ),
    route(
      "POST",
      "call",
      guarded,
      forCaller((request, caller) => {
        if (!isJson(request) || !isFrom(request, caller.csrfToken)) {
          return refusal(403, "The token against forged requests is missing; reload the page");
        }
        const call = readToolCall(request.body);
        if (typeof call === "string") return refusal(400, call);
        let client: ServerClient;
        try {
          client = connect(caller);
        } catch {
          return refusal(403, UNKNOWN_CALLER);
        }
        return { stream: (stream) => void callTool(client, call, stream) };
      }),
      { maxBodyBytes: MAX_CALL_BYTES },
    ),
  ];
}

function json(value: object, headers: Readonly<Record<string, string>> = {}): HttpRouteResponse {
  return { headers, body: JSON.stringify(value) };
}

function refusal(status: number, message: string): HttpRouteResponse {
  return { status, body: JSON.stringify({ message }) };
}

function isJson({ header }: HttpRouteRequest): boolean {
  return /^application\/json\s*(?:;|$)/i.test(header("content-type") ?? "");
}

function memberOf(body: string, name: string): unknown {
  try {
    return (JSON.parse(body) as Record<string, unknown> | null)?.[name];
  } catch {
    return undefined;
  }
}

/** Compared in a time that does not tell how much of it was right. */
function isFrom({ header }: HttpRouteRequest, token: string | undefined): boolean {
  const given = header("x-csrf-token") ?? "";
  if (token === undefined || given.length !== token.length) return false;
  let difference = 0;
  for (let index = 0; index < token.length; index++) {
    difference |= given.charCodeAt(index) ^ token.charCodeAt(index);
  }
  return difference === 0;
}

/** A server's id is its name and a UUID. */
function nameOf(serverId: string): string {
  return serverId.length > UUID_LENGTH + 1 ? serverId.slice(0, -UUID_LENGTH - 1) : serverId;
}
