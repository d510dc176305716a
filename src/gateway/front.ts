/**
 * One request from beginning to end: read, plan, serve or forward or refuse, and note what came of it.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { plan, type CopyReason, type Plan, type Settled } from "../core/answer.ts";
import type { ExchangeFault } from "../core/outcome.ts";
import type { Instant } from "../core/time.ts";
import { answerFields } from "./answer-fields.ts";
import { begin, conclude, type EvidenceParts } from "./answered.ts";
import type { Contradictions } from "./contradictions.ts";
import type { Deadlines } from "./deadlines.ts";
import { Exchange, type Upstream } from "./exchange.ts";
import type { Filler } from "./fill.ts";
import type { RequestFields } from "./headers.ts";
import type { IngressParts } from "./ingress-parts.ts";
import type { NonceSource } from "./nonce.ts";
import { flawOf } from "./page-body.ts";
import { refuse, type Refusal } from "./refusal.ts";
import { Relay, type RelayEnd, type RelayParts } from "./relay.ts";
import { isRefused, type Facts, type ReadRequest, type Refused } from "./request-guard.ts";
import { createServeCopy, type ServeCopy } from "./serve-copy.ts";
import type { CacheResult, GatewayEvent, InFlightToken } from "./telemetry.ts";
import { callOf, conditionsOf, contradictedFor, inHand, isOnlyTheirs, isWholeAsset, isWholePage, limitsOf, lookUp, meaningOf, relayMode, resultOf, type Held, type Turn } from "./turn.ts";
import type { Warmer } from "./warm.ts";

export type FrontParts = Omit<IngressParts, "upstream"> & {
  readonly upstream: Upstream;
  readonly deadlines: Deadlines;
  readonly nonces: NonceSource;
  readonly contradictions: Contradictions;
  readonly read: ReadRequest;
  readonly fields: RequestFields;
  readonly filler: Filler;
  readonly warmer: Warmer;
  readonly draining: () => boolean;
};

/** Passed-through requests at once while the breaker denies: enough for the data of copies, too few to sink with a hung application. */
const PASS_WHILE_DENIED = 64;
/** Seconds a buyer is asked to wait. */
const RETRY_AFTER = 5;

/** What a copy served for this reason counts as; the fresh ones are no event. */
const SERVED: Readonly<Record<CopyReason, GatewayEvent | null>> = {
  fresh: null,
  revalidate: null,
  quarantine: "served_quarantined",
  "breaker-open": "served_breaker_open",
  "storefront-open": "served_storefront_open",
  error: "served_on_failure",
};

/** Builds the request listener. It never throws and always ends the response. */
export function createFront(parts: FrontParts): RequestListener {
  const front = new Front(parts);
  return (req, res) => front.handle(req, res);
}

class Front {
  readonly #parts: FrontParts;
  readonly #evidence: EvidenceParts;
  readonly #serveCopy: ServeCopy;
  readonly #wholeFlaw: RelayParts["flaw"];
  readonly #firstFlaw: RelayParts["flaw"];
  /** Requests passed through without judgement, now. */
  #passing = 0;

  constructor(parts: FrontParts) {
    const { preset, breakers, telemetry, clock, trouble, nonces } = parts;
    this.#parts = parts;
    this.#evidence = { breaker: breakers.ingressApp, telemetry, clock, trouble };
    this.#serveCopy = createServeCopy(nonces, clock, preset.neutraliseStyle);
    this.#wholeFlaw = (body) => flawOf(body, preset);
    this.#firstFlaw = (chunk) => flawOf(chunk, { errorMarks: preset.errorMarks, wholeMarks: [] });
  }

