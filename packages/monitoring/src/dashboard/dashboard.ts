import type { HttpRoute } from "@backplane/protocol";
import { type DashboardOptions, type ResolvedDashboard, resolveDashboard } from "./options.ts";
import { dashboardRoutes } from "./routes.ts";
import { SignIns } from "./sign-ins.ts";
import { Snapshots } from "./snapshots.ts";
import { Viewers } from "./viewers.ts";

/**
 * A page about a server, served by the server itself: traffic, latency, errors, sessions, caches, limits, health,
 * recent calls, and a form that calls its tools.
 *
 * Security defaults: who wants to see it signs in with a credential that the server's authenticator knows, and gets
 * a cookie that no script can read, that goes to no other site, and that ends with the credential. Calls from
 * the form run as that principal through the server's own dispatch: its policy, limits and audit apply. The page
 * loads nothing from elsewhere and can run nothing that is not part of this package.
 *
 * It shows this process alone, and people are signed in to this process alone.
 */
export class Dashboard {
  readonly #removers: (() => void)[] = [];
  readonly #snapshots: Snapshots;
  readonly #signIns: SignIns;
  readonly #viewers: Viewers;

  /**
   * Adds the routes to the server, and closes with it.
   * @throws {TypeError} for an option that is unknown, missing or illegal; the message names it. Also for a path
   * that is taken, a server without the option `auth` unless `open` is true, and `open` on a server that binds
   * beyond loopback.
   */
  constructor(options: DashboardOptions) {
    const resolved = resolveDashboard(options);
    const { server } = resolved;
    checkGuarded(resolved);
    this.#signIns = new SignIns(resolved);
    this.#snapshots = new Snapshots(resolved);
    this.#viewers = new Viewers(this.#snapshots);
    try {
      for (const route of dashboardRoutes(resolved, this.#signIns, this.#viewers)) {
        this.#removers.push(server.addRoute(route));
      }
    } catch (error) {
      this.close();
      throw error;
    }
    server.onStop?.("dashboard", () => this.close());
  }

  /** Takes the routes off, signs everybody out and counts nothing any more. Idempotent. */
  close(): void {
    for (const remove of this.#removers.splice(0)) remove();
    this.#viewers.close();
    this.#snapshots.close();
    this.#signIns.clear();
  }
}

/**
 * A route that knows callers by its cookie is taken by any server, and nobody could ever sign in to one
 * without an authenticator: so the server is asked about one that relies on it.
 */
function checkGuarded({ server, path, open }: ResolvedDashboard): void {
  if (open) return;
  const handle: HttpRoute["handle"] = () => ({});
  server.addRoute({ method: "GET", path, access: "authenticated", handle })();
}
