/**
 * One exchange with the application: dispatched by undici, watched by deadlines, told to a sink.
 *
 * Nothing is retried here: only the buyer knows whether sending again is safe.
 */
import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { Pool, type Dispatcher } from "undici";
import type { ExchangeFault } from "../core/outcome.ts";
import type { Ms } from "../core/time.ts";
import { TICK_MS, type Alarm, type Deadlines } from "./deadlines.ts";

/** Ways to one application. */
export type Upstream = {
  /** "http://127.0.0.1:3000" */
  readonly origin: string;
  /** Its authority, for requests that came without a Host. */
  readonly host: string;
  /** Connections kept open, for GET and HEAD. */
  readonly keep: Dispatcher;
  /** A new connection for each request: a kept one may be closing while a POST is on its way, and a POST cannot be repeated. */
  readonly fresh: Dispatcher;
  close(): Promise<void>;
};

/**
 * Opens the ways to an application. Connections are made when needed.
 *
 * @param url base URL; its path is ignored.
 * @param maxConnections most connections of each kind; requests beyond wait within their first-byte deadline.
 */
export function createUpstream(url: string, maxConnections: number): Upstream {
  const { origin, host } = new URL(url);
  // Deadlines are the wheel's: undici's own would be a timer per request, and coarser than promised.
  const common: Pool.Options = { headersTimeout: 0, bodyTimeout: 0, connect: { timeout: 5_000 }, connections: maxConnections, allowH2: false };
  const keep = new Pool(origin, { ...common, pipelining: 1, keepAliveTimeout: 4_000, keepAliveMaxTimeout: 60_000 });
  const fresh = new Pool(origin, { ...common, pipelining: 0 });
  return {
    origin,
    host,
    keep,
    fresh,
    close: async () => {
      await Promise.all([keep.destroy(), fresh.destroy()]);
    },
  };
}

/** Limits of one exchange in milliseconds; 0: none. */
export type Limits = { readonly firstByte: Ms; readonly bodyIdle: Ms; readonly whole: Ms };

export type Call = {
  readonly method: string;
  readonly path: string;
  /** Names and values, flat. */
  readonly headers: string[];
  readonly body: Readable | null;
  readonly limits: Limits;
  /** Uses a connection of its own. */
  readonly fresh: boolean;
};

/** Faults that an exchange can meet by itself. */
export type BrokenFault = Extract<ExchangeFault, "connect" | "reset" | "first_byte" | "body_idle" | "whole" | "truncated">;

/** Hears one exchange: `head` at most once, then data; `end` or `broken` exactly once unless cancelled. */
export interface Sink {
  head(status: number, headers: IncomingHttpHeaders): void;
  data(chunk: Buffer): void;
  end(trailers: IncomingHttpHeaders): void;
  broken(fault: BrokenFault): void;
  /** 103 and other interim answers (RFC 9110 §15.2). */
  interim?(status: number, headers: IncomingHttpHeaders): void;
}

class Cancelled extends Error {
  override readonly name = "Cancelled";
}

const CANCELLED = new Cancelled("the exchange is no longer wanted");
const NOT_CONNECTED = new Set(["ECONNREFUSED", "ENOTFOUND", "EHOSTUNREACH", "ENETUNREACH", "EAI_AGAIN", "ENOENT", "EADDRNOTAVAIL", "UND_ERR_CONNECT_TIMEOUT"]);

export class Exchange implements Dispatcher.DispatchHandler {
  readonly #deadlines: Deadlines;
  readonly #limits: Limits;
  readonly #sink: Sink;
  #controller: Dispatcher.DispatchController | null = null;
  #alarm: Alarm | null = null;
  #wholeAlarm: Alarm | null = null;
  #lastByteTick = 0;
  #answered = false;
  #over = false;
  #paused = false;

  constructor(deadlines: Deadlines, call: Call, sink: Sink) {
    this.#deadlines = deadlines;
    this.#limits = call.limits;
    this.#sink = sink;
  }

  /** Sends the request. Whatever goes wrong, now or later, is told to the sink. */
  static start(upstream: Upstream, deadlines: Deadlines, call: Call, sink: Sink): Exchange {
    const exchange = new Exchange(deadlines, call, sink);
    const { firstByte, whole } = call.limits;
    if (firstByte > 0) exchange.#alarm = deadlines.arm(firstByte, () => exchange.#fail("first_byte"));
    if (whole > 0) exchange.#wholeAlarm = deadlines.arm(whole, () => exchange.#fail("whole"));
    try {
      const { method, path, headers, body } = call;
      (call.fresh ? upstream.fresh : upstream.keep).dispatch({ origin: upstream.origin, method, path, headers, body }, exchange);
    } catch {
      // undici throws on what it cannot send (a header value it refuses); nothing has left.
      queueMicrotask(() => exchange.#fail("reset"));
    }
    return exchange;
  }

  /** Nobody wants the rest: the connection is closed and the sink hears no more. */
  cancel(): void {
    if (this.#over) return;
    this.#finish();
    this.#controller?.abort(CANCELLED);
  }

  pause(): void {
    this.#paused = true;
    this.#controller?.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#lastByteTick = this.#deadlines.tick();
    this.#controller?.resume();
  }

  /** Lifts the limits from here on: an event stream may be silent for as long as it likes. */
  exempt(): void {
    this.#disarm();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Cancelled while it waited for a connection.
    if (this.#over) controller.abort(CANCELLED);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (this.#over) return;
    if (status < 200) {
      this.#sink.interim?.(status, headers);
      return;
    }
    this.#answered = true;
    if (this.#alarm !== null) this.#deadlines.cancel(this.#alarm);
    this.#alarm = null;
    this.#lastByteTick = this.#deadlines.tick();
    this.#watchIdle(this.#limits.bodyIdle);
    this.#sink.head(status, headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over) return;
    this.#lastByteTick = this.#deadlines.tick();
    this.#sink.data(chunk);
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    if (this.#over) return;
    this.#finish();
    this.#sink.end(trailers);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#over) return;
    const code = "code" in error ? error.code : undefined;
    const refused = typeof code === "string" && NOT_CONNECTED.has(code);
    this.#finish();
    this.#sink.broken(refused ? "connect" : this.#answered ? "truncated" : "reset");
  }

  /** Chunks only note the tick; the alarm looks when it rings whether they came. */
  #watchIdle(delay: Ms): void {
    if (this.#limits.bodyIdle === 0) return;
    this.#alarm = this.#deadlines.arm(delay, () => {
      const silent = (this.#deadlines.tick() - this.#lastByteTick) * TICK_MS;
      if (this.#paused) this.#watchIdle(this.#limits.bodyIdle);
      else if (silent >= this.#limits.bodyIdle) this.#fail("body_idle");
      else this.#watchIdle(this.#limits.bodyIdle - silent);
    });
  }

  #fail(fault: BrokenFault): void {
    if (this.#over) return;
    this.#finish();
    this.#controller?.abort(CANCELLED);
    this.#sink.broken(fault);
  }

  #finish(): void {
    this.#over = true;
    this.#disarm();
  }

  #disarm(): void {
    if (this.#alarm !== null) this.#deadlines.cancel(this.#alarm);
    if (this.#wholeAlarm !== null) this.#deadlines.cancel(this.#wholeAlarm);
    this.#alarm = null;
    this.#wholeAlarm = null;
  }
}
