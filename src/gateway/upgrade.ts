/**
 * Upgraded connections (RFC 9110 §7.8): a WebSocket is a pipe both ways, with backpressure, and no deadline after it was opened.
 */
import { STATUS_CODES, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { pipeline, type Duplex } from "node:stream";
import type { Dispatcher } from "undici";
import type { Alarm, Deadlines } from "./deadlines.ts";
import type { Upstream } from "./exchange.ts";
import type { RequestFields } from "./headers.ts";
import { responseFields } from "./headers.ts";
import { isRefused, type ReadRequest } from "./request-guard.ts";
import type { InFlightToken, Telemetry } from "./telemetry.ts";
import type { Clock } from "../ports/clock.ts";
import type { Breaker } from "../ports/breaker.ts";
import type { QuarantineGate } from "./ingress-parts.ts";
import type { NonceSource } from "./nonce.ts";
import { nameSet } from "../core/name-set.ts";

/**
 * Only WebSockets are tunnelled, and only where nothing is stored: any other offer to upgrade (h2c, or one on a
 * page) is an ordinary request, under all the rules of one.
 */
export function wantsTunnel(read: ReadRequest, req: IncomingMessage): boolean {
  if (req.method !== "GET" || req.headers.upgrade?.toLowerCase() !== "websocket") return false;
  const facts = read(req);
  return isRefused(facts) || facts.route.mode === "pass" || facts.route.mode === "never";
}

export type UpgradeParts = {
  readonly upstream: Upstream;
  readonly deadlines: Deadlines;
  readonly read: ReadRequest;
  readonly fields: RequestFields;
  readonly nonces: NonceSource;
  readonly breaker: Pick<Breaker, "admits">;
  readonly quarantine: QuarantineGate;
  readonly telemetry: Pick<Telemetry, "sent" | "returned" | "count">;
  readonly clock: Clock;
  readonly bypass: () => boolean;
};

const HANDSHAKE_MS = 5_000;
const KEEP = nameSet(["content-length"]);

/** Carries one upgrade request; the socket is the buyer's and is always ended. */
export function tunnel(parts: UpgradeParts, req: IncomingMessage, socket: Duplex, head: Buffer): void {
  // Whatever goes wrong on a socket ends it; there is nobody to tell.
  socket.on("error", () => socket.destroy());
  const facts = parts.read(req);
  if (isRefused(facts)) return endWith(socket, facts.status, []);

  if (!parts.bypass()) {
    const suspected = parts.quarantine.suspects(facts.requestClass);
    if (suspected) parts.telemetry.count("quarantine_refused");
    if (suspected || !parts.breaker.admits()) return endWith(socket, 503, ["retry-after", "5"]);
  }

  const headers = parts.fields(req, { host: facts.host, origin: facts.origin, requestId: parts.nonces.next(32), contentLength: null });
  const handler = new Handshake(parts, socket, head, parts.telemetry.sent(facts.requestClass, parts.clock.now()));
  try {
    parts.upstream.fresh.dispatch({ origin: parts.upstream.origin, method: "GET", path: facts.target, headers, upgrade: "websocket" }, handler);
  } catch {
    handler.onResponseError();
  }
}

class Handshake implements Dispatcher.DispatchHandler {
  readonly #parts: UpgradeParts;
  readonly #socket: Duplex;
  readonly #head: Buffer;
  readonly #inFlight: InFlightToken;
  #alarm: Alarm | null;
  #controller: Dispatcher.DispatchController | null = null;
  #answered = false;

  constructor(parts: UpgradeParts, socket: Duplex, head: Buffer, inFlight: InFlightToken) {
    this.#parts = parts;
    this.#socket = socket;
    this.#head = head;
    this.#inFlight = inFlight;
    this.#alarm = parts.deadlines.arm(HANDSHAKE_MS, () => {
      this.#controller?.abort(new Error("no answer to the upgrade"));
      this.#refuse(504);
    });
    socket.once("close", () => this.#controller?.abort(new Error("the buyer left")));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#socket.destroyed) controller.abort(new Error("the buyer left"));
  }

  onRequestUpgrade(_controller: Dispatcher.DispatchController, _status: number, headers: IncomingHttpHeaders, upstream: Duplex): void {
    this.#settled(false);
    this.#controller = null;
    const buyer = this.#socket;
    buyer.write(headOf(101, ["connection", "Upgrade", "upgrade", "websocket", ...responseFields(headers, nameSet([]))]));
    if (this.#head.length > 0) upstream.write(this.#head);
    pipeline(buyer, upstream, () => upstream.destroy());
    pipeline(upstream, buyer, () => buyer.destroy());
  }

  /** The application would rather not: its answer is passed on and the connection ended. */
  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return;
    this.#settled(false);
    this.#socket.write(headOf(status, ["connection", "close", ...responseFields(headers, KEEP)]));
    this.#socket.on("drain", () => controller.resume());
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#socket.write(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    this.#socket.end();
  }

  onResponseError(): void {
    if (this.#answered) this.#socket.destroy();
    else this.#refuse(502);
  }

  /** @param cut no answer came: a suspect, should the application turn out to have died */
  #settled(cut: boolean): void {
    this.#answered = true;
    this.#parts.telemetry.returned(this.#inFlight, cut, this.#parts.clock.now());
    if (this.#alarm !== null) this.#parts.deadlines.cancel(this.#alarm);
    this.#alarm = null;
  }

  #refuse(status: number): void {
    if (this.#answered) return;
    this.#settled(true);
    endWith(this.#socket, status, ["retry-after", "5"]);
  }
}

function endWith(socket: Duplex, status: number, fields: readonly string[]): void {
  socket.end(headOf(status, ["connection", "close", "content-length", "0", ...fields]));
}

function headOf(status: number, fields: readonly string[]): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
  for (let at = 0; at + 1 < fields.length; at += 2) text += `${fields[at] ?? ""}: ${fields[at + 1] ?? ""}\r\n`;
  return `${text}\r\n`;
}
