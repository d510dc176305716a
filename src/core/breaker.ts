/**
 * Circuit breakers as values: names, positions, holds. opossum keeps the state
 * machine; nothing here is a second one.
 */
import type { Instant } from "./time.ts";

/** There is one breaker of a name. */
export type BreakerName = "ingress:app" | "egress:storefront";

export const BREAKER_NAMES: readonly BreakerName[] = ["ingress:app", "egress:storefront"];

export type BreakerPosition = "closed" | "open" | "half_open";

/**
 * An expiring override by a person, a policy or the pulse.
 *
 * Each holder has at most one hold on a breaker and only the same holder can release it.
 * Among several, a person's goes before a policy's before the pulse's, so that no
 * automatism undoes what somebody decided; within a rank, the one set last.
 */
export type BreakerHold = {
  readonly breaker: BreakerName;
  readonly position: "open" | "closed";
  readonly until: Instant;
  /** "pulse", "policy:circuit_breaker" or a person's name. */
  readonly by: string;
  readonly why: string;
};

export type BreakerView = {
  readonly name: BreakerName;
  /** What requests meet: the hold's position where one is in force, else the breaker's own. */
  readonly effective: BreakerPosition;
  readonly own: BreakerPosition;
  readonly since: Instant;
  readonly hold: BreakerHold | null;
};

/** Most holds on one breaker at once. A further holder's replaces the weakest that was set first. */
export const MAX_HOLDS = 16;

/** Holds on one breaker, in the order they were set; at most one a holder. */
export type Holds = readonly BreakerHold[];

/** Sets a hold, replacing the same holder's earlier one and dropping what has expired. */
export function withHold(holds: Holds, hold: BreakerHold, now: Instant): Holds {
  const others = inForce(holds, now).filter(({ by }) => by !== hold.by);
  if (others.length < MAX_HOLDS) return [...others, hold];
  const weakest = Math.min(...others.map(rank));
  const dropped = others.findIndex((other) => rank(other) === weakest);
  return [...others.filter((_, at) => at !== dropped), hold];
}

/** Ends a holder's hold; another holder's stays. */
export function withoutHold(holds: Holds, by: string, now: Instant): Holds {
  return inForce(holds, now).filter((hold) => hold.by !== by);
}

/** The hold that decides now, or null when none is in force. A hold is over at its `until`. */
export function effectiveHold(holds: Holds, now: Instant): BreakerHold | null {
  let best: BreakerHold | null = null;
  for (const hold of holds) {
    if (hold.until > now && (best === null || rank(hold) >= rank(best))) best = hold;
  }
  return best;
}

function inForce(holds: Holds, now: Instant): Holds {
  return holds.filter(({ until }) => until > now);
}

function rank({ by }: BreakerHold): number {
  if (by === "pulse") return 0;
  return by.startsWith("policy:") ? 1 : 2;
}
