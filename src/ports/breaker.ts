/**
 * A circuit breaker: may buyers' requests go to the upstream now?
 *
 * Buyers are never the guinea pigs: while it is half-open, the breaker runs trial
 * requests of its own and denies everyone else.
 */
import type { BreakerHold, BreakerName, BreakerPosition, BreakerView } from "../core/breaker.ts";
import type { Instant, Ms } from "../core/time.ts";

/**
 * What one upstream call meant. `neutral` (client gone, other 4xx, refused here, answered from a copy)
 * counts for nothing; `throttled` (429, 430, THROTTLED) feeds the throttle and counts for nothing else.
 */
export type CallOutcome = "success" | "failure" | "neutral" | "throttled";

/** Drawn when a call starts. Outcomes of calls that started before the breaker last moved count for nothing. */
export type CallTicket = number;

/** Throttling by the upstream; apart from open and closed. */
export type ThrottleView = {
  /** Throttled calls of the last 10 s. */
  readonly recent: number;
  readonly lastAt: Instant | null;
};

/** One change of the breaker's own position, holds apart. */
export type BreakerChange = {
  readonly breaker: BreakerName;
  readonly position: BreakerPosition;
  readonly at: Instant;
  /** One sentence: "5 failures in a row", "3 of 3 trials passed". */
  readonly why: string;
};

export interface Breaker {
  readonly name: BreakerName;
  /** True when buyers' requests may be forwarded: effectively closed. Cheap; asked once per request. */
  admits(): boolean;
  /** Draws the ticket of a call about to be sent. */
  begin(): CallTicket;
  /**
   * Records how a call ended, synchronously.
   *
   * @param slow it took longer than its route's budget
   */
  record(ticket: CallTicket, outcome: CallOutcome, slow: boolean): void;
  /**
   * There is evidence that the upstream is back: run the trials now instead of waiting out the time.
   * Does nothing unless the breaker is open by itself; trials start at most once a second.
   */
  retrySoon(): void;
  /** Puts a hold in force until it expires or its holder releases it. Replaces the same holder's earlier hold. */
  hold(hold: BreakerHold): void;
  /** Ends the hold of this holder; another holder's stays. */
  release(by: string): void;
  view(): BreakerView;
  throttle(): ThrottleView;
  /** Leaves no timer behind. Afterwards it admits, and records nothing. */
  shutdown(): void;
}

/**
 * One safe trial request against the upstream; true: it is well.
 * A rejection is a failed trial. The signal aborts at the trial's deadline.
 */
export type Trial = (signal: AbortSignal, deadline: Ms) => Promise<boolean>;
