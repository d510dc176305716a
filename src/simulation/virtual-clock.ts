/**
 * Time that passes only when it is told to. An hour takes as long as what happens in it.
 */
import { setImmediate } from "node:timers/promises";
import type { Instant, Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";

type Timer = { readonly at: Instant; readonly order: number; readonly fn: () => void };

/** More events than this in one run: something wakes itself without end. */
const MAX_EVENTS = 20_000_000;

export class VirtualClock implements Clock {
  readonly #timers: Timer[] = [];
  readonly #cancelled = new Set<number>();
  #now: Instant;
  #wallOffset: Ms = 0;
  #order = 0;

  /** @param start the first instant, in epoch milliseconds. */
  constructor(start: Instant) {
    this.#now = start;
  }

  readonly now = (): Instant => this.#now;
  readonly wall = (): number => this.#now + this.#wallOffset;

  readonly after = (delay: Ms, fn: () => void): (() => void) => {
    this.#order += 1;
    const { order } = { order: this.#order };
    this.#push({ at: this.#now + Math.max(0, delay), order, fn });
    return () => void this.#cancelled.add(order);
  };

  /** The wall clock jumps; timers do not. */
  jump(by: Ms): void {
    this.#wallOffset += by;
  }

  /** Lets everything happen that is due up to and at `end`, in order, each with its consequences. */
  async runUntil(end: Instant): Promise<void> {
    await setImmediate();
    for (let events = 0; events < MAX_EVENTS; events += 1) {
      const next = this.#timers[0];
      if (next === undefined || next.at > end) {
        this.#now = end;
        return;
      }
      this.#pop();
      // A cancelled timer neither moves time nor costs a turn.
      if (this.#cancelled.delete(next.order)) continue;
      this.#now = next.at;
      next.fn();
      // Promises settle before the next timer: that is what makes a run repeatable.
      await setImmediate();
    }
    throw new Error(`more than ${MAX_EVENTS} events: the scenario does not come to rest`);
  }

  #push(timer: Timer): void {
    const heap = this.#timers;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(timer, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#timers;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = heap[2 * at + 1];
      const right = heap[2 * at + 2];
      if (left === undefined) break;
      const child = right !== undefined && isBefore(right, left) ? right : left;
      if (!isBefore(child, last)) break;
      heap[at] = child;
      at = child === left ? 2 * at + 1 : 2 * at + 2;
    }
    heap[at] = last;
  }
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
