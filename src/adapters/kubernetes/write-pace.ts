/**
 * The pace of a document that is sent as a whole at each change.
 *
 * Hundreds of changes in a row (an incident for every pod) would send all of it a hundred times. A document that has
 * grown rests after each write, so that what comes meanwhile goes out together; a small one hardly waits.
 */
import type { Instant } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";
import { sleep } from "../../ports/clock.ts";

/** A full ConfigMap rests for a second, one of 20 KB for 20 ms. */
const BYTES_PER_MS = 1_024;

export class WritePace {
  readonly #clock: Clock;
  #restUntil: Instant = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when the next write may begin, or when `signal` aborts. */
  async turn(signal: AbortSignal): Promise<void> {
    const rest = this.#restUntil - this.#clock.now();
    if (rest > 0) await sleep(this.#clock, rest, signal);
  }

  /** So much was sent just now. */
  wrote(bytes: number): void {
    this.#restUntil = this.#clock.now() + bytes / BYTES_PER_MS;
  }
}
