/**
 * The connectivity guard: is it them, or is it our own network?
 *
 * Two reference looks at hosts that are always there; either suffices. While all of
 * them fail, what was seen of remote targets is evidence of nothing. Without
 * references the guard is off.
 */
import type { Observation } from "./observation.ts";
import type { Instant } from "./time.ts";

export type Connectivity = {
  /** Last answer of each reference, in the order configured; null before the first. */
  readonly reached: readonly (boolean | null)[];
  /** Since when every reference has failed; null while any answers or has not been asked. */
  readonly lostSince: Instant | null;
  /** When a reference answered (or failed) last; null before the first. */
  readonly at: Instant | null;
};

export function initialConnectivity(references: number): Connectivity {
  return { reached: Array.from({ length: references }, () => null), lostSince: null, at: null };
}

/** Folds one reference's answer in. A `warn` reached it; an `unknown` changes nothing, unless it says itself that there is no network. */
export function observeReference(state: Connectivity, index: number, seen: Observation): Connectivity {
  const noNetwork = seen.kind === "unknown" && seen.cause === "no_network";
  if (seen.kind === "unknown" && !noNetwork) return { ...state, at: seen.at };
  const reached = state.reached.map((old, at) => (at === index ? seen.kind !== "fail" && !noNetwork : old));
  const lost = reached.length > 0 && reached.every((one) => one === false);
  return { reached, lostSince: lost ? (state.lostSince ?? seen.at) : null, at: seen.at };
}

/** An observation of a remote check as it counts: without a network here it is `unknown`. A pass stays a pass: it got through. */
export function guardRemote(seen: Observation, remote: boolean, state: Connectivity): Observation {
  if (!remote || state.lostSince === null || seen.kind === "pass" || seen.kind === "unknown") return seen;
  return { kind: "unknown", at: seen.at, tookMs: seen.tookMs, cause: "no_network", detail: `no reference host answers from here; seen: ${seen.detail}` };
}
