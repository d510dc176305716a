/**
 * How the breakers of all workers stand, and the holds on them: what outlives a worker.
 */
import { BREAKER_NAMES, effectiveHold, withHold, withoutHold, type BreakerHold, type BreakerName, type BreakerView, type Holds } from "../core/breaker.ts";
import type { Instant } from "../core/time.ts";
import type { BreakerChange } from "../ports/breaker.ts";
import type { Clock } from "../ports/clock.ts";

export interface BreakerBoard {
  /** A worker's breaker changed its own position. */
  report(life: number, change: BreakerChange): void;
  /** A worker ended; its breakers with it. */
  forget(life: number): void;
  /** @returns true when what requests meet has changed by it; a renewal changes nothing. */
  hold(hold: BreakerHold): boolean;
  /** @returns as `hold` does. */
  release(breaker: BreakerName, by: string): boolean;
  /** Every hold set and not released. */
  holds(): readonly BreakerHold[];
  /** One view a name: the gateway's own position is open where one worker's is. */
  views(): readonly BreakerView[];
}

export function createBreakerBoard(clock: Clock): BreakerBoard {
  const startedAt = clock.now();
  const holds = new Map<BreakerName, Holds>();
  const changes = new Map<number, Map<BreakerName, BreakerChange>>();

  const view = (name: BreakerName): BreakerView => {
    const known = [...changes.values()].map((worker) => worker.get(name)).filter((change) => change !== undefined);
    return viewOf(name, startedAt, known, effectiveHold(holds.get(name) ?? [], clock.now()));
  };
  const changing = (name: BreakerName, change: () => void): boolean => {
    const before = view(name);
    change();
    const after = view(name);
    return before.effective !== after.effective || before.hold?.by !== after.hold?.by;
  };

  return {
    report(life, change) {
      changes.set(life, (changes.get(life) ?? new Map<BreakerName, BreakerChange>()).set(change.breaker, change));
    },
    forget: (life) => void changes.delete(life),
    hold: (hold) => changing(hold.breaker, () => holds.set(hold.breaker, withHold(holds.get(hold.breaker) ?? [], hold, clock.now()))),
    release: (breaker, by) => changing(breaker, () => holds.set(breaker, withoutHold(holds.get(breaker) ?? [], by, clock.now()))),
    holds: () => [...holds.values()].flat(),
    views: () => BREAKER_NAMES.map(view),
  };
}

function viewOf(name: BreakerName, startedAt: Instant, known: readonly BreakerChange[], hold: BreakerHold | null): BreakerView {
  const own = (["open", "half_open"] as const).find((position) => known.some((change) => change.position === position)) ?? "closed";
  const since = Math.max(startedAt, ...known.filter(({ position }) => position === own).map(({ at }) => at));
  return { name, effective: hold?.position ?? own, own, since, hold };
}
