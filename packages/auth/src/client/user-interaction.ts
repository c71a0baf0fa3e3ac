/** The parameters that the authorization server sent the user back with: `code`, `state`, `iss`, `error`… */
export type CallbackParameters = URLSearchParams | Readonly<Record<string, string>>;

/**
 * How the user gets to the authorization server and back. The application opens the URL in the user's own
 * browser, never in a view of its own, and answers with what came back to the redirect URL; it does not
 * need to look at the parameters, and must not act on them.
 */
export interface UserInteraction {
  /**
   * Shows `url` to the user and waits until the browser comes back.
   *
   * @param options.signal fires when nobody waits any longer.
   */
  authorize(url: URL, options: { readonly signal: AbortSignal }): Promise<CallbackParameters>;
  /**
   * The redirect URL of the authorization that comes next, for interactions that listen at a port of their
   * own. Others leave it out; the option `redirectUrl` then says it.
   */
  redirectUrl?(): Promise<string>;
}
