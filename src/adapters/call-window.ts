/**
 * Calls of the last seconds that opossum does not count: slow ones, throttled ones.
 */
import type { Instant, Ms } from "../core/time.ts";
import type { ThrottleView } from "../ports/breaker.ts";

export interface CallWindow {
  /** Moves on to the bucket of `now`. @returns how many buckets were begun, at most all. */
  advance(now: Instant): number;
  completed(slow: boolean): void;
  throttled(at: Instant): void;
  calls(): number;
  slow(): number;
  throttle(): ThrottleView;
  /** Forgets calls, not throttling. */
  clear(): void;
}

/** A ring of `buckets`, each `width` ms long. */
export function createCallWindow(buckets: number, width: Ms, start: Instant): CallWindow {
  const calls = new Float64Array(buckets);
  const slow = new Float64Array(buckets);
  const throttled = new Float64Array(buckets);
  let bucket = Math.floor(start / width);
  let here = 0;
  let lastThrottledAt: Instant | null = null;
  const sum = (ring: Float64Array): number => ring.reduce((total, count) => total + count, 0);
  const add = (ring: Float64Array): void => {
    ring[here] = (ring[here] ?? 0) + 1;
  };

  return {
    advance(now) {
      const next = Math.floor(now / width);
      const steps = Math.min(Math.max(0, next - bucket), buckets);
      bucket = Math.max(bucket, next);
      for (let step = 0; step < steps; step += 1) {
        here = (here + 1) % buckets;
        calls[here] = slow[here] = throttled[here] = 0;
      }
      return steps;
    },
    completed(isSlow) {
      add(calls);
      if (isSlow) add(slow);
    },
    throttled(at) {
      lastThrottledAt = at;
      add(throttled);
    },
    calls: () => sum(calls),
    slow: () => sum(slow),
    throttle: () => ({ recent: sum(throttled), lastAt: lastThrottledAt }),
    clear() {
      calls.fill(0);
      slow.fill(0);
    },
  };
}