  handle(req: IncomingMessage, res: ServerResponse): void {
    const { clock, telemetry, nonces, read, copies, bypass, warmer, preset } = this.#parts;
    const at = clock.now();
    const token = telemetry.arrived(at);
    const requestId = nonces.next(32);
    const facts = read(req);
    if (isRefused(facts)) return this.#reject(req, res, token, facts, requestId);
    if (bypass()) {
      telemetry.count("bypassed");
      return this.#forward({ req, res, facts, requestId, token, copy: null, counted: false }, { kind: "forward", fallback: "none", fill: false }, true);
    }
    const copy = lookUp(copies, facts, at);
    // Learnt by whoever stored it: another worker, or the one before this.
    if (copy !== null) warmer.learn(facts.origin.scheme, facts.host);
    const turn: Turn = { req, res, facts, requestId, token, copy, counted: false };
    const conditions = conditionsOf(this.#parts, facts);
    const planned = plan({ mode: facts.route.mode, method: facts.method, buyer: facts.buyer.kind, partial: req.headers.range !== undefined }, conditions, inHand(copy, preset.neutraliseStyle !== null));
    switch (planned.kind) {
      case "serve":
        if (copy === null) return this.#turnAway(turn, 503, "no-copy");
        this.#serve(turn, copy, planned.why, planned.neutralise, null);
        if (planned.refresh) this.#fill(facts);
        return;
      case "forward":
        if (conditions.denied && this.#passing >= PASS_WHILE_DENIED) return this.#turnAway(turn, 503, "breaker-open");
        return this.#forward(turn, planned, false);
      case "refuse":
        if (planned.why === "quarantine") telemetry.count("quarantine_refused");
        return this.#turnAway(turn, 503, planned.why);
    }
  }

  #forward(turn: Turn, { fallback, fill }: Extract<Plan, { kind: "forward" }>, plain: boolean): void {
    const { req, res, facts, requestId, copy } = turn;
    const { config, contradictions, clock, deadlines, fields, upstream, warmer, draining } = this.#parts;
    const { mode: routeMode } = facts.route;
    const mode = plain ? "stream" : relayMode(req, facts, fallback);
    const result = resultOf(facts, copy);
    const pending = begin(this.#evidence, facts.route, facts.requestClass);
    this.#passing += 1;
    let headedAt: Instant | null = null;

    const relay: Relay = new Relay({
      req, res, mode, fallback,
      holdBytes: config.copyBytesPerEntry,
      flaw: mode === "hold" ? this.#wholeFlaw : this.#firstFlaw,
      storefrontHealthy: () => this.#storefrontHealthy(),
      contradictedFor: () => contradictedFor(contradictions, facts, this.#storefrontHealthy(), clock.now()),
      fields: (status, headers, whole) => answerFields(status, headers, whole, { mode: routeMode, personal: facts.personal, result, requestId, closing: draining() }),
      replace: (settled, status) => this.#replace(turn, settled, status),
      headed: () => {
        headedAt = clock.now();
      },
      ended: (end) => {
        this.#passing -= 1;
        // To the head of the answer: the rest is as slow as the buyer reads.
        const tookMs = (headedAt ?? clock.now()) - pending.token.since;
        const whole = routeMode === "page" && isWholePage(end);
        conclude(this.#evidence, pending, { ...meaningOf(end, this.#storefrontHealthy()), tookMs }, whole);
        // A name is a door of this shop once the shop has answered to it; anybody can ask under any name.
        if (whole && !plain && req.method === "GET") {
          warmer.learn(facts.origin.scheme, facts.host);
          warmer.start();
        }
        this.#count(turn, end.clientGone ? 0 : end.status, relay.sentBytes(), result);
        this.#afterwards(facts, end, fallback, fill);
      },
    });
    relay.attach(Exchange.start(upstream, deadlines, callOf(turn, fields, limitsOf(facts, mode)), relay));
  }

  /** The application's answer will not do. */
  #replace(turn: Turn, settled: Exclude<Settled, { kind: "pass" }>, status: number): void {
    if (settled.kind === "copy" && turn.copy !== null) this.#serve(turn, turn.copy, "error", settled.neutralise, { fault: settled.fault, status });
    else this.#turnAway(turn, settled.kind === "refuse" ? settled.status : 502, settled.fault.replaceAll("_", "-"));
  }

  #afterwards(facts: Facts, end: RelayEnd, fallback: "none" | "copy" | "neutralised", fill: boolean): void {
    const { telemetry, contradictions, copies } = this.#parts;
    if (end.clientGone) telemetry.count("client_gone");
    if (facts.route.mode === "asset" && fill && isWholeAsset(end)) this.#fill(facts);
    if (facts.key === null || facts.route.mode !== "page" || facts.personal) return;
    if (isWholePage(end)) {
      contradictions.clear(facts.key);
      if (fill) this.#fill(facts);
    } else if (end.status === 404 && end.fault === null && !end.clientGone && fallback === "copy") copies.delete(facts.key);
  }

  #fill({ key, route, path, query, host, agent, origin }: Facts): void {
    // Where any host is answered, invented ones must not crowd out the shop's pages.
    if (this.#parts.config.hosts.length === 0 && !this.#parts.warmer.knows(origin.scheme, host)) return;
    if (key !== null) this.#parts.filler.want({ key, route, path, query, host, agent, scheme: origin.scheme });
  }

  #serve(turn: Turn, held: Held, why: CopyReason, neutralise: boolean, failed: { readonly fault: ExchangeFault; readonly status: number } | null): void {
    const { req, res, facts, requestId } = turn;
    const { telemetry } = this.#parts;
    this.#mayBeLast(res);
    const served = this.#serveCopy(req, res, { copy: held.copy, age: held.age, why, failed, neutralise, personal: isOnlyTheirs(facts), requestId });
    if (held.age.ttlLeft <= 0) telemetry.stale(held.age.age);
    const event = SERVED[why];
    if (event !== null) telemetry.count(event);
    this.#count(turn, served.status, served.bytes, served.result);
  }

  #turnAway(turn: Turn, status: Refusal["status"], detail: string): void {
    this.#mayBeLast(turn.res);
    const bytes = refuse(turn.req, turn.res, { status, detail, retryAfter: RETRY_AFTER, requestId: turn.requestId });
    this.#count(turn, status, bytes, status === 503 ? "refused" : "error");
  }

  #reject(req: IncomingMessage, res: ServerResponse, token: InFlightToken, { status }: Refused, requestId: string): void {
    const { telemetry, clock } = this.#parts;
    this.#mayBeLast(res);
    const bytes = refuse(req, res, { status, detail: status === 421 ? "unknown-host" : "bad-request", retryAfter: null, requestId });
    const route = telemetry.route("other");
    telemetry.cache(route, "refused");
    telemetry.answered(token, route, req.method ?? "", status, clock.now(), bytes);
  }

  /** While the gateway ends, an answer of ours says that its connection does too. */
  #mayBeLast(res: ServerResponse): void {
    if (this.#parts.draining()) res.shouldKeepAlive = false;
  }

  #count(turn: Turn, status: number, bytes: number, result: CacheResult): void {
    if (turn.counted) return;
    turn.counted = true;
    const { telemetry, clock } = this.#parts;
    telemetry.cache(turn.facts.index, result);
    telemetry.answered(turn.token, turn.facts.index, turn.req.method ?? "", status, clock.now(), bytes);
  }

  #storefrontHealthy(): boolean {
    return this.#parts.storefront() === "healthy";
  }
}
