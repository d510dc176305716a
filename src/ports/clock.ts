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

/**
 * Lets `work` have `ms`; then its signal aborts. Resolves and rejects as `work` does, which has to mind the signal.
 */
export async function inTime<T>(clock: Clock, ms: Ms, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const cancel = clock.after(ms, () => controller.abort(new Error(`no end within ${ms} ms`)));
  try {
    return await work(controller.signal);
  } finally {
    cancel();
  }
}
