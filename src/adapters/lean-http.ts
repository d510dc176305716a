/**
 * The Http port straight on sockets. One connection serves one exchange at a time, so a
 * look that hangs never delays another; idle connections wait per origin.
 *
 * The path is kept lean, because thousands of looks take it: URLs are taken apart and
 * heads put together once, all deadlines share a timer, a request is one write, and an
 * answer is read where the system put it. See docs/decisions/0011.
 */
import type { Instant, Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import { createDeadlines } from "../ports/deadlines.ts";
import type { Deadlines, Expiring } from "../ports/deadlines.ts";
import type { Http, HttpAnswer, HttpFailure, HttpRequest } from "../ports/http.ts";
import type { Line, LineUser } from "./http-line.ts";
import { Origins } from "./http-origins.ts";
import type { Route } from "./http-origins.ts";
import { HttpReply } from "./http-reply.ts";
import type { Progress } from "./http-reply.ts";
import type { RequestText } from "./http-request-text.ts";
import { createNameLookup } from "./name-lookup.ts";
import { classify } from "./network-failure.ts";
import type { NetworkFailure } from "./network-failure.ts";

export type LeanHttpOptions = {
  readonly clock: Clock;
  /** Certificate authorities (PEM) trusted instead of the system's. */
  readonly ca?: string;
};

/** @returns an Http whose connections live until `close()`. */
export function createLeanHttp({ clock, ca }: LeanHttpOptions): Http {
  const names = createNameLookup();
  const deadlines = createDeadlines<Exchange>(clock);
  const origins = new Origins(clock, { lookup: names.lookup, ...(ca === undefined ? {} : { ca }) });
  const parts: ExchangeParts = { clock, deadlines, origins };

  let closed = false;

  return {
    request: (request) =>
      new Promise((resolve) => {
        const exchange = new Exchange(request, parts, resolve);
        if (closed) exchange.abandon(CLOSED);
        else exchange.start();
      }),
    close: async () => {
      closed = true;
      for (const exchange of deadlines.waiting()) exchange.abandon(CLOSED);
      deadlines.close();
      names.close();
      origins.close();
    },
  };
}

type ExchangeParts = { readonly clock: Clock; readonly deadlines: Deadlines<Exchange>; readonly origins: Origins };

const GAVE_UP = "the caller gave up";
const CLOSED = "the client was closed";

const bySignal = new WeakMap<AbortSignal, Set<Exchange>>();

/** The exchanges that a signal ends. It is listened to once: callers use their signals again, and a listener costs more than a place in a set. */
function underSignal(signal: AbortSignal): Set<Exchange> {
  const known = bySignal.get(signal);
  if (known !== undefined) return known;
  const exchanges = new Set<Exchange>();
  bySignal.set(signal, exchanges);
  signal.addEventListener(
    "abort",
    () => {
      for (const exchange of [...exchanges]) exchange.abandon(GAVE_UP);
    },
    { once: true },
  );
  return exchanges;
}

/** One request and what becomes of it. Settles exactly once. */
class Exchange implements LineUser, Expiring {
  readonly expiresAt: Instant;
  readonly #request: HttpRequest;
  readonly #parts: ExchangeParts;
  readonly #finish: (result: HttpAnswer | HttpFailure) => void;
  readonly #startedAt: Instant;
  #reply: HttpReply;
  #route: Route | null = null;
  #text: RequestText | null = null;
  #line: Line | null = null;
  /** Exchanges under the same signal. */
  #fellows: Set<Exchange> | null = null;
  #retried = false;
  #settled = false;
  #firstByteMs: Ms = 0;

  constructor(request: HttpRequest, parts: ExchangeParts, finish: (result: HttpAnswer | HttpFailure) => void) {
    this.#request = request;
    this.#parts = parts;
    this.#finish = finish;
    this.#startedAt = parts.clock.now();
    this.expiresAt = this.#startedAt + request.deadlineMs;
    this.#reply = new HttpReply(request.method === "HEAD", request.maxBodyBytes);
  }

  start(): void {
    const { signal, connection } = this.#request;
    const { origins, deadlines } = this.#parts;
    if (signal?.aborted === true) return this.abandon(GAVE_UP);
    try {
      this.#route = origins.route(this.#request);
      this.#text = origins.text(this.#route, this.#request);
    } catch (error) {
      return this.#fail({ cause: "refused", noNetwork: true, detail: String(error) });
    }
    if (signal !== undefined) this.#fellows = underSignal(signal).add(this);
    deadlines.add(this);
    this.#send(this.#route, this.#text, connection === "new");
  }

  /** Ends it without evidence about the target. */
  abandon(why: string): void {
    this.#fail({ cause: "timeout", noNetwork: true, detail: why });
  }

  expire(): void {
    const where = this.#reply.status === 0 ? "no answer" : "the body did not end";
    this.#fail({ cause: "timeout", noNetwork: false, detail: `${where} within ${this.#request.deadlineMs} ms` });
  }

  received(bytes: Buffer): void {
    const known = this.#reply.status !== 0;
    const progress = this.#reply.read(bytes);
    if (!known && this.#reply.status !== 0) this.#firstByteMs = this.#elapsed();
    this.#proceed(progress);
  }

  ended(): void {
    if (this.#proceed(this.#reply.close())) return;
    if (this.#reply.status !== 0) this.#fail({ cause: "truncated", noNetwork: false, detail: "the connection ended before the answer did" });
    else this.#lost({ cause: "reset", noNetwork: false, detail: "the connection ended without an answer" });
  }

  broke(error: Error): void {
    this.#lost(classify(error, this.#reply.status !== 0));
  }

  #send(route: Route, text: RequestText, fresh: boolean): void {
    try {
      this.#line = this.#parts.origins.take(route.origin, fresh);
      this.#line.send(this, text.bytes);
    } catch (error) {
      // Node throws what it cannot even begin with: authorities that are no certificates, a name no certificate can have.
      this.#fail({ cause: "refused", noNetwork: true, detail: String(error) });
    }
  }

  /** @returns whether it has settled. */
  #proceed(progress: Progress): boolean {
    if (progress === "whole") this.#answer();
    else if (progress === "broken") this.#fail({ cause: "truncated", noNetwork: false, detail: this.#reply.why });
    return progress !== "more";
  }

  #answer(): void {
    const reply = this.#reply;
    const { status, headers, bodyBytes, bodyCut } = reply;
    const now = this.#parts.clock.now();
    const line = this.#line;
    this.#line = null;
    if (line !== null && this.#route !== null) this.#parts.origins.release(this.#route.origin, line, reply.reusable && this.#text?.closes === false, reply.idleMs, now);
    this.#settle({ kind: "answer", status, headers, body: reply.body(), bodyBytes, bodyCut, firstByteMs: this.#firstByteMs, tookMs: now - this.#startedAt });
  }

  /** Servers close idle connections; one closed under a repeatable request, before any answer, proves nothing. */
  #lost(failure: NetworkFailure): void {
    const { method, idempotent } = this.#request;
    const repeatable = idempotent ?? (method === "GET" || method === "HEAD");
    const stale = failure.cause === "reset" && this.#line?.used === true && !this.#reply.begun;
    if (!stale || !repeatable || this.#retried || this.#route === null || this.#text === null) return this.#fail(failure);
    this.#retried = true;
    this.#line?.drop();
    this.#send(this.#route, this.#text, true);
  }

  #fail({ cause, noNetwork, detail }: NetworkFailure): void {
    if (this.#settled) return;
    this.#line?.drop();
    this.#line = null;
    this.#settle({ kind: "failed", cause, noNetwork, answered: this.#reply.status !== 0, detail, tookMs: this.#elapsed() });
  }

  #settle(result: HttpAnswer | HttpFailure): void {
    this.#settled = true;
    this.#parts.deadlines.remove(this);
    this.#fellows?.delete(this);
    this.#finish(result);
  }

  #elapsed(): Ms {
    return this.#parts.clock.now() - this.#startedAt;
  }
}
