import { DeadlineWheel } from "@backplane/protocol";
import { createFakeClock } from "@backplane/protocol/test-suite";
import { Link } from "../link.ts";
import type { ClientTransport, TransportEvents } from "../transport.ts";
import { createMetaEncoder } from "../wire.ts";
import { LinkPool } from "./link-pool.ts";
import { type PoolOptions, resolvePoolOptions } from "./pool-options.ts";

const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A link that nobody has asked anything yet, and whether it is closed. */
export interface TestLink {
  readonly link: Link;
  /** The link ends by itself. */
  breakDown(): void;
  readonly closed: boolean;
}

/** Something under way that a test ends. */
interface Pending<Value> {
  resolve(value: Value): void;
  reject(error: unknown): void;
}

/** A pool whose links open, answer their health checks and close when the test says so. */
export function poolRig(options: Partial<PoolOptions> = {}) {
  const clock = createFakeClock(0);
  const wheel = new DeadlineWheel(clock);
  const links: TestLink[] = [];
  const servers: Link[] = [];
  const opening: Pending<Link>[] = [];
  const checks: (Pending<void> & { readonly link: Link })[] = [];

  const pool = new LinkPool({
    options: resolvePoolOptions("Pool", options),
    open: () => new Promise((resolve, reject) => opening.push({ resolve, reject })),
    check: (link) => new Promise((resolve, reject) => checks.push({ link, resolve, reject })),
    onServer: (link) => servers.push(link),
    logger,
    clock,
    random: () => 0,
  });

  function openNext(): Link {
    const made = testLink(wheel);
    links.push(made);
    (opening.shift() as Pending<Link>).resolve(made.link);
    return made.link;
  }

  return {
    pool,
    clock,
    links,
    /** The links that were told of as the first of a server. */
    servers,
    opening,
    checks,
    openNext,
    /** Opens everything that is to be opened. */
    async openAll(): Promise<void> {
      await settle();
      while (opening.length > 0) {
        openNext();
        await settle();
      }
    },
    failNext(error: unknown): void {
      (opening.shift() as Pending<Link>).reject(error);
    },
    alive: () => links.filter(({ closed }) => !closed).length,
  };
}

function testLink(wheel: DeadlineWheel): TestLink {
  let closed = false;
  let events: TransportEvents | undefined;
  const transport: ClientTransport = {
    kind: "in-memory",
    open: async () => {},
    request: () => {},
    abandon: () => {},
    post: async () => {},
    close: async () => {
      // Not at once, as little else does.
      await Promise.resolve();
      await Promise.resolve();
      closed = true;
    },
  };
  const link: Link = new Link({
    agreement: { era: "modern", revision: "2026-07-28" },
    server: { info: undefined, capabilities: {}, instructions: undefined, hint: undefined },
    transport,
    meta: createMetaEncoder({ name: "t", version: "1" }, {}, "2026-07-28"),
    lastId: 0,
    onEnded: () => {},
    events: { onNotification: () => {}, onServerRequest: async () => ({}), onClose: () => {} },
    wheel,
    logger,
  });
  events = Link.events(() => link);
  return {
    link,
    breakDown: () => events?.onClose(new Error("gone") as never),
    get closed() {
      return closed;
    },
  };
}

/** Lets everything happen that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
