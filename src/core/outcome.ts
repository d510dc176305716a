/**
 * What one exchange with the application means to a breaker. Pure: the caller saw
 * the exchange; this module says whether it speaks for or against the application.
 */
import type { Ms } from "./time.ts";

/** `neutral`: no evidence either way. `throttled`: the application says it is being rationed, which is not death. */
export type Verdict = "success" | "failure" | "neutral" | "throttled";

/** Why an exchange failed. Closed, so that metrics can label by it. */
export type ExchangeFault =
  | "connect"
  | "reset"
  | "first_byte"
  | "body_idle"
  | "whole"
  | "truncated"
  | "status"
  | "error_page"
  | "wrong_404";

/** How an exchange with the application ended. */
export type Exchange =
  /** Answered to the last byte. `errorPage`: a rendered error under whatever status. */
  | { readonly kind: "answered"; readonly status: number; readonly errorPage: boolean }
  /** No whole answer: nobody there, a deadline missed, a body cut off. */
  | { readonly kind: "broken"; readonly fault: Extract<ExchangeFault, "connect" | "reset" | "first_byte" | "body_idle" | "whole" | "truncated"> }
  /** The buyer left first. */
  | { readonly kind: "client_gone" };

/** What a breaker is told about a call: its meaning and its length. */
export type Call = { readonly verdict: Verdict; readonly tookMs: Ms; readonly fault: ExchangeFault | null };

/** Statuses by which an application says that it failed. Others of 5xx (501, 505) are answers about the request. */
export function isFailureStatus(status: number): boolean {
  return status === 500 || status === 502 || status === 503 || status === 504;
}

/** Statuses by which an upstream rations: 429, and Shopify's 430. */
export function isThrottleStatus(status: number): boolean {
  return status === 429 || status === 430;
}

/**
 * Judges one exchange.
 *
 * A 404 is neutral here; whether it contradicts a stored page is for `settle` in
 * answer.ts, which knows the copy. Never throws.
 */
export function judge(exchange: Exchange): { readonly verdict: Verdict; readonly fault: ExchangeFault | null } {
  switch (exchange.kind) {
    case "client_gone":
      return { verdict: "neutral", fault: null };
    case "broken":
      return { verdict: "failure", fault: exchange.fault };
    case "answered":
      if (isFailureStatus(exchange.status)) return { verdict: "failure", fault: "status" };
      if (isThrottleStatus(exchange.status)) return { verdict: "throttled", fault: null };
      if (exchange.status < 400) return exchange.errorPage ? { verdict: "failure", fault: "error_page" } : { verdict: "success", fault: null };
      return { verdict: "neutral", fault: null };
  }
}
