/**
 * The main thread's part of the quarantine: gathers what the workers had in flight at each
 * death and decides for all of them.
 */
import { afterDeath, afterVerdict, NO_QUARANTINE, quarantined, type DependencyVerdict, type Quarantine } from "../core/quarantine.ts";
import type { QuarantinedClass } from "../core/gateway-view.ts";
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
  /** The same, with since when and until when at the latest. */
  view(): readonly QuarantinedClass[];
  stop(): void;
}

/** The classes held changed. */
export type QuarantineShift = {
  readonly held: readonly string[];
  readonly added: readonly string[];
  readonly lifted: readonly string[];
  /** For people: why those that came came, and those that went went. */
  readonly why: string;
};

/** Two reports of a death within this time are of one. */
const SAME_DEATH_MS = 250;

const KILLS = "in flight at two deaths of the application";
const FORGOTTEN = "in flight at no death of the application lately";

/** @param onChange called when the held classes changed */
export function createQuarantineDesk(clock: Clock, onChange: (shift: QuarantineShift) => void): QuarantineDesk {
  let state: Quarantine = NO_QUARANTINE;
  let held: ReadonlyMap<string, QuarantinedClass> = new Map();
  let death: { readonly at: Instant; readonly counted: Set<string> } = { at: -Infinity, counted: new Set() };
  let cancel = (): void => {};

  const settle = (acquittal: string): void => {
    cancel();
    const now = clock.now();
    const next = quarantined(state, now);
    const ends = [...next.values()].filter((until) => until !== null);
    if (ends.length > 0) cancel = clock.after(Math.min(...ends) - now, () => settle(FORGOTTEN));
    const added = [...next.keys()].filter((name) => !held.has(name));
    const lifted = [...held.keys()].filter((name) => !next.has(name));
    held = new Map([...next].map(([requestClass, until]) => [requestClass, { requestClass, since: held.get(requestClass)?.since ?? now, until }]));
    const names = [...held.keys()];
    if (lifted.length > 0) onChange({ held: names, added: [], lifted, why: acquittal });
    if (added.length > 0) onChange({ held: names, added, lifted: [], why: KILLS });
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
      settle(FORGOTTEN);
    },
    verdict(health) {
      state = afterVerdict(state, health);
      settle(health === "healthy" ? "the Storefront API is healthy" : FORGOTTEN);
    },
    held: () => [...held.keys()],
    view: () => [...held.values()],
    stop: () => cancel(),
  };
}
