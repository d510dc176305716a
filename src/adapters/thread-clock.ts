/**
 * One time line for all threads of the process.
 *
 * Each thread's own clock starts from the wall time at that thread's start, so instants of two
 * threads would differ by whatever the wall clock jumped in between. The kernel's monotonic
 * time is the same for all; a mark ties instants to it.
 */
import type { Clock, ClockMark } from "../ports/clock.ts";
import { createSystemClock } from "./system-clock.ts";

/** Notes an instant of this clock beside the kernel's monotonic time. */
export function markClock(clock: Clock): ClockMark {
  return { instant: clock.now(), monotonicMs: monotonicMs() };
}

/** A clock for another thread on the time line of the marked one. */
export function createThreadClock(mark: ClockMark): Clock {
  const own = createSystemClock();
  const offset = mark.instant + (monotonicMs() - mark.monotonicMs) - own.now();
  return { ...own, now: () => own.now() + offset };
}

function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
