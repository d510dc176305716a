/**
 * What is worked out about one request on its way through the front.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Conditions, CopyInHand } from "../core/answer.ts";
import { copyAge, type CopyAge } from "../core/copy-age.ts";
import { judge, type ExchangeFault, type Verdict } from "../core/outcome.ts";
import { keepsCopies } from "../core/preset.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { CopyStore, SharedCopy } from "../ports/copy-store.ts";
import type { Contradictions } from "./contradictions.ts";
import type { Call, Limits } from "./exchange.ts";
import { carriesBody, type RequestFields } from "./headers.ts";
import type { IngressParts } from "./ingress-parts.ts";
import type { RelayEnd, RelayMode } from "./relay.ts";
import type { Facts } from "./request-guard.ts";
import type { CacheResult, InFlightToken } from "./telemetry.ts";

/** A copy that may be used for this request, with its age. */
export type Held = { readonly copy: SharedCopy; readonly age: CopyAge };

/** What one request carries through its steps. */
export type Turn = {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly facts: Facts;
  readonly requestId: string;
  readonly token: InFlightToken;
  readonly copy: Held | null;
  /** Counted already: an answer is counted once, whoever gives it. */
  counted: boolean;
};

/** The copy of this page or asset; where there is none of a page, that of the other class of agents, which may only stand in. */
export function lookUp(copies: CopyStore, facts: Facts, now: Instant): Held | null {
  if (!keepsCopies(facts.route.mode) || facts.key === null) return null;
  const own = copies.get(facts.key);
  if (own !== null) return { copy: own, age: copyAge(own.meta, now) };
  const other = facts.otherKey === null ? null : copies.get(facts.otherKey);
  if (other === null) return null;
  const age = copyAge(other.meta, now);
  return { copy: other, age: { ...age, freshness: age.onError ? "error_only" : "expired" } };
}

export function inHand(held: Held | null, neutralises: boolean): CopyInHand | null {
  return held === null ? null : { age: held.age, neutralisable: neutralises && held.copy.meta.neutraliseAt !== null };
}

export function conditionsOf({ breakers, quarantine }: Pick<IngressParts, "breakers" | "quarantine">, facts: Facts): Conditions {
  return {
    denied: !breakers.ingressApp.admits(),
    storefrontDenied: !breakers.egressStorefront.admits(),
    quarantined: quarantine.suspects(facts.requestClass),
  };
}

/** How much is seen before the first byte leaves; see relay.ts. */
export function relayMode(req: IncomingMessage, facts: Facts, fallback: "none" | "copy" | "neutralised"): RelayMode {
  if (facts.route.mode === "asset" && fallback !== "none") return "judge";
  if (facts.route.mode !== "page" || facts.method === "write") return "stream";
  return fallback === "copy" && req.method === "GET" ? "hold" : "judge";
}

/** Least first-byte limit of a write: cut off earlier, its line may be in the cart all the same, and the buyer adds it twice. */
const WRITE_FIRST_BYTE: Ms = 15_000;

/** A held page must be whole by the time its first byte was due: the buyer sees nothing until then. */
export function limitsOf({ route, method }: Pick<Facts, "route" | "method">, mode: RelayMode): Limits {
  const { bodyIdle, whole } = route;
  const firstByte = method === "write" && route.firstByte > 0 ? Math.max(route.firstByte, WRITE_FIRST_BYTE) : route.firstByte;
  return mode === "hold" && firstByte > 0 ? { firstByte, bodyIdle, whole: whole === 0 ? firstByte : Math.min(whole, firstByte) } : { firstByte, bodyIdle, whole };
}

/** The answer is this buyer's alone. An asset is everybody's. */
export function isOnlyTheirs({ route, personal }: Pick<Facts, "route" | "personal">): boolean {
  return personal && route.mode !== "asset";
}

export function resultOf(facts: Facts, held: Held | null): Extract<CacheResult, "MISS" | "EXPIRED" | "BYPASS"> {
  if (!keepsCopies(facts.route.mode) || facts.key === null || isOnlyTheirs(facts)) return "BYPASS";
  return held === null ? "MISS" : "EXPIRED";
}

export function callOf({ req, facts, requestId }: Turn, fields: RequestFields, limits: Limits): Call {
  const hasBody = facts.method === "write" && carriesBody(req);
  const contentLength = hasBody && req.headers["transfer-encoding"] === undefined ? (req.headers["content-length"] ?? null) : null;
  return {
    method: req.method ?? "GET",
    path: facts.target,
    headers: fields(req, { host: facts.host, origin: facts.origin, requestId, contentLength }),
    body: hasBody ? req : null,
    limits,
    fresh: facts.method === "write",
  };
}

/**
 * How long the page has been answered 404 though we hold it; while the API is not healthy the question does not arise.
 * Nor does it with an asset: one that the application no longer has is what its copy is kept for.
 */
export function contradictedFor(contradictions: Contradictions, { key, route }: Pick<Facts, "key" | "route">, storefrontHealthy: boolean, now: Instant): Ms {
  if (key === null || route.mode === "asset") return 0;
  if (storefrontHealthy) return contradictions.seen(key, now);
  contradictions.clear(key);
  return 0;
}

/** What the exchange behind an answer means to the breaker. */
export function meaningOf(end: RelayEnd, storefrontHealthy: boolean): { readonly verdict: Verdict; readonly fault: ExchangeFault | null } {
  if (end.clientGone) return judge({ kind: "client_gone" });
  switch (end.fault) {
    case null:
    case "status":
      return judge({ kind: "answered", status: end.status, errorPage: false });
    case "error_page":
      return judge({ kind: "answered", status: end.status, errorPage: true });
    case "wrong_404":
      return storefrontHealthy ? { verdict: "neutral", fault: null } : { verdict: "failure", fault: "wrong_404" };
    case "connect":
    case "reset":
    case "first_byte":
    case "body_idle":
    case "whole":
    case "truncated":
      return judge({ kind: "broken", fault: end.fault });
  }
}

/** A whole file that says it never changes. */
export function isWholeAsset({ clientGone, fault, html, immutable, status }: RelayEnd): boolean {
  return !clientGone && fault === null && status === 200 && immutable && !html;
}

/** A whole rendered page. */
export function isWholePage({ clientGone, fault, html, status }: RelayEnd): boolean {
  return !clientGone && fault === null && html && status >= 200 && status < 300;
}
