/**
 * Connections of the Http port, by origin. Each is a line of its own that carries one
 * exchange at a time; idle ones wait to be used again.
 */
import { Client } from "undici";
import type { buildConnector } from "undici";
import { Socket } from "node:net";

/** Idle connections kept per origin; a look more than these opens its own and closes it. */
const MAX_IDLE_PER_ORIGIN = 4;
/** Origins remembered; the oldest is let go with its connections. */
const MAX_ORIGINS = 8_192;
/** Servers that name no keep-alive time are trusted this long; a stale connection costs one more try, not a failure. */
const KEEP_ALIVE_MS = 65_000;

/** A connection that is busy with at most one exchange. */
export type Line = {
  readonly client: Client;
  /** The socket being connected or in use, so that a deadline can end even a connection attempt. */
  socket: Socket | null;
  /** Its connection carried an answer before, so the server may close it just as we write. */
  used: boolean;
};
export type Origin = { readonly url: string; readonly idle: Line[] };
export type Route = { readonly origin: Origin; readonly path: string };
export type Connector = ReturnType<typeof buildConnector>;

/** Connections by origin. */
export class Lines {
  readonly #connector: Connector;
  readonly #routes = new Map<string, Route>();
  readonly #origins = new Map<string, Origin>();

  constructor(connector: Connector) {
    this.#connector = connector;
  }

  /** @throws {TypeError} where the text is no http or https URL. */
  route(url: string): Route {
    const known = this.#routes.get(url);
    if (known !== undefined) return known;
    const { origin: base, protocol, pathname, search } = new URL(url);
    if (protocol !== "http:" && protocol !== "https:") throw new TypeError(`not an http URL: ${url}`);
    const route = { origin: this.#origin(base), path: pathname + search };
    if (this.#routes.size >= MAX_ORIGINS) this.#routes.clear();
    this.#routes.set(url, route);
    return route;
  }

  /** An idle line with its connection, else one that connects; always one that connects when `fresh`. */
  take(origin: Origin, fresh: boolean): Line {
    const idle = origin.idle.pop();
    if (idle === undefined) return this.#open(origin.url);
    // Its client connects again by itself: making another costs more than all of a look.
    if (fresh) {
      idle.socket?.destroy();
      idle.used = false;
    }
    return idle;
  }

  /** Gives a line back after a whole answer. */
  release(origin: Origin, line: Line): void {
    line.used = true;
    const wanted = origin.idle.length < MAX_IDLE_PER_ORIGIN && this.#origins.get(origin.url) === origin;
    if (wanted) origin.idle.push(line);
    else this.drop(line);
  }

  drop(line: Line): void {
    // Destroyed with an error, so that a connection attempt under way ends too.
    line.socket?.destroy(new Error("connection dropped"));
    line.client.destroy().catch(() => {});
  }

  async close(): Promise<void> {
    const idle = [...this.#origins.values()].flatMap((origin) => origin.idle);
    this.#origins.clear();
    this.#routes.clear();
    await Promise.all(idle.map((line) => line.client.destroy()));
  }

  #origin(url: string): Origin {
    const known = this.#origins.get(url);
    if (known !== undefined) return known;
    const oldest = this.#origins.size >= MAX_ORIGINS ? this.#origins.values().next().value : undefined;
    if (oldest !== undefined) {
      this.#origins.delete(oldest.url);
      for (const line of oldest.idle.splice(0)) this.drop(line);
      this.#routes.clear();
    }
    const origin: Origin = { url, idle: [] };
    this.#origins.set(url, origin);
    return origin;
  }

  #open(url: string): Line {
    const connect: Connector = (options, callback) => {
      // Typed as returning nothing, but it returns the socket at once.
      const socket: unknown = this.#connector(options, callback);
      line.socket = socket instanceof Socket ? socket : null;
    };
    const client = new Client(url, {
      connect,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveTimeoutThreshold: 1_000,
      allowH2: false,
    });
    const line: Line = { client, socket: null, used: false };
    return line;
  }
}
