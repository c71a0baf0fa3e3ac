import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What an access token stands for. */
export interface Grant {
  readonly subject: string;
  readonly scope: string;
  readonly resource: string;
}

/** A stand-in for the authorization server of a company: everybody may do everything at once. */
export interface AuthorizationServer {
  readonly issuer: string;
  readonly grants: ReadonlyMap<string, Grant>;
  /** Where the metadata of the MCP server is, for its challenges. */
  metadataOf(resource: string): string;
  close(): void;
}

interface Code extends Grant {
  readonly challenge: string | null;
}

export async function startAuthorizationServer(secret: string): Promise<AuthorizationServer> {
  const grants = new Map<string, Grant>();
  const codes = new Map<string, Code>();

  const issue = (grant: Grant) => {
    const token = randomUUID();
    grants.set(token, grant);
    return { access_token: token, token_type: "Bearer", expires_in: 3600, scope: grant.scope };
  };

  const token = (form: URLSearchParams, authorization = "") => {
    const [scope, resource] = [form.get("scope") ?? "", form.get("resource") ?? ""];
    if (form.get("grant_type") === "client_credentials") {
      const expected = `Basic ${btoa(`night-job:${secret}`)}`;
      if (authorization !== expected) return { error: "invalid_client" };
      return issue({ subject: "night-job", scope, resource });
    }
    const code = codes.get(form.get("code") ?? "");
    codes.delete(form.get("code") ?? "");
    const verifier = form.get("code_verifier") ?? "";
    const challenge = createHash("sha256").update(verifier).digest("base64url");
    if (code?.challenge !== challenge || code.resource !== resource) {
      return { error: "invalid_grant" };
    }
    return issue(code);
  };

  const authorize = (query: URLSearchParams): string => {
    const code = randomUUID();
    codes.set(code, {
      subject: "alice",
      scope: query.get("scope") ?? "",
      resource: query.get("resource") ?? "",
      challenge: query.get("code_challenge"),
    });
    const back = new URL(query.get("redirect_uri") ?? "");
    back.search = new URLSearchParams({
      code,
      state: query.get("state") ?? "",
      iss: issuer,
    }).toString();
    return back.href;
  };

  const server = createServer((request, response) => {
    void answer(request, response);
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "/", issuer);
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const json = (body: object, status = 200): void => {
      response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
    };
    switch (pathname) {
      case "/.well-known/oauth-authorization-server":
        return json({
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          registration_endpoint: `${issuer}/register`,
          response_types_supported: ["code"],
          code_challenge_methods_supported: ["S256"],
          token_endpoint_auth_methods_supported: ["none", "client_secret_basic"],
          authorization_response_iss_parameter_supported: true,
        });
      case "/resource":
        return json({ resource: searchParams.get("of"), authorization_servers: [issuer] });
      case "/register":
        return json({ ...(JSON.parse(text) as object), client_id: randomUUID() }, 201);
      case "/authorize":
        return void response.writeHead(302, { Location: authorize(searchParams) }).end();
      case "/token": {
        const body = token(new URLSearchParams(text), request.headers.authorization);
        return json(body, "error" in body ? 400 : 200);
      }
      default:
        return json({}, 404);
    }
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    grants,
    metadataOf: (resource) => `${issuer}/resource?${new URLSearchParams({ of: resource })}`,
    close: () => server.close(),
  };
}
