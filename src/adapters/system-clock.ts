/**
 * The machine's time. The only file that reads the clock.
 */
import type { Clock } from "../ports/clock.ts";

/** The longest delay Node's timers take; longer ones are laid end to end. */
const MAX_TIMER_MS = 2_147_483_647;

/** @returns a clock whose `now()` is the wall time at this call plus monotonic time since. */
export function createSystemClock(): Clock {
  const base = Date.now() - performance.now();
  return {
    now: () => base + performance.now(),
    wall: () => Date.now(),
    after: (delay, fn) => {
      let timer: NodeJS.Timeout;
      const arm = (left: number): void => {
        const step = Math.min(left, MAX_TIMER_MS);
        timer = setTimeout(() => (left > step ? arm(left - step) : fn()), step);
      };
      // Node's timers may fire up to a millisecond early; whole milliseconds keep "not before".
      arm(delay > 0 ? Math.ceil(delay) : 0);
      return () => clearTimeout(timer);
    },
  };
}
