/**
 * Looks under way, each with a hard deadline of our own: resolver and library timeouts
 * overrun theirs. There may be thousands, so they share one timer, and the signals of
 * looks that ended well.
 */
import type { Observation } from "../core/observation.ts";
import type { Target } from "../core/target.ts";
import type { Instant, Ms } from "../core/time.ts";
import { formatDuration } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import { createDeadlines } from "../ports/deadlines.ts";
import type { Deadlines, Expiring } from "../ports/deadlines.ts";
import type { PreparedProbe } from "../ports/probe.ts";

/** What a probe gets on top of its deadline before we stop waiting for it. */
export const GRACE_MS: Ms = 250;

/** Signals kept for the next looks; about as many as looks begin within one tick. */
const MAX_SPARE_SIGNALS = 100;

const STOPPED = "stopped while looking";

/**
 * What a look is that gave no result by its deadline and the grace, though every port has a deadline of its own.
 * `fail`: where looks go on, one of them turns no verdict, and something that hangs again and again is down.
 * `unknown`: where this one look decides, and the fault may be the probe's.
 */
export type Overdue = "fail" | "unknown";

export type LookOrder = { readonly target: Target; readonly deadlineMs: Ms; readonly ordinal: number };

export class Looker {
  readonly #clock: Clock;
  readonly #deadlines: Deadlines<RunningLook>;
  readonly #spare: AbortController[] = [];
  readonly #overdue: Overdue;
  #stopped = false;

  constructor(clock: Clock, overdue: Overdue = "fail") {
    this.#clock = clock;
    this.#overdue = overdue;
    this.#deadlines = createDeadlines(clock);
  }

  /**
   * Looks once. The observation comes by the deadline and the grace, whatever the probe
   * does; the promise never rejects.
   *
   * @param letGo called when the probe itself has ended: before the observation is
   *   received, or much later, or never.
   */
  look(probe: PreparedProbe, { target, deadlineMs, ordinal }: LookOrder, letGo: () => void): Promise<Observation> {
    if (this.#stopped) {
      letGo();
      return Promise.resolve({ kind: "unknown", at: this.#clock.now(), tookMs: 0, cause: "internal", detail: STOPPED });
    }
    return new Promise((resolve) => {
      const controller = this.#spare.pop() ?? new AbortController();
      const look = new RunningLook(this.#clock, deadlineMs, this.#overdue, controller, (seen) => {
        this.#deadlines.remove(look);
        resolve(seen);
      });
      const ended = (): void => {
        // A signal that was never given is as good as new.
        if (!controller.signal.aborted && this.#spare.length < MAX_SPARE_SIGNALS) this.#spare.push(controller);
        letGo();
      };
      this.#deadlines.add(look);
      started(probe, { target, deadlineMs, ordinal, signal: controller.signal }).then(
        (seen) => {
          look.settle(seen);
          ended();
        },
        (error: unknown) => {
          look.broke(error);
          ended();
        },
      );
    });
  }

  /** Ends what runs, and what is begun from now on: `unknown`, because we stopped looking. */
  stop(): void {
    this.#stopped = true;
    for (const look of this.#deadlines.waiting()) look.stop();
    this.#deadlines.close();
  }
}

class RunningLook implements Expiring {
  readonly expiresAt: Instant;
  readonly #clock: Clock;
  readonly #deadlineMs: Ms;
  readonly #startedAt: Instant;
  readonly #overdue: Overdue;
  readonly #controller: AbortController;
  readonly #finish: (seen: Observation) => void;
  #settled = false;

  constructor(clock: Clock, deadlineMs: Ms, overdue: Overdue, controller: AbortController, finish: (seen: Observation) => void) {
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
    this.#overdue = overdue;
    this.#startedAt = clock.now();
    this.#controller = controller;
    this.#finish = finish;
    this.expiresAt = this.#startedAt + deadlineMs + GRACE_MS;
  }

  settle(seen: Observation): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#finish(seen);
  }

  expire(): void {
    this.#controller.abort();
    const detail = `no result within ${formatDuration(this.#deadlineMs)}`;
    if (this.#overdue === "fail") this.settle({ kind: "fail", ...this.#since(), cause: "timeout", detail, findings: [], facts: {} });
    else this.settle({ kind: "unknown", ...this.#since(), cause: "internal", detail: `${detail}: the look itself did not end` });
  }

  stop(): void {
    this.#controller.abort();
    this.settle({ kind: "unknown", ...this.#since(), cause: "internal", detail: STOPPED });
  }

  broke(error: unknown): void {
    this.settle({ kind: "unknown", ...this.#since(), cause: "internal", detail: `the probe broke: ${error instanceof Error ? error.message : String(error)}` });
  }

  #since(): { readonly at: Instant; readonly tookMs: Ms } {
    const at = this.#clock.now();
    return { at, tookMs: at - this.#startedAt };
  }
}

/** What a probe throws at once is a rejection like any other. */
function started(probe: PreparedProbe, look: Parameters<PreparedProbe["run"]>[0]): Promise<Observation> {
  try {
    return probe.run(look);
  } catch (error) {
    return Promise.reject(error instanceof Error ? error : new Error(String(error)));
  }
}
