import { OAuthClientError, shownUrl } from "./errors.ts";
import type { Flow } from "./flow.ts";

/**
 * Which authorization server credentials of the application may go to. Without the option `issuer` it is
 * the first one that an MCP server names: from then on it is the only one.
 */
export class BoundIssuer {
  #issuer: string | undefined;

  constructor(issuer: string | undefined) {
    this.#issuer = issuer;
  }

  get issuer(): string | undefined {
    return this.#issuer;
  }

  /** @throws {OAuthClientError} when the credentials belong to another authorization server. */
  assert({ server, logger }: Flow): void {
    if (this.#issuer === undefined) {
      this.#issuer = server.issuer;
      logger.warn(
        { stage: "registration", issuer: shownUrl(server.issuer) },
        'No option "issuer": the credentials go to the authorization server that the MCP server names',
      );
    }
    if (this.#issuer === server.issuer) return;
    throw new OAuthClientError(
      "issuer_mismatch",
      "registration",
      `OAuth registration: the client is registered at ${shownUrl(this.#issuer)}, not at ${shownUrl(server.issuer)}`,
    );
  }
}
