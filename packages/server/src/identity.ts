import {
  type AuthenticationRequest,
  type Authenticator,
  ErrorCode,
  MCPError,
  type Principal,
} from "@backplane/protocol";
import { authenticationDone } from "./authentication-done.ts";
import type { ResolvedOptions } from "./options.ts";

const REMEDY =
  "a transport without headers has no other way to say who is calling, and the option auth asks";

/**
 * Who speaks over stdio: one client for the life of the process, whose credential comes from the
 * environment (spec: basic/authorization).
 * @throws {TypeError} when headers and the option `auth` do not come together.
 * @throws {Error} when the authenticator refuses.
 */
export async function identifyProcess(
  serverId: string,
  { auth, path }: ResolvedOptions,
  headers: Readonly<Record<string, string | undefined>> | undefined,
): Promise<Principal | undefined> {
  if (auth === undefined) {
    if (headers === undefined) return undefined;
    throw new TypeError(
      'start: option "headers" does nothing without the option "auth" of MCPServer',
    );
  }
  if (headers === undefined) {
    throw new TypeError(
      `start: give the option "headers" from the environment, such as { authorization: "Bearer …" }: ${REMEDY}`,
    );
  }
  const outcome = await auth.authenticate(
    credentialRequest({ method: "POST", path, remoteAddress: undefined }, headers),
  );
  authenticationDone(serverId, "stdio", undefined, outcome);
  if ("principal" in outcome) return outcome.principal;
  const { message, stage, cause } = outcome.failure;
  const check = stage === undefined ? "" : ` (${stage})`;
  throw new Error(`start: the credential in the option "headers" was refused: ${message}${check}`, {
    ...(cause !== undefined && { cause }),
  });
}

/** @throws {TypeError} for a connection of nobody on a server that asks who is calling. */
export function checkIdentified(
  auth: Authenticator | undefined,
  principal: Principal | undefined,
): void {
  if (auth === undefined || principal !== undefined) return;
  throw new TypeError(`connect: give the option "principal": ${REMEDY}`);
}

/** −1401 once the credential of a connection has ended. */
export function expired(): MCPError {
  return new MCPError(ErrorCode.unauthenticated, "The credential of this connection has ended");
}

/** The request of an authenticator for a credential that no HTTP request of its own carries. */
export function credentialRequest(
  about: Omit<AuthenticationRequest, "header">,
  headers: Readonly<Record<string, string | undefined>>,
): AuthenticationRequest {
  const byName = new Map(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  return { ...about, header: (name) => byName.get(name) };
}
