/**
 * A breaker whose state machine is opossum's.
 *
 * opossum is told how calls ended, never given the calls themselves: of one that went well
 * it gets the events by which it counts; for one that failed an action settles at once. So
 * there are no calls under way inside it whose late end could move it, `fires` equals
 * completed calls, and neither timeout, capacity, cache, coalescing, restored state nor
 * percentiles are used. Its window is rotated when a call is recorded, which leaves no
 * interval timer; the only timer is the wait of an open breaker.
 */
import { EventEmitter } from "node:events";
import CircuitBreaker from "opossum";
import { effectiveHold, withHold, withoutHold, type BreakerHold, type BreakerName, type BreakerPosition, type BreakerView, type Holds } from "../core/breaker.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { Breaker, BreakerChange, CallOutcome, CallTicket, ThrottleView, Trial } from "../ports/breaker.ts";
import type { Clock } from "../ports/clock.ts";
import type { Random } from "../ports/random.ts";
import { createCallWindow, type CallWindow } from "./call-window.ts";

export type OpossumBreakerParts = {
  readonly name: BreakerName;
  /** Above this share of failures, in percent, it opens; 50. */
  readonly errorThresholdPercent: number;
  /** Window of ten buckets; 10 s. */
  readonly windowMs: Ms;
  /** Completed calls in the window below which shares mean nothing; 20. */
  readonly volumeThreshold: number;
  /** Failures in a row that open it; 5. */
  readonly consecutiveFailures: number;
  /** Wait before the first trials, doubling up to `maxResetMs`, each ±10 %; 30 s and 300 s. */
  readonly resetMs: Ms;
  readonly maxResetMs: Ms;
  /** Deadline of a normal call; a trial has a quarter of it. */
  readonly deadline: Ms;
  /** One trial; null: there is nothing to ask, so the wait is all the trial there is. */
  readonly trial: Trial | null;
  readonly clock: Clock;
  readonly random: Random;
  /** Told of each change of its own position, after it happened. */
  readonly onChange: (change: BreakerChange) => void;
};

/** Trials that must all pass. */
export const TRIALS = 3;

const BUCKETS = 10;
const TRIAL_SHARE = 0.25;
const SLOW_SHARE = 0.8;
const JITTER = 0.1;
/** Trials asked for early start no sooner than this after the last ones ended. */
const EARLY_SPACING_MS: Ms = 1_000;

type Job = "failed" | "trials";

// One of each for all calls: building them per request would cost more than counting does.
const SETTLED = Promise.resolve();
const CALL_FAILED = new Error("the call failed");
const ignore = (): void => {};

/** Makes a closed breaker. */
export function createOpossumBreaker(parts: OpossumBreakerParts): Breaker {
  return new OpossumBreaker(parts);
}

class OpossumBreaker implements Breaker {
  readonly name: BreakerName;
  readonly #parts: OpossumBreakerParts;
  readonly #rotation = new EventEmitter();
  readonly #options: CircuitBreaker.Options<[Job]>;
  readonly #opossum: CircuitBreaker<[Job], void>;
  readonly #window: CallWindow;
  readonly #stopping = new AbortController();
  #holds: Holds = [];
  /** Grows with each change of position: a ticket of an earlier one is out of date. */
  #generation = 0;
  /** Failures since the last success. */
  #row = 0;
  #since: Instant;
  #why = "";
  /** The wait before the next trials, before jitter. */
  #wait: Ms;
  /** The next trials run on evidence of recovery, not because the wait is over. */
  #early = false;
  #rearming = false;
  #triedAt: Instant = -Infinity;

  constructor(parts: OpossumBreakerParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.#since = parts.clock.now();
    this.#wait = parts.resetMs;
    this.#window = createCallWindow(BUCKETS, parts.windowMs / BUCKETS, this.#since);
    this.#options = opossumOptions(parts, this.#rotation);
    this.#opossum = new CircuitBreaker<[Job], void>((job) => this.#act(job), this.#options);
    this.#opossum.on("open", () => this.#opened());
    this.#opossum.on("halfOpen", () => this.#halfOpened());
    this.#opossum.on("close", () => this.#closed());
    this.#drawWait();
  }

