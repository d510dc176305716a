/**
 * Carries the application's answer to a buyer.
 *
 * How much is seen before the first byte leaves decides what can still be mended:
 *
 * - `stream`: nothing. Passed through as it comes.
 * - `judge`: status and first bytes. A failing answer is replaced by a copy; a body that breaks later
 *   can only be cut off.
 * - `hold`: the whole page. A buyer without a cart, for whose page there is a copy that may stand in, never
 *   sees half a page or one without end. The price is the head start that streaming gives, so it is paid only
 *   here: not on fresh copies (nothing is forwarded), not for personal pages, not when there is no copy.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { settle, type Settled } from "../core/answer.ts";
import { isFailureStatus, type ExchangeFault } from "../core/outcome.ts";
import { nameSet } from "../core/name-set.ts";
import type { BrokenFault, Exchange, Sink } from "./exchange.ts";
import { carriesBody, field, isEventStream, isHtml, isImmutable, responseFields } from "./headers.ts";

export type RelayMode = "stream" | "judge" | "hold";

/** How the exchange ended, seen from here. */
export type RelayEnd = {
  readonly status: number;
  readonly fault: ExchangeFault | null;
  readonly clientGone: boolean;
  readonly html: boolean;
  /** It says of itself that it never changes. */
  readonly immutable: boolean;
};

export type RelayParts = {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly mode: RelayMode;
  readonly fallback: "none" | "copy" | "neutralised";
  /** Largest page held back, in bytes; a larger one is streamed from there on. */
  readonly holdBytes: number;
  /** What is wrong with a page whatever its status. */
  readonly flaw: (body: Buffer) => "error_page" | "not_whole" | null;
  readonly storefrontHealthy: () => boolean;
  /** Notes a 404 for a page we hold; how long they have been coming. */
  readonly contradictedFor: () => number;
  /** All fields of the buyer's answer, flat, given what the application said. `whole`: the body is sent as one, so its length is ours to say. */
  readonly fields: (status: number, headers: IncomingHttpHeaders, whole: boolean) => string[];
  /** Sends the copy or the refusal instead. */
  readonly replace: (settled: Exclude<Settled, { kind: "pass" }>, status: number) => void;
  /** Called when the head of an answer is there. */
  readonly headed: () => void;
  /** Called exactly once. */
  readonly ended: (end: RelayEnd) => void;
};

/** Bytes of a failed answer read on after it was replaced, to keep the connection; beyond, it is closed. */
const MOST_DISCARDED = 262_144;

type State = "waiting" | "peeking" | "held" | "streaming" | "replaced" | "over";

const KEEP_ALL = nameSet([]);

export class Relay implements Sink {
  readonly #parts: RelayParts;
  #exchange: Exchange | null = null;
  #state: State = "waiting";
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #chunks: Buffer[] = [];
  #bytes = 0;
  #discarded = 0;
  /** The buyer reads more slowly than the application writes. */
  #full = false;
  #fault: ExchangeFault | null = null;

  constructor(parts: RelayParts) {
    this.#parts = parts;
  }

  /** Binds the exchange it hears, so that it can be slowed down and given up. */
  attach(exchange: Exchange): void {
    this.#exchange = exchange;
    this.#parts.res.on("close", () => this.#clientGone());
  }

  /** Bytes of body the buyer was sent. */
  sentBytes(): number {
    return this.#bytes;
  }

  interim(status: number, headers: IncomingHttpHeaders): void {
    const { link } = headers;
    if (status === 103 && typeof link === "string" && this.#state === "waiting" && !this.#parts.res.headersSent && this.#parts.req.httpVersionMinor > 0) this.#hint(link);
  }

  /** A hint is only that: Node refuses some Links that others write, and a page must not fail for it. */
  #hint(link: string): void {
    try {
      this.#parts.res.writeEarlyHints({ link });
    } catch {
      // Not sent; the answer itself follows.
    }
  }

