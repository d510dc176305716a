/**
 * What a buyer gets: decided once before the application is asked (`plan`) and once
 * when it has answered or failed (`settle`). Pure; the gateway carries it out.
 *
 * Two rules stand above all others: a personal request never gets a copy that still shows
 * an anonymous buyer's cart, and a path of the never-list never gets a copy at all.
 */
import type { BuyerClass } from "./cookies.ts";
import { isPersonal } from "./cookies.ts";
import type { CopyAge } from "./copy-age.ts";
import { isFailureStatus, isThrottleStatus, type ExchangeFault } from "./outcome.ts";
import type { RouteMode } from "./preset.ts";
import type { Ms } from "./time.ts";

/** What is known of a request before it is sent anywhere. */
export type Ask = {
  readonly mode: RouteMode;
  /** `read`: GET or HEAD. */
  readonly method: "read" | "write";
  readonly buyer: BuyerClass;
  /** Asks for a part only (Range, RFC 9110 §14.2). */
  readonly partial: boolean;
};

/** A stored copy, as far as deciding goes. */
export type CopyInHand = {
  readonly age: CopyAge;
  /** The page has a place for the preset's neutralising style, and the preset has one. */
  readonly neutralisable: boolean;
};

/** How things stand with the application. */
export type Conditions = {
  /** The application's breaker denies. */
  readonly denied: boolean;
  /** The Storefront API's breaker denies: pages would come back broken or empty. */
  readonly storefrontDenied: boolean;
  /** Requests of this class were in flight at two deaths. */
  readonly quarantined: boolean;
};

/** Why a copy is served instead of the application's answer. Closed: it is the `detail` of Cache-Status. */
export type CopyReason = "fresh" | "revalidate" | "breaker-open" | "storefront-open" | "quarantine" | "error";

export type Plan =
  | { readonly kind: "serve"; readonly why: CopyReason; /** Fetch a newer one behind the buyer's back. */ readonly refresh: boolean; /** Put the neutralising style in. */ readonly neutralise: boolean }
  | {
      readonly kind: "forward";
      /** A copy may replace a failed answer; neutralised where `neutralise`. */
      readonly fallback: "none" | "copy" | "neutralised";
      /** Let a good answer be followed by a fetch of our own. */
      readonly fill: boolean;
    }
  | { readonly kind: "refuse"; readonly why: "breaker-open" | "quarantine" };

/**
 * Decides before anything is sent.
 *
 * @param copy the stored copy of this URL; null: there is none. Ignored on routes that keep none.
 */
export function plan(ask: Ask, conditions: Conditions, copy: CopyInHand | null): Plan {
  if (ask.mode === "asset") return planAsset(ask, conditions, copy);
  const usable = inHand(ask, copy);
  const stand = usable === null || !usable.age.onError ? "none" : standIn(ask.buyer, usable);
  const neutralise = stand === "neutralised";

  if (conditions.quarantined) return stand === "none" ? { kind: "refuse", why: "quarantine" } : { kind: "serve", why: "quarantine", refresh: false, neutralise };
  if (usable !== null && !isPersonal(ask.buyer)) {
    // The same copy either way; who looks from outside is to know that it stands in for an application that is not asked.
    if (usable.age.freshness === "fresh") return { kind: "serve", why: conditions.denied ? "breaker-open" : "fresh", refresh: false, neutralise: false };
    if (usable.age.freshness === "revalidate" && !conditions.denied && !conditions.storefrontDenied) {
      return { kind: "serve", why: "revalidate", refresh: true, neutralise: false };
    }
  }
  if (conditions.denied) return denied(ask, stand);
  if (conditions.storefrontDenied && stand === "copy") return { kind: "serve", why: "storefront-open", refresh: false, neutralise };
  return { kind: "forward", fallback: stand, fill: ask.mode === "page" && ask.method === "read" && !isPersonal(ask.buyer) };
}

/**
 * A file that never changes: a copy is right for everybody, whoever asks and however the application is. A part of one
 * is the application's to cut, while it is asked at all; else the whole is a lawful answer (RFC 9110 §14.2).
 */
