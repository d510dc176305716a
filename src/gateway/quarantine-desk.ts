/**
 * The main thread's part of the quarantine: gathers what the workers had in flight at each
 * death and decides for all of them.
 */
import { afterDeath, afterVerdict, NO_QUARANTINE, quarantined, type DependencyVerdict, type Quarantine } from "../core/quarantine.ts";
import type { Instant } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";

export interface QuarantineDesk {
  /** @returns the instant to ask the workers about; null: the same death was told of just before. */
  died(): Instant | null;
  /** What one worker had in flight at the death `at`; late answers about an earlier death count for nothing. */
  suspects(at: Instant, classes: readonly string[]): void;
  verdict(health: DependencyVerdict): void;
  /** Classes not to be forwarded now. */
  held(): readonly string[];
  stop(): void;
}

/** Two reports of a death within this time are of one. */
const SAME_DEATH_MS = 250;

/** @param onChange called when the held classes changed, with those that came and went */
export function createQuarantineDesk(clock: Clock, onChange: (held: readonly string[], added: readonly string[], lifted: readonly string[]) => void): QuarantineDesk {
  let state: Quarantine = NO_QUARANTINE;
  let held: ReadonlySet<string> = new Set();
  let death: { readonly at: Instant; readonly counted: Set<string> } = { at: -Infinity, counted: new Set() };
  let cancel = (): void => {};

  const settle = (): void => {
    cancel();
    const now = clock.now();
    const next = quarantined(state, now);
    const ends = [...next.values()].filter((until) => until !== null);
    if (ends.length > 0) cancel = clock.after(Math.min(...ends) - now, settle);
    const added = [...next.keys()].filter((name) => !held.has(name));
    const lifted = [...held].filter((name) => !next.has(name));
    held = new Set(next.keys());
    if (added.length > 0 || lifted.length > 0) onChange([...held], added, lifted);
  };

  return {
    died() {
      const at = clock.now();
      if (at - death.at < SAME_DEATH_MS) return null;
      death = { at, counted: new Set() };
      return at;
    },
    suspects(at, classes) {
      if (at !== death.at) return;
      const fresh = classes.filter((name) => !death.counted.has(name));
      for (const name of fresh) death.counted.add(name);
      state = afterDeath(state, at, fresh);
      settle();
    },
    verdict(health) {
      state = afterVerdict(state, health);
      settle();
    },
    held: () => [...held],
    stop: () => cancel(),
  };
}