  head(status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
    this.#parts.headed();
    if (isEventStream(headers)) this.#exchange?.exempt();
    const { mode, fallback } = this.#parts;
    if (mode === "stream") return this.#flush();
    if (fallback !== "none" && this.#settle({ errorPage: false })) return;
    if (!isHtml(headers) || status !== 200) return this.#flush();
    this.#state = mode === "hold" ? "held" : "peeking";
  }

  data(chunk: Buffer): void {
    switch (this.#state) {
      case "held":
        this.#chunks.push(chunk);
        this.#bytes += chunk.length;
        if (this.#bytes > this.#parts.holdBytes) this.#release();
        return;
      case "peeking":
        if (this.#readable() && this.#parts.flaw(chunk) === "error_page") {
          if (this.#settle({ errorPage: true })) return;
          this.#fault = "error_page";
        }
        this.#flush();
        this.#write(chunk);
        return;
      case "streaming":
        this.#write(chunk);
        return;
      case "replaced":
        this.#discarded += chunk.length;
        if (this.#discarded > MOST_DISCARDED) this.#giveUp();
        return;
      case "waiting":
      case "over":
        return;
    }
  }

  end(trailers: IncomingHttpHeaders): void {
    switch (this.#state) {
      case "held": {
        const body = Buffer.concat(this.#chunks);
        const flaw = this.#readable() ? this.#parts.flaw(body) : null;
        if (flaw !== null && this.#settle(flaw === "error_page" ? { errorPage: true } : { broken: "truncated" })) return this.#end();
        this.#sendWhole(body);
        return this.#end();
      }
      case "peeking":
        this.#flush();
        this.#finish(trailers);
        return this.#end();
      case "streaming":
        this.#finish(trailers);
        return this.#end();
      case "replaced":
        return this.#end();
      case "waiting":
      case "over":
        return;
    }
  }

  broken(fault: BrokenFault): void {
    const { req } = this.#parts;
    // An upload that its sender broke off breaks the exchange too, and is nobody's failure.
    if (req.destroyed && !req.complete && carriesBody(req) && this.#state !== "over") return this.#end(true);
    switch (this.#state) {
      case "waiting":
      case "peeking":
      case "held":
        this.#settle({ broken: fault });
        return this.#end();
      case "streaming":
        // Half of it is with the buyer: only a cut connection says that it is not whole.
        this.#fault = fault;
        this.#end();
        this.#parts.res.destroy();
        return;
      case "replaced":
        return this.#end();
      case "over":
        return;
    }
  }

  /** Marks can be looked for: a compressed body shows none, and its framing must do. */
  #readable(): boolean {
    const coding = field(this.#headers, "content-encoding");
    return coding === "" || coding === "identity";
  }

  /** True when something else was sent instead of the application's answer. */
  #settle(result: { readonly errorPage: boolean } | { readonly broken: BrokenFault }): boolean {
    const { fallback, storefrontHealthy, contradictedFor, replace } = this.#parts;
    const status = this.#status;
    const settled = settle("broken" in result ? { kind: "broken", fault: result.broken } : { kind: "answered", status, errorPage: result.errorPage }, {
      fallback,
      storefrontHealthy: storefrontHealthy(),
      contradictedFor: status === 404 && fallback !== "none" ? contradictedFor() : 0,
    });
    if (settled.kind === "pass") return false;
    this.#fault = settled.fault;
    this.#state = "replaced";
    this.#chunks = [];
    this.#bytes = 0;
    replace(settled, status);
    return true;
  }

  /** The head may go: from here on the answer is the application's. */
  #flush(): void {
    const { res, fields } = this.#parts;
    this.#state = "streaming";
    res.writeHead(this.#status, fields(this.#status, this.#headers, false));
    // The head goes with the first bytes where they came together; else it does not wait for them.
    queueMicrotask(() => {
      if (this.#bytes === 0 && this.#state === "streaming") res.flushHeaders();
    });
  }

  #release(): void {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#bytes = 0;
    this.#flush();
    for (const chunk of chunks) this.#write(chunk);
  }

  #sendWhole(body: Buffer): void {
    const { res, fields } = this.#parts;
    this.#state = "streaming";
    res.writeHead(this.#status, [...fields(this.#status, this.#headers, true), "content-length", String(body.length)]);
    res.end(body);
  }

  #write(chunk: Buffer): void {
    const { res } = this.#parts;
    this.#bytes += chunk.length;
    if (res.write(chunk) || this.#full) return;
    this.#full = true;
    this.#exchange?.pause();
    res.once("drain", () => {
      this.#full = false;
      this.#exchange?.resume();
    });
  }

  #finish(trailers: IncomingHttpHeaders): void {
    const { res } = this.#parts;
    const fields = responseFields(trailers, KEEP_ALL);
    if (fields.length > 0 && res.chunkedEncoding) {
      const pairs: [string, string][] = [];
      for (let at = 0; at + 1 < fields.length; at += 2) pairs.push([fields[at] ?? "", fields[at + 1] ?? ""]);
      res.addTrailers(pairs);
    }
    res.end();
  }

  #giveUp(): void {
    this.#exchange?.cancel();
    this.#end();
  }

  #clientGone(): void {
    if (this.#state === "over" || this.#parts.res.writableFinished) return;
    if (this.#state === "replaced") return;
    this.#exchange?.cancel();
    this.#end(true);
  }

  #end(clientGone = false): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#chunks = [];
    const fault = this.#fault ?? (isFailureStatus(this.#status) ? "status" : null);
    this.#parts.ended({ status: this.#status, fault, clientGone, html: isHtml(this.#headers), immutable: isImmutable(this.#headers) });
  }
}
