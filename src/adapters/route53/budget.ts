/** Time for several calls that are one use of the port, or a part of it. */
import type { Instant, Ms } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";

class OutOfTime extends Error {}

export class Budget {
  readonly signal: AbortSignal;
  readonly #clock: Clock;
  readonly #endsAt: Instant;

  constructor(clock: Clock, endsAt: Instant, signal: AbortSignal) {
    this.#clock = clock;
    this.#endsAt = endsAt;
    this.signal = signal;
  }

  leftMs(): Ms {
    return this.signal.aborted ? 0 : Math.max(0, this.#endsAt - this.#clock.now());
  }

  /** Why the signal was aborted. */
  why(): string {
    return this.signal.reason instanceof OutOfTime ? this.signal.reason.message : "the caller gave up";
  }
}

/** Whatever `run` has left running when it ends is aborted. */
export async function within<T>(clock: Clock, ms: Ms, caller: AbortSignal, run: (budget: Budget) => Promise<T>): Promise<T> {
  const own = new AbortController();
  const cancel = clock.after(ms, () => own.abort(new OutOfTime(`no end within ${ms} ms`)));
  try {
    return await run(new Budget(clock, clock.now() + ms, AbortSignal.any([caller, own.signal])));
  } finally {
    cancel();
    own.abort();
  }
}
