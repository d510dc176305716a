/**
 * Tries at the provider: few, soon, and then a person. What cannot be done within the minute that buyers were promised
 * is not done by asking for ever; and a provider that asks to be left alone may lock us out for longer if it is not.
 */
import type { Instant, Ms } from "../time.ts";
import type { RegionRules } from "./region.ts";

export type Tries = {
  readonly count: number;
  /** When the first of them began; meaningless while `count` is 0. */
  readonly since: Instant;
  /** Not before. */
  readonly nextAt: Instant;
  /** No more by ourselves, until the provider has answered again. */
  readonly over: boolean;
  /** How often it has been begun anew after that. */
  readonly begun: number;
  readonly why: string;
};

export const NO_TRIES: Tries = { count: 0, since: 0, nextAt: 0, over: false, begun: 0, why: "" };

/** In one run of tries. */
const MAX_TRIES = 6;
const FIRST_PAUSE: Ms = 1_000;
/** Longer than this nobody waits within a minute: a person is called, whatever the provider asks for. */
const MAX_RETRY_AFTER: Ms = 10_000;
/** Runs of tries for one order. */
const MAX_RUNS = 3;

export type TryFailure = {
  /** Trying again cannot help until a person has done something. */
  readonly final: boolean;
  /** What the provider asks for; 0: nothing. */
  readonly retryAfterMs: Ms;
  readonly why: string;
};

/** Takes in one failure. */
export function failedTry(tries: Tries, failure: TryFailure, beganAt: Instant, now: Instant, { tryFor }: RegionRules): Tries {
  const count = tries.count + 1;
  const since = tries.count === 0 ? beganAt : tries.since;
  const nextAt = now + Math.max(failure.retryAfterMs, FIRST_PAUSE * 2 ** Math.min(count - 1, 4));
  const over = failure.final || failure.retryAfterMs > MAX_RETRY_AFTER || count >= MAX_TRIES || nextAt - since >= tryFor;
  return { ...tries, count, since, nextAt, over, why: failure.why };
}

/** The provider has answered a reading: one that was given up is tried anew, a bounded number of times. */
export function answeredAgain(tries: Tries, now: Instant): Tries {
  if (!tries.over || now < tries.nextAt || tries.begun + 1 >= MAX_RUNS) return tries;
  return { ...NO_TRIES, begun: tries.begun + 1 };
}
