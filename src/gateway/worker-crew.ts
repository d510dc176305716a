/**
 * Keeps a number of worker threads listening: starts them, watches them, replaces those that end or
 * are stuck.
 */
import { WORKER_LOSSES, type WorkerLoss, type WorkerLosses } from "../core/gateway-view.ts";
import type { Ms } from "../core/time.ts";
import type { FromGateway, ToGateway } from "../ports/gateway-link.ts";
import { LOOK_MS, startWorkerThread, STUCK_MS, type WorkerThread, type WorkerThreadParts } from "./worker-thread.ts";

export type WorkerCrewParts = {
  readonly workers: number;
  readonly thread: Omit<WorkerThreadParts, "life">;
  /** Tells a fresh thread all it must know before it listens. */
  readonly brief: (thread: WorkerThread) => void;
  readonly onMessage: (thread: WorkerThread, message: FromGateway) => void;
  readonly onReady: (thread: WorkerThread, port: number) => void;
  /** Once for each life, after its memory is written no more; `loss` is null where we ended it in order. */
  readonly onEnded: (thread: WorkerThread, loss: WorkerLoss | null, detail: string) => void;
};

export interface WorkerCrew {
  /** @returns the port. Rejects when one of the first workers does not come to listen; all are ended then. */
  start(port: number): Promise<number>;
  /** Every thread that lives, successors included. */
  threads(): Iterable<WorkerThread>;
  broadcast(message: ToGateway, except?: WorkerThread): void;
  losses(): readonly WorkerLosses[];
  drain(within: Ms): Promise<void>;
  stop(): Promise<void>;
}

/** A worker has to listen within this time. */
const READY_MS: Ms = 15_000;

/** Wait before the second start in a row, doubling up to the longest; the first is at once. */
const BACKOFF_FROM_MS: Ms = 100;
const BACKOFF_TO_MS: Ms = 5_000;

/** Longest reason of an end kept, in characters. */
const MAX_DETAIL_LENGTH = 500;

/** A worker that lived this long did not fail at starting. */
const SETTLED_MS: Ms = 30_000;

export function createWorkerCrew(parts: WorkerCrewParts): WorkerCrew {
  return new Crew(parts);
}

class Crew implements WorkerCrew {
  readonly #parts: WorkerCrewParts;
  readonly #alive = new Set<WorkerThread>();
  readonly #listening = new Set<WorkerThread>();
  /** Stuck threads whose successor is on its way. */
  readonly #outgoing = new Set<WorkerThread>();
  /** Threads whose end is our doing, as what it counts, and why. */
  readonly #ending = new Map<WorkerThread, { readonly loss: WorkerLoss | null; readonly why: string }>();
  readonly #losses = new Map<WorkerLoss, WorkerLosses>();
  readonly #cancels = new Set<() => void>();
  #lives = 0;
  #port = 0;
  #stopping = false;
  /** Workers in a row that did not live long. */
  #failures = 0;

  constructor(parts: WorkerCrewParts) {
    this.#parts = parts;
  }

  async start(port: number): Promise<number> {
    this.#port = port;
    for (let worker = 1; worker <= this.#parts.workers; worker += 1) {
      const hired = await this.#hire();
      if (hired === null) continue;
      await this.stop();
      throw new Error(`gateway worker ${worker} does not listen: ${hired.problem}`);
    }
    this.#look();
    return this.#port;
  }

  threads(): Iterable<WorkerThread> {
    return this.#alive;
  }

  broadcast(message: ToGateway, except?: WorkerThread): void {
    for (const thread of this.#alive) if (thread !== except) thread.post(message);
  }

  losses(): readonly WorkerLosses[] {
    return WORKER_LOSSES.flatMap((loss) => this.#losses.get(loss) ?? []);
  }

  async drain(within: Ms): Promise<void> {
    this.#stopping = true;
    await Promise.all([...this.#alive].map((thread) => thread.drain(within)));
    await this.stop();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
    await Promise.all([...this.#alive].map((thread) => this.#end(thread, null, "stopped")));
  }

  /** Starts one thread and waits until it listens. @returns null, or why it does not */
  async #hire(): Promise<{ readonly problem: string } | null> {
    const thread = startWorkerThread({ ...this.#parts.thread, life: (this.#lives += 1) });
    this.#alive.add(thread);
    thread.onMessage((message) => this.#parts.onMessage(thread, message));
    void thread.ended.then((detail) => this.#bury(thread, detail));
    this.#parts.brief(thread);
    const answer = await thread.listen(this.#port, READY_MS);
    if ("problem" in answer) {
      await this.#end(thread, "not_ready", answer.problem);
      return answer;
    }
    this.#listening.add(thread);
    this.#port = answer.port;
    this.#parts.onReady(thread, answer.port);
    return null;
  }

  async #end(thread: WorkerThread, loss: WorkerLoss | null, why: string): Promise<void> {
    if (!this.#alive.has(thread)) return;
    this.#ending.set(thread, { loss, why });
    await thread.terminate();
  }

  #bury(thread: WorkerThread, end: string): void {
    this.#alive.delete(thread);
    const listened = this.#listening.delete(thread);
    const succeeded = this.#outgoing.delete(thread);
    const known = this.#ending.get(thread);
    // What ends by our hand says nothing of its own.
    const detail = (known?.why ?? end).slice(0, MAX_DETAIL_LENGTH);
    const loss = known !== undefined ? known.loss : this.#stopping ? null : listened ? "crashed" : "not_ready";
    this.#ending.delete(thread);
    if (loss !== null) this.#losses.set(loss, { loss, count: (this.#losses.get(loss)?.count ?? 0) + 1, lastAt: this.#parts.thread.clock.now(), lastDetail: detail });
    this.#parts.onEnded(thread, loss, detail);
    if (known !== undefined || this.#stopping || succeeded || !listened) return;
    this.#failures = this.#parts.thread.clock.now() - thread.startedAt < SETTLED_MS ? this.#failures + 1 : 1;
    this.#replace(null);
  }

  /** Starts a successor, after a wait when starts keep failing; the predecessor is ended only once it listens. */
  #replace(predecessor: WorkerThread | null): void {
    const wait = this.#failures <= 1 ? 0 : Math.min(BACKOFF_TO_MS, BACKOFF_FROM_MS * 2 ** Math.min(this.#failures - 2, 10));
    this.#later(wait, () => {
      if (!this.#stopping) void this.#succeed(predecessor);
    });
  }

  async #succeed(predecessor: WorkerThread | null): Promise<void> {
    const problem = await this.#hire();
    if (problem === null) {
      if (predecessor !== null) await this.#end(predecessor, "stuck", `its loop did not turn for ${STUCK_MS} ms`);
    } else if (!this.#stopping) {
      this.#failures += 1;
      this.#replace(predecessor);
    }
  }

  #look(): void {
    for (const thread of this.#listening) {
      if (this.#outgoing.has(thread) || thread.look() === "well") continue;
      this.#outgoing.add(thread);
      this.#replace(thread);
    }
    this.#later(LOOK_MS, () => this.#look());
  }

  #later(delay: Ms, fn: () => void): void {
    const cancel = this.#parts.thread.clock.after(delay, () => {
      this.#cancels.delete(cancel);
      fn();
    });
    this.#cancels.add(cancel);
  }
}
