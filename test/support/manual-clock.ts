/** A clock that stands until it is told to move. */
import type { Clock } from "../../src/ports/clock.ts";

export class ManualClock implements Clock {
  #now: number;
  #timers: { readonly at: number; readonly fn: () => void }[] = [];

  constructor(now = 1_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#now;
  }

  after(delay: number, fn: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, delay), fn };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Moves on, running what is due in order and letting promises settle in between. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settle();
      const [next] = this.#timers.filter((timer) => timer.at <= end).toSorted((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = Math.max(this.#now, next.at);
      next.fn();
    }
    this.#now = end;
    await settle();
  }

  /** Runs what is due now, within this turn of the loop. */
  ring(): void {
    const due = this.#timers.filter((timer) => timer.at <= this.#now);
    this.#timers = this.#timers.filter((timer) => timer.at > this.#now);
    for (const { fn } of due) fn();
  }

  /** Timers that have not run. */
  get waiting(): number {
    return this.#timers.length;
  }
}

/** Lets everything that waits only for promises go on until it waits for something else. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
