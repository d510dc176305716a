/**
 * Idle connections of the Http port, by origin, and what a URL says, taken apart once.
 */
import type { Instant, Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import { createDeadlines } from "../ports/deadlines.ts";
import type { Deadlines } from "../ports/deadlines.ts";
import type { HttpRequest } from "../ports/http.ts";
import { Line, serverNameOf } from "./http-line.ts";
import type { Destination, LineParts } from "./http-line.ts";
import { hostField, requestText } from "./http-request-text.ts";
import type { RequestText } from "./http-request-text.ts";

/** Idle connections kept per origin; a look more than these opens its own and closes it. */
const MAX_IDLE_PER_ORIGIN = 4;
/** Origins remembered; the oldest is let go with its connections. */
const MAX_ORIGINS = 8_192;
/** Servers that name no keep-alive time are trusted this long; a stale connection costs one more try, not a failure. */
const KEEP_ALIVE_MS: Ms = 65_000;
/** No server is believed that it keeps one longer. */
const MAX_KEEP_ALIVE_MS: Ms = 600_000;
/** Ours is let go so much before the server lets go of its own. */
const MARGIN_MS: Ms = 1_000;

export type Origin = { readonly key: string; readonly to: Destination; readonly idle: Line[] };

/** Where a request goes, and the last text that went there: the next one's is usually the same. */
export type Route = {
  readonly origin: Origin;
  readonly path: string;
  readonly host: string;
  sent: { readonly method: string; readonly headers: HttpRequest["headers"]; readonly text: RequestText } | null;
};

export class Origins {
  readonly #clock: Clock;
  readonly #parts: LineParts;
  readonly #ends: Deadlines<Line>;
  readonly #routes = new Map<string, Route>();
  readonly #origins = new Map<string, Origin>();

  constructor(clock: Clock, parts: LineParts) {
    this.#clock = clock;
    this.#parts = parts;
    this.#ends = createDeadlines(clock);
  }

  /** @throws {TypeError} where the text is no http or https URL. */
  route({ url, headers }: HttpRequest): Route {
    const named = hostField(headers);
    const key = named === undefined ? url : `${url} ${named}`;
    const known = this.#routes.get(key);
    if (known !== undefined) return known;
    const { protocol, host, hostname, port, pathname, search } = new URL(url);
    if (protocol !== "http:" && protocol !== "https:") throw new TypeError(`not an http URL: ${url}`);
    const secure = protocol === "https:";
    const origin = this.#origin({
      secure,
      host: hostname.replace(/^\[|\]$/g, ""),
      port: port === "" ? (secure ? 443 : 80) : Number(port),
      serverName: secure ? serverNameOf(named ?? host) : "",
    });
    const route: Route = { origin, path: pathname + search, host, sent: null };
    if (this.#routes.size >= MAX_ORIGINS) this.#routes.clear();
    this.#routes.set(key, route);
    return route;
  }

  /** What to send. @throws {TypeError} where it cannot be sent. */
  text(route: Route, request: HttpRequest): RequestText {
    const { method, headers, body } = request;
    if (route.sent !== null && route.sent.headers === headers && route.sent.method === method && body === undefined) return route.sent.text;
    const text = requestText(request, route.path, route.host);
    // Bodies are not kept: they may be long, and there are thousands of routes.
    if (body === undefined) route.sent = { method, headers, text };
    return text;
  }

  /** An idle line, else one that connects; always one that connects when `fresh`, in the place of an idle one. */
  take(origin: Origin, fresh: boolean): Line {
    const idle = origin.idle.pop();
    if (idle !== undefined) {
      this.#ends.remove(idle);
      if (!fresh && idle.expiresAt > this.#clock.now()) return idle;
      idle.drop();
    }
    return new Line(origin.to, this.#parts, (line) => this.#lost(origin, line));
  }

  /**
   * Gives a line back after a whole answer.
   *
   * @param idleMs how long the server says it keeps it; null: it does not say.
   */
  release(origin: Origin, line: Line, reusable: boolean, idleMs: Ms | null, now: Instant): void {
    const lasts = idleMs === null ? KEEP_ALIVE_MS : Math.min(idleMs, MAX_KEEP_ALIVE_MS) - MARGIN_MS;
    const wanted = reusable && lasts > 0 && origin.idle.length < MAX_IDLE_PER_ORIGIN && this.#origins.get(origin.key) === origin;
    if (!line.release() || !wanted) return line.drop();
    line.expiresAt = now + lasts;
    origin.idle.push(line);
    this.#ends.add(line);
  }

  close(): void {
    this.#ends.close();
    for (const { idle } of this.#origins.values()) for (const line of idle.splice(0)) line.drop();
    this.#origins.clear();
    this.#routes.clear();
  }

  #lost(origin: Origin, line: Line): void {
    this.#ends.remove(line);
    const at = origin.idle.indexOf(line);
    if (at !== -1) origin.idle.splice(at, 1);
    line.drop();
  }

  #origin(to: Destination): Origin {
    const key = `${to.secure ? "https" : "http"} ${to.host} ${to.port} ${to.serverName}`;
    const known = this.#origins.get(key);
    if (known !== undefined) return known;
    const oldest = this.#origins.size >= MAX_ORIGINS ? this.#origins.values().next().value : undefined;
    if (oldest !== undefined) {
      this.#origins.delete(oldest.key);
      for (const line of [...oldest.idle]) this.#lost(oldest, line);
      this.#routes.clear();
    }
    const origin: Origin = { key, to, idle: [] };
    this.#origins.set(key, origin);
    return origin;
  }
}
