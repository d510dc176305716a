/**
 * One place for what an exchange with the application meant: breaker, evidence,
 * in-flight table and the hint to the checks are told together, once.
 */
import type { Call as JudgedCall } from "../core/outcome.ts";
import type { RouteSpec } from "../core/preset.ts";
import type { Breaker, CallTicket } from "../ports/breaker.ts";
import type { Clock } from "../ports/clock.ts";
import type { InFlightToken, Telemetry } from "./telemetry.ts";

export type EvidenceParts = {
  readonly breaker: Breaker;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly trouble: (cause: string) => void;
};

/** A call under way. */
export type Pending = { readonly ticket: CallTicket; readonly token: InFlightToken; readonly route: RouteSpec };

/** Notes that a call leaves for the application. */
export function begin(parts: EvidenceParts, route: RouteSpec, requestClass: string): Pending {
  return { ticket: parts.breaker.begin(), token: parts.telemetry.sent(requestClass, parts.clock.now()), route };
}

/**
 * Notes how it ended.
 *
 * The breaker judges rendered pages: an asset that is served says nothing about pages, and a
 * login route may answer 500 for reasons of its own. Of other routes only silence and broken
 * connections count.
 *
 * @param page a whole rendered page with a 2xx.
 */
export function conclude(parts: EvidenceParts, pending: Pending, call: JudgedCall, page: boolean): void {
  const { telemetry, breaker, clock, trouble } = parts;
  const { ticket, token, route } = pending;
  const now = clock.now();
  const silent = call.fault !== null && call.fault !== "status" && call.fault !== "error_page" && call.fault !== "wrong_404";
  telemetry.returned(token, call.fault === "reset" || call.fault === "truncated" || call.fault === "connect", now);
  const counts = route.mode === "page" || silent;
  breaker.record(ticket, counts ? call.verdict : "neutral", call.tookMs > route.firstByte / 2);
  if (call.verdict === "success" && counts) telemetry.succeeded(now, page);
  if (call.verdict !== "failure" || !counts) return;
  telemetry.failed(now);
  trouble(`${route.name}:${call.fault ?? "failure"}`);
}
