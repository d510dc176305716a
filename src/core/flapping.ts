/**
 * Flapping, as Naemon judges it: the last 21 samples, each change of level between
 * two neighbours weighted from 0.75 (oldest) to 1.25 (newest), as a percentage of all
 * the changes there could have been. Enter at 30 %, leave below 20 %.
 *
 * Changes that our own actions caused do not count, nor do the exits of a process: a
 * crash loop is for the restart ladder, and must not freeze it.
 */
import type { Observation } from "./observation.ts";
import type { Instant } from "./time.ts";

export const FLAP_SAMPLES = 21;
export const FLAP_ENTER_PERCENT = 30;
export const FLAP_LEAVE_PERCENT = 20;

export type FlapState = {
  /** Bit i: the sample i steps back differed from the one before it; bit 0 is the newest. */
  readonly changes: number;
  readonly last: "pass" | "warn" | "fail" | null;
  /** The last sample was an exit, so a change away from it does not count either. */
  readonly lastExited: boolean;
  readonly flapping: boolean;
  /** When flapping began or ended; null before the first time. */
  readonly since: Instant | null;
};

export const STEADY: FlapState = { changes: 0, last: null, lastExited: false, flapping: false, since: null };

/**
 * Folds one observation in. `excused`: a change at this sample was caused by an action of our own.
 */
export function observeFlap(state: FlapState, seen: Observation, excused: boolean): FlapState {
  if (seen.kind === "unknown") return state;
  const exited = seen.kind === "fail" && seen.cause === "exited";
  const changed = state.last !== null && state.last !== seen.kind && !excused && !exited && !state.lastExited;
  const changes = ((state.changes << 1) | (changed ? 1 : 0)) & MASK;
  const percent = changePercent(changes);
  const flapping = state.flapping ? percent >= FLAP_LEAVE_PERCENT : percent >= FLAP_ENTER_PERCENT;
  return { changes, last: seen.kind, lastExited: exited, flapping, since: flapping === state.flapping ? state.since : seen.at };
}

/** How much of the window changed, weighted; 0 to 100. */
export function flapPercent(state: FlapState): number {
  return changePercent(state.changes);
}

const PAIRS = FLAP_SAMPLES - 1;
const MASK = (1 << PAIRS) - 1;
const NEWEST_WEIGHT = 1.25;
const OLDEST_WEIGHT = 0.75;

function changePercent(changes: number): number {
  let sum = 0;
  for (let back = 0; back < PAIRS; back += 1) {
    if ((changes & (1 << back)) !== 0) sum += NEWEST_WEIGHT - ((NEWEST_WEIGHT - OLDEST_WEIGHT) * back) / (PAIRS - 1);
  }
  return (sum * 100) / PAIRS;
}