  admits(): boolean {
    if (this.#holds.length > 0) {
      const hold = effectiveHold(this.#holds, this.#parts.clock.now());
      if (hold !== null) return hold.position === "closed";
      this.#holds = [];
    }
    return this.#opossum.closed || this.#stopping.signal.aborted;
  }

  begin(): CallTicket {
    return this.#generation;
  }

  record(ticket: CallTicket, outcome: CallOutcome, slow: boolean): void {
    if (outcome === "neutral" || this.#stopping.signal.aborted) return;
    const now = this.#parts.clock.now();
    this.#turn(now);
    if (outcome === "throttled") return this.#window.throttled(now);
    if (ticket !== this.#generation || !this.#opossum.closed) return;

    this.#window.completed(slow);
    if (outcome === "success") {
      this.#row = 0;
      this.#countSuccess();
    } else {
      this.#row += 1;
      this.#why = `more than ${this.#parts.errorThresholdPercent} % of calls failed within ${this.#parts.windowMs} ms`;
      this.#opossum.fire("failed").catch(ignore);
    }
    if (this.#opossum.closed) this.#judge();
  }

  retrySoon(): void {
    if (!this.#opossum.opened || this.#early) return;
    this.#early = true;
    this.#options.resetTimeout = Math.max(1, Math.round(this.#triedAt + EARLY_SPACING_MS - this.#parts.clock.now()));
    // opossum has no call for it, but arms its timer anew at each opening; nobody gets in between the two.
    this.#rearming = true;
    this.#opossum.close();
    this.#opossum.open();
    this.#rearming = false;
  }

  hold(hold: BreakerHold): void {
    this.#holds = withHold(this.#holds, hold, this.#parts.clock.now());
  }

  release(by: string): void {
    this.#holds = withoutHold(this.#holds, by, this.#parts.clock.now());
  }

  view(): BreakerView {
    const hold = effectiveHold(this.#holds, this.#parts.clock.now());
    const own = this.#own();
    return { name: this.name, effective: hold?.position ?? own, own, since: this.#since, hold };
  }

  throttle(): ThrottleView {
    this.#turn(this.#parts.clock.now());
    return this.#window.throttle();
  }

  shutdown(): void {
    this.#stopping.abort();
    this.#opossum.shutdown();
  }

  /** All that a success does to a closed breaker. Fired, it would cost each request four promises more. */
  #countSuccess(): void {
    this.#opossum.emit("fire", []);
    this.#opossum.emit("success", undefined, 0);
  }

  /** What opossum runs: a call's failure, known already, or the trials of a half-open breaker as one call. */
  #act(job: Job): Promise<void> {
    if (job === "failed") throw CALL_FAILED;
    return this.#tryAgain();
  }

  /** The rules that opossum has not: failures in a row, calls over their budget. */
  #judge(): void {
    if (this.#row >= this.#parts.consecutiveFailures) return this.#open(`${this.#row} failures in a row`);
    const calls = this.#window.calls();
    if (calls >= this.#parts.volumeThreshold && this.#window.slow() >= SLOW_SHARE * calls) this.#open("calls over their route's budget");
  }

  #open(why: string): void {
    this.#why = why;
    this.#opossum.open();
  }

  async #tryAgain(): Promise<void> {
    const failure = await runTrials(this.#parts, this.#stopping.signal);
    this.#triedAt = this.#parts.clock.now();
    const early = this.#early;
    this.#early = false;
    if (failure === null) {
      this.#why = `${TRIALS} of ${TRIALS} trials passed`;
      return;
    }
    // Trials on mere evidence of recovery say nothing against the wait they cut short.
    if (!early) this.#wait = Math.min(this.#wait * 2, this.#parts.maxResetMs);
    this.#drawWait();
    this.#why = failure;
    throw CALL_FAILED;
  }

  #opened(): void {
    if (!this.#rearming) this.#changed();
  }

  #halfOpened(): void {
    this.#why = this.#early ? "there is evidence of recovery" : "the wait is over";
    this.#changed();
    this.#opossum.fire("trials").catch(ignore);
  }

  #closed(): void {
    if (this.#rearming) return;
    this.#row = 0;
    this.#wait = this.#parts.resetMs;
    this.#drawWait();
    // Failures from before must not count against an upstream that has just proved itself.
    this.#window.clear();
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) this.#rotation.emit("rotate");
    this.#changed();
  }

  #changed(): void {
    this.#generation += 1;
    this.#since = this.#parts.clock.now();
    this.#parts.onChange({ breaker: this.name, position: this.#own(), at: this.#since, why: this.#why });
  }

  #own(): BreakerPosition {
    if (this.#opossum.opened) return "open";
    return this.#opossum.halfOpen ? "half_open" : "closed";
  }

  #drawWait(): void {
    this.#options.resetTimeout = Math.round(this.#wait * (1 - JITTER + 2 * JITTER * this.#parts.random.next()));
  }

  /** Rotates opossum's window to the second of `now`. */
  #turn(now: Instant): void {
    for (let steps = this.#window.advance(now); steps > 0; steps -= 1) {
      // opossum keeps latencies of each bucket even with percentiles off; nobody reads them.
      for (const bucket of this.#opossum.status.window) bucket.latencyTimes.length = 0;
      this.#rotation.emit("rotate");
    }
  }
}

function opossumOptions(parts: OpossumBreakerParts, rotateBucketController: EventEmitter): CircuitBreaker.Options<[Job]> {
  return {
    name: parts.name,
    timeout: false,
    errorThresholdPercentage: parts.errorThresholdPercent,
    volumeThreshold: parts.volumeThreshold,
    rollingCountTimeout: parts.windowMs,
    rollingCountBuckets: BUCKETS,
    rollingPercentilesEnabled: false,
    enableSnapshots: false,
    rotateBucketController,
  };
}

/** @returns null when all trials passed, else what is said of the first that did not. */
async function runTrials({ trial, deadline, clock }: OpossumBreakerParts, stop: AbortSignal): Promise<string | null> {
  if (trial === null) return null;
  for (let round = 1; round <= TRIALS; round += 1) {
    const passed = await runTrial(trial, Math.max(1, Math.round(deadline * TRIAL_SHARE)), clock, stop);
    if (!passed) return `trial ${round} of ${TRIALS} failed`;
  }
  return null;
}

/** One trial with a deadline and an abort signal of its own, so that its end touches no other. */
function runTrial(trial: Trial, deadline: Ms, clock: Clock, stop: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const abort = new AbortController();
    const finish = (passed: boolean): void => {
      cancel();
      stop.removeEventListener("abort", giveUp);
      resolve(passed);
    };
    const giveUp = (): void => {
      abort.abort();
      finish(false);
    };
    const cancel = clock.after(deadline, giveUp);
    if (stop.aborted) return giveUp();
    stop.addEventListener("abort", giveUp, { once: true });
    // A trial that throws before it returns a promise is a failed trial too.
    SETTLED.then(() => trial(abort.signal, deadline)).then(finish, () => finish(false));
  });
}
