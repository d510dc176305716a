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
      const due = performance.now() + delay;
      let timer: NodeJS.Timeout;
      const arm = (left: number): void => {
        timer = setTimeout(fire, Math.min(Math.ceil(left), MAX_TIMER_MS));
      };
      // Node counts from the time its loop last turned, so a timer may fire a millisecond early, by this very clock.
      const fire = (): void => {
        const left = due - performance.now();
        if (left > 0) arm(left);
        else fn();
      };
      arm(Math.max(0, delay));
      return () => clearTimeout(timer);
    },
  };
}
