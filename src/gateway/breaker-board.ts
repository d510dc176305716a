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
  hold(hold: BreakerHold): void;
  release(breaker: BreakerName, by: string): void;
  /** Every hold set and not released. */
  holds(): readonly BreakerHold[];
  /** One view a name: the gateway's own position is open where one worker's is. */
  views(): readonly BreakerView[];
}

export function createBreakerBoard(clock: Clock): BreakerBoard {
  const startedAt = clock.now();
  const holds = new Map<BreakerName, Holds>();
  const changes = new Map<number, Map<BreakerName, BreakerChange>>();

  return {
    report(life, change) {
      changes.set(life, (changes.get(life) ?? new Map<BreakerName, BreakerChange>()).set(change.breaker, change));
    },
    forget: (life) => void changes.delete(life),
    hold: (hold) => void holds.set(hold.breaker, withHold(holds.get(hold.breaker) ?? [], hold, clock.now())),
    release: (breaker, by) => void holds.set(breaker, withoutHold(holds.get(breaker) ?? [], by, clock.now())),
    holds: () => [...holds.values()].flat(),
    views: () =>
      BREAKER_NAMES.map((name) => {
        const known = [...changes.values()].map((worker) => worker.get(name)).filter((change) => change !== undefined);
        return viewOf(name, startedAt, known, effectiveHold(holds.get(name) ?? [], clock.now()));
      }),
  };
}

function viewOf(name: BreakerName, startedAt: Instant, known: readonly BreakerChange[], hold: BreakerHold | null): BreakerView {
  const own = (["open", "half_open"] as const).find((position) => known.some((change) => change.position === position)) ?? "closed";
  const since = Math.max(startedAt, ...known.filter(({ position }) => position === own).map(({ at }) => at));
  return { name, effective: hold?.position ?? own, own, since, hold };
}
