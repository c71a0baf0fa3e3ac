import { isJsonObject } from "@backplane/protocol";
import { Listeners } from "../internal/listeners.ts";
import { quoteIdentifier, type SqlSettings } from "./sql-options.ts";
import type { SqlClient } from "./sql-pool.ts";
import { isValue, targetOf, uriOf } from "./sql-uris.ts";

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 10_000;
/** How often a silent connection is asked whether it still lives. */
const PING_MS = 30_000;
const PING_TIMEOUT_MS = 5_000;
const LIST = "list";
const queryKey = (name: string): string => `query ${name}`;

/** One connection that listens for changes, while anybody watches. Lost, it is opened anew, and everybody is told. */
export class ChangeListener {
  readonly #settings: SqlSettings;
  readonly #channel: string;
  readonly #listeners = new Listeners();
  #count = 0;
  #connection: Promise<() => void> | undefined;
  #cancelRetry: (() => void) | undefined;

  constructor(settings: SqlSettings, channel: string) {
    this.#settings = settings;
    this.#channel = channel;
  }

  /** @throws what connecting throws. */
  watch(uri: string, onChange: () => void): Promise<() => void> {
    const target = targetOf(this.#settings, uri);
    const isQuery = target?.source.kind === "query";
    return this.#add(isQuery ? queryKey(target.source.name) : uri, onChange);
  }

  /** @throws what connecting throws. */
  watchList(onChange: () => void): Promise<() => void> {
    return this.#add(LIST, onChange);
  }

  async #add(key: string, onChange: () => void): Promise<() => void> {
    const remove = this.#listeners.add(key, onChange);
    this.#count++;
    let added = true;
    const stop = (): void => {
      if (!added) return;
      added = false;
      remove();
      if (--this.#count === 0) this.#close();
    };
    try {
      // One that is being opened again is not there now; whoever watches is told when it is.
      if (this.#cancelRetry === undefined) await this.#open();
      return stop;
    } catch (error) {
      stop();
      throw error;
    }
  }

  #open(): Promise<() => void> {
    if (this.#connection === undefined) {
      const connection = this.#connect();
      this.#connection = connection;
      connection.catch(() => {
        if (this.#connection === connection) this.#connection = undefined;
      });
    }
    return this.#connection;
  }

  #close(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.then(
      (end) => end(),
      () => {},
    );
  }

  /** @returns the end of the connection. */
  async #connect(): Promise<() => void> {
    const client = await this.#settings.pool.connect();
    let ended = false;
    let ping: ReturnType<typeof setInterval> | undefined;
    const end = (): boolean => {
      if (ended) return false;
      ended = true;
      clearInterval(ping);
      // Destroyed rather than given back: nobody else is to hear what it still listens to.
      client.release(true);
      return true;
    };
    const lost = (): void => {
      if (end()) this.#lost();
    };
    client.on("error", lost);
    client.on("end", lost);
    client.on("notification", ({ payload }) => {
      if (!ended) this.#notified(payload ?? "");
    });
    try {
      const text = `listen ${quoteIdentifier(this.#channel)}`;
      await client.query({ text, query_timeout: PING_TIMEOUT_MS });
    } catch (error) {
      end();
      throw error;
    }
    ping = setInterval(() => this.#ping(client, lost), PING_MS);
    ping.unref();
    return () => void end();
  }

  /** A connection that a firewall has forgotten gives no error, only silence. */
  #ping(client: SqlClient, lost: () => void): void {
    client.query({ text: "select 1", query_timeout: PING_TIMEOUT_MS }).catch(lost);
  }

  #lost(delayMs = FIRST_RETRY_MS): void {
    this.#connection = undefined;
    if (this.#count === 0) return;
    const timer = setTimeout(() => {
      this.#cancelRetry = undefined;
      this.#open().then(
        () => this.#listeners.callAll(),
        () => this.#lost(Math.min(2 * delayMs, MAX_RETRY_MS)),
      );
    }, delayMs);
    this.#cancelRetry = () => clearTimeout(timer);
  }

  /** What `triggerSql` says; or a URI; or nothing, for everything. Anything else is not about this provider. */
  #notified(payload: string): void {
    if (payload === "") {
      this.#listeners.callAll();
      return;
    }
    const change = readChange(payload);
    if (change === undefined) {
      const target = targetOf(this.#settings, payload);
      if (target === undefined) return;
      const { source } = target;
      this.#listeners.call(
        source.kind === "query" ? queryKey(source.name) : uriOf(this.#settings, target),
      );
      return;
    }
    const { sources } = this.#settings;
    const source = sources.find(({ name }) => name === change.table);
    if (source?.kind !== "table" || source.key.length !== change.key.length) return;
    this.#listeners.call(uriOf(this.#settings, { source, values: change.key }));
    if (change.op !== "UPDATE") this.#listeners.call(LIST);
    for (const query of sources) {
      if (query.kind === "query" && query.dependsOn.has(source.name)) {
        this.#listeners.call(queryKey(query.name));
      }
    }
  }
}

interface RowChange {
  readonly table: string;
  readonly key: readonly string[];
  readonly op: unknown;
}

/** Anybody may notify on a channel: what is no change is none. */
function readChange(payload: string): RowChange | undefined {
  if (!payload.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(payload);
    if (!isJsonObject(value) || typeof value.table !== "string") return undefined;
    const { table, key, op } = value;
    return Array.isArray(key) && key.every(isValue) ? { table, key, op } : undefined;
  } catch {
    return undefined;
  }
}