function planAsset({ method, partial }: Ask, { denied, quarantined }: Conditions, copy: CopyInHand | null): Plan {
  const age = method === "read" && copy !== null ? copy.age : null;
  const asked = !denied && !quarantined;
  if (age !== null && !(partial && asked)) {
    if (age.freshness === "fresh") return { kind: "serve", why: "fresh", refresh: false, neutralise: false };
    if (age.freshness === "revalidate" && asked) return { kind: "serve", why: "revalidate", refresh: true, neutralise: false };
  }
  const stands = age !== null && age.onError;
  if (asked) return { kind: "forward", fallback: stands ? "copy" : "none", fill: method === "read" };
  const why = quarantined ? "quarantine" : "breaker-open";
  return stands ? { kind: "serve", why, refresh: false, neutralise: false } : { kind: "refuse", why };
}

/**
 * While the breaker is open: copies of pages; what is only passed through (their data) still goes,
 * for the breaker judges rendered pages; everything else is refused at once.
 */
function denied(ask: Ask, stand: "none" | "copy" | "neutralised"): Plan {
  if (stand !== "none") return { kind: "serve", why: "breaker-open", refresh: false, neutralise: stand === "neutralised" };
  if (ask.mode === "pass" && ask.method === "read") return { kind: "forward", fallback: "none", fill: false };
  return { kind: "refuse", why: "breaker-open" };
}

/** The copy, where this request may be answered from one at all. */
function inHand(ask: Ask, copy: CopyInHand | null): CopyInHand | null {
  return ask.mode === "page" && ask.method === "read" ? copy : null;
}

/** What may stand in for a failing application for this buyer. */
function standIn(buyer: BuyerClass, copy: CopyInHand): "none" | "copy" | "neutralised" {
  switch (buyer) {
    case "none":
    case "ignorable":
      return "copy";
    case "cart":
    case "other":
      return copy.neutralisable ? "neutralised" : "none";
    case "session":
      return "none";
  }
}

/** What came of forwarding, judged before the buyer was sent anything. */
export type Result =
  | { readonly kind: "answered"; readonly status: number; /** Rendered by an error boundary, or not whole. */ readonly errorPage: boolean }
  | { readonly kind: "broken"; readonly fault: ExchangeFault };

export type Settling = {
  /** As planned. */
  readonly fallback: "none" | "copy" | "neutralised";
  /** The shopify_api check is healthy. `unknown` is not: it is no proof that a 404 is right. */
  readonly storefrontHealthy: boolean;
  /** How long answers have contradicted the stored 200 with 404s while the API was healthy; 0 at the first. */
  readonly contradictedFor: Ms;
};

export type Settled =
  | { readonly kind: "pass" }
  | { readonly kind: "copy"; readonly neutralise: boolean; readonly fault: ExchangeFault }
  /** `status` 502: nobody there or cut off. 504: too late. */
  | { readonly kind: "refuse"; readonly status: 502 | 504; readonly fault: ExchangeFault };

/** A 404 must contradict a stored page for this long, with a healthy API, before it is believed: verdicts take three looks. */
export const BELIEVE_404_AFTER: Ms = 30_000;

/** Decides what the buyer gets once the application answered or failed. */
export function settle(result: Result, settling: Settling): Settled {
  if (result.kind === "broken") {
    return settling.fallback === "none" ? { kind: "refuse", status: refusalOf(result.fault), fault: result.fault } : standing(settling, result.fault);
  }
  const fault = faultOf(result, settling);
  return fault === null || settling.fallback === "none" ? { kind: "pass" } : standing(settling, fault);
}

function standing(settling: Settling, fault: ExchangeFault): Settled {
  return { kind: "copy", neutralise: settling.fallback === "neutralised", fault };
}

/** Why an answer must not reach a buyer while there is a copy; null: it may. */
function faultOf({ status, errorPage }: Extract<Result, { kind: "answered" }>, settling: Settling): ExchangeFault | null {
  if (isFailureStatus(status) || isThrottleStatus(status)) return "status";
  if (status === 404 && settling.fallback !== "none" && isWrong404(settling.storefrontHealthy, settling.contradictedFor)) return "wrong_404";
  return errorPage && status < 400 ? "error_page" : null;
}

/**
 * Is a 404 for a URL with a stored 200 a failure? Hydrogen turns a throttled API into 404s, so it is
 * unless the API is healthy and the answer has stayed the same for a while.
 */
export function isWrong404(storefrontHealthy: boolean, contradictedFor: Ms): boolean {
  return !storefrontHealthy || contradictedFor < BELIEVE_404_AFTER;
}

function refusalOf(fault: ExchangeFault): 502 | 504 {
  switch (fault) {
    case "first_byte":
    case "body_idle":
    case "whole":
      return 504;
    case "connect":
    case "reset":
    case "truncated":
    case "status":
    case "error_page":
    case "wrong_404":
      return 502;
  }
}
