/**
 * The Http port on undici. One connection serves one exchange at a time, so a
 * look that hangs never delays another; idle connections wait per origin.
 *
 * The path is kept lean, because thousands of looks take it: URLs are taken apart
 * once, all deadlines share a timer, and undici's own timers are off.
 */
import { buildConnector } from "undici";
import type { Dispatcher } from "undici";
import type { Instant, Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { Http, HttpAnswer, HttpFailure, HttpRequest } from "../ports/http.ts";
import { createDeadlines } from "../ports/deadlines.ts";
import type { Deadlines, Expiring } from "../ports/deadlines.ts";
import { Lines } from "./http-lines.ts";
import type { Line, Route } from "./http-lines.ts";
import { createNameLookup } from "./name-lookup.ts";
import { classify } from "./network-failure.ts";
import type { NetworkFailure } from "./network-failure.ts";

export type UndiciHttpOptions = {
  readonly clock: Clock;
  /** Certificate authorities (PEM) trusted instead of the system's. */
  readonly ca?: string;
};

/** @returns an Http whose connections live until `close()`. */
export function createUndiciHttp({ clock, ca }: UndiciHttpOptions): Http {
  const names = createNameLookup();
  const deadlines = createDeadlines(clock);
  const connector = buildConnector({
    allowH2: false,
    timeout: 0,
    lookup: names.lookup,
    ...(ca === undefined ? {} : { ca }),
  });
  const lines = new Lines(connector);
  const running = new Set<Exchange>();

  return {
    request: (request) =>
      new Promise((resolve) => {
        const exchange = new Exchange(request, clock, deadlines, lines, (result) => {
          running.delete(exchange);
          resolve(result);
        });
        running.add(exchange);
        exchange.start();
      }),
    close: async () => {
      for (const exchange of running) exchange.abandon("the client was closed");
      deadlines.close();
      names.close();
      await lines.close();
    },
  };
}

type Finish = (result: HttpAnswer | HttpFailure) => void;

/** One request and what becomes of it. Settles exactly once. */
class Exchange implements Dispatcher.DispatchHandler, Expiring {
  readonly expiresAt: Instant;
  readonly #request: HttpRequest;
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #lines: Lines;
  readonly #finish: Finish;
  readonly #startedAt: Instant;
  readonly #onAbort = (): void => this.abandon("the caller gave up");
  #route: Route | null = null;
  #line: Line | null = null;
  #retried = false;
  #settled = false;
  #status = 0;
  #headers: Readonly<Record<string, string>> = {};
  #firstByteMs: Ms = 0;
  readonly #chunks: Buffer[] = [];
  #keptBytes = 0;
  #bodyBytes = 0;

  constructor(request: HttpRequest, clock: Clock, deadlines: Deadlines, lines: Lines, finish: Finish) {
    this.#request = request;
    this.#clock = clock;
    this.#deadlines = deadlines;
    this.#lines = lines;
    this.#finish = finish;
    this.#startedAt = clock.now();
    this.expiresAt = this.#startedAt + request.deadlineMs;
  }

  start(): void {
    const { signal, url, connection } = this.#request;
    if (signal?.aborted === true) return this.#onAbort();
    try {
      this.#route = this.#lines.route(url);
    } catch (error) {
      return this.#fail({ cause: "refused", noNetwork: true, detail: String(error) });
    }
    signal?.addEventListener("abort", this.#onAbort);
    this.#deadlines.add(this);
    this.#dispatch(this.#route, connection === "new");
  }

  /** Ends it without evidence about the target. */
  abandon(why: string): void {
    this.#fail({ cause: "timeout", noNetwork: true, detail: why });
  }

  expire(): void {
    const where = this.#status === 0 ? "no answer" : "the body did not end";
    this.#fail({ cause: "timeout", noNetwork: false, detail: `${where} within ${this.#request.deadlineMs} ms` });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#settled) controller.abort(new Error("already settled"));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Record<string, string | string[] | undefined>): void {
    // 1xx only announce the answer.
    if (status < 200) return;
    this.#firstByteMs = this.#elapsed();
    this.#status = status;
    this.#headers = flatten(headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bodyBytes += chunk.length;
    const room = this.#request.maxBodyBytes - this.#keptBytes;
    if (room <= 0) return;
    const kept = chunk.length <= room ? chunk : chunk.subarray(0, room);
    this.#chunks.push(kept);
    this.#keptBytes += kept.length;
  }

  onResponseEnd(): void {
    if (this.#settled) return;
    const tookMs = this.#elapsed();
    const first = this.#chunks[0];
    const body = first === undefined ? "" : this.#chunks.length === 1 ? first.toString("utf8") : Buffer.concat(this.#chunks).toString("utf8");
    if (this.#route !== null && this.#line !== null) this.#lines.release(this.#route.origin, this.#line);
    this.#line = null;
    this.#settle({
      kind: "answer",
      status: this.#status,
      headers: this.#headers,
      body,
      bodyBytes: this.#bodyBytes,
      bodyCut: this.#bodyBytes > this.#keptBytes,
      firstByteMs: this.#firstByteMs,
      tookMs,
    });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#settled) return;
    const failure = classify(error, this.#status !== 0);
    if (failure.cause === "reset" && this.#mayRetry() && this.#route !== null) {
      this.#retried = true;
      if (this.#line !== null) this.#lines.drop(this.#line);
      return this.#dispatch(this.#route, true);
    }
    this.#fail(failure);
  }

  #dispatch(route: Route, fresh: boolean): void {
    const { method, headers, body } = this.#request;
    const line = this.#lines.take(route.origin, fresh);
    this.#line = line;
    line.client.dispatch({ path: route.path, method, headers, body: body ?? null }, this);
  }

  /** Servers close idle connections; one closed under a repeatable request proves nothing. */
  #mayRetry(): boolean {
    const { method, idempotent } = this.#request;
    const repeatable = idempotent ?? method !== "POST";
    return !this.#retried && repeatable && this.#line?.used === true;
  }

  #fail({ cause, noNetwork, detail }: NetworkFailure): void {
    if (this.#settled) return;
    const tookMs = this.#elapsed();
    const line = this.#line;
    this.#line = null;
    this.#settle({ kind: "failed", cause, noNetwork, answered: this.#status !== 0, detail, tookMs });
    if (line !== null) this.#lines.drop(line);
  }

  #settle(result: HttpAnswer | HttpFailure): void {
    this.#settled = true;
    this.#deadlines.remove(this);
    this.#request.signal?.removeEventListener("abort", this.#onAbort);
    this.#finish(result);
  }

  #elapsed(): Ms {
    return this.#clock.now() - this.#startedAt;
  }
}

/** Repeated headers joined as the port says; the common case, none repeated, copies nothing. */
function flatten(headers: Record<string, string | string[] | undefined>): Readonly<Record<string, string>> {
  for (const name in headers) {
    const value = headers[name];
    if (Array.isArray(value)) headers[name] = value.join(name === "set-cookie" ? "\n" : ", ");
  }
  return headers as Record<string, string>;
}
