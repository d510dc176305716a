/**
 * How a look is made so that it can be believed: held to a hard deadline, corrected by what our own
 * troubles falsified, and `unknown` where our own network is gone.
 *
 * The observe loop sees by this, and so does the command `check`, so that both say the same of the same shop.
 */
import type { Connectivity } from "../core/connectivity.ts";
import { guardRemote } from "../core/connectivity.ts";
import type { Observation } from "../core/observation.ts";
import type { Instant } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { PreparedProbe } from "../ports/probe.ts";
import type { Overdue } from "./look.ts";
import { Looker } from "./look.ts";
import type { LoopWatch } from "./loop-watch.ts";
import { createLoopWatch } from "./loop-watch.ts";
import type { References } from "./references.ts";
import { createReferences } from "./references.ts";

export type SightParts = {
  readonly clock: Clock;
  /** Reference probes of the connectivity guard; empty: the guard is off. */
  readonly references: readonly PreparedProbe[];
  /** What a look is that gave no result by its hard deadline. */
  readonly overdue: Overdue;
  readonly connectivityChanged: (state: Connectivity) => void;
};

export class Sight {
  /** Every look goes through it. */
  readonly looker: Looker;
  readonly #clock: Clock;
  readonly #watch: LoopWatch;
  readonly #references: References;
  readonly #stopping = new AbortController();

  constructor({ clock, references, overdue, connectivityChanged }: SightParts) {
    this.#clock = clock;
    this.looker = new Looker(clock, overdue);
    this.#watch = createLoopWatch(clock);
    this.#references = createReferences({ probes: references, clock, looker: this.looker, signal: this.#stopping.signal, onChange: connectivityChanged });
  }

  /** Asks the references from now on, and not only when a remote look went wrong. */
  start(): void {
    this.#references.start();
  }

  /** Ends what runs, as `unknown`. */
  stop(): void {
    this.#stopping.abort();
    this.#references.stop();
    this.looker.stop();
    this.#watch.stop();
  }

  /**
   * Makes a look and says what it counts as. Rejects only as `look` does.
   *
   * @param remote it looks beyond this host: when it went wrong, the references are asked before it is believed.
   */
  async counted(remote: boolean, look: () => Promise<Observation>): Promise<Observation> {
    const startedAt = this.#clock.now();
    const endMeasuring = this.#watch.measuring();
    const corrected = this.#watch.correct(await look(), startedAt);
    endMeasuring();
    const doubtful = remote && (corrected.kind === "warn" || corrected.kind === "fail");
    return doubtful ? guardRemote(corrected, true, await this.#references.freshSince(startedAt)) : corrected;
  }

  /** A timer of ours, set for `expected`, fired now. */
  fired(expected: Instant): void {
    this.#watch.fired(expected);
  }

  connectivity(): Connectivity {
    return this.#references.state();
  }
}
