/** Time and timers. The only way anything above `core` learns the time. */
import type { Instant, Ms } from "../core/time.ts";

export interface Clock {
  /** Never jumps and never runs backwards while the process lives. */
  now(): Instant;
  /** The system's wall clock in epoch milliseconds; may jump. For calendars and for noticing jumps. */
  wall(): number;
  /** Runs `fn` once, `delay` milliseconds from now; at once (but never synchronously) when `delay` ≤ 0. Returns a cancel function. */
  after(delay: Ms, fn: () => void): () => void;
}

/** The same moment on two clocks. Plain data: with it another thread lays its instants on the same time line. */
export type ClockMark = {
  readonly instant: Instant;
  /** The kernel's monotonic time, which all threads share. */
  readonly monotonicMs: Ms;
};

/**
 * Resolves after `ms`, or as soon as `signal` aborts; never rejects.
 */
export function sleep(clock: Clock, ms: Ms, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const onAbort = (): void => {
      cancel();
      resolve();
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
