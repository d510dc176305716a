/**
 * Asks the reference hosts of the connectivity guard: every 10 s, every 2 s while they
 * are silent, and at once when a remote look went wrong, so that the look is never
 * judged by what the network was like before it.
 */
import type { Connectivity } from "../core/connectivity.ts";
import { initialConnectivity, observeReference } from "../core/connectivity.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { PreparedProbe } from "../ports/probe.ts";
import type { Looker } from "./look.ts";
import { SHARED } from "./roll.ts";

const STEADY_MS: Ms = 10_000;
const LOST_MS: Ms = 2_000;
const DEADLINE_MS: Ms = 1_000;

export interface References {
  start(): void;
  stop(): void;
  state(): Connectivity;
  /** The state of a round that began at `since` or later; one round serves all who wait. Without references: at once. */
  freshSince(since: Instant): Promise<Connectivity>;
}

export function createReferences(parts: { readonly probes: readonly PreparedProbe[]; readonly clock: Clock; readonly looker: Looker; readonly signal: AbortSignal; readonly onChange: (state: Connectivity) => void }): References {
  const { probes, clock, looker, signal, onChange } = parts;
  let state = initialConnectivity(probes.length);
  let ordinal = 0;
  let roundBeganAt: Instant = Number.NEGATIVE_INFINITY;
  let current: { readonly beganAt: Instant; readonly done: Promise<void> } | null = null;
  let cancel: (() => void) | null = null;

  const ask = async (): Promise<void> => {
    const looks = probes.map((probe) => looker.look(probe, { target: SHARED, deadlineMs: DEADLINE_MS, ordinal }, () => {}));
    ordinal += 1;
    const before = state.lostSince;
    for (const [index, look] of looks.entries()) state = observeReference(state, index, await look);
    if ((before === null) !== (state.lostSince === null)) onChange(state);
  };
  const round = (): Promise<void> => {
    if (current !== null) return current.done;
    const beganAt = clock.now();
    const done = ask().then(() => {
      roundBeganAt = beganAt;
      current = null;
      plan();
    });
    current = { beganAt, done };
    return done;
  };
  const plan = (): void => {
    cancel?.();
    cancel = null;
    if (signal.aborted) return;
    cancel = clock.after(state.lostSince === null ? STEADY_MS : LOST_MS, () => void round());
  };

  return {
    start: () => {
      if (probes.length > 0) void round();
    },
    stop: () => {
      cancel?.();
      cancel = null;
    },
    state: () => state,
    freshSince: async (since) => {
      if (probes.length === 0) return state;
      while (roundBeganAt < since && !signal.aborted) await round();
      return state;
    },
  };
}
