/**
 * One coarse timer wheel for every deadline of the data path.
 *
 * A timer per request costs more than the request's own bookkeeping. Here arming and cancelling
 * are a few pointer moves, and one timer of the clock turns the wheel while anything is armed.
 * An alarm never rings early and at most `TICK_MS` late (later only when the event loop lags).
 */
import type { Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";

/** Coarseness of all deadlines. */
export const TICK_MS: Ms = 100;

const SLOTS = 128;

/** A place in the wheel; opaque to its holder. Links form a ring within a slot. */
export type Alarm = { due: number; prev: Alarm; next: Alarm; readonly ring: (() => void) | null };

export interface Deadlines {
  /** Rings once, `delay` milliseconds from now at the earliest. */
  arm(delay: Ms, ring: () => void): Alarm;
  /** Cancelling twice, or after it rang, is no error. */
  cancel(alarm: Alarm): void;
  /** Ticks since the wheel was made; moves only while something is armed. A cheap, coarse clock for idle times. */
  tick(): number;
  /** Alarms armed. */
  size(): number;
  /** Forgets every alarm and stops turning. */
  close(): void;
}

/** Makes a wheel at rest. */
export function createDeadlines(clock: Clock): Deadlines {
  const slots = Array.from({ length: SLOTS }, ringOfOne);
  let tick = 0;
  let armed = 0;
  let turnedAt = clock.now();
  let cancelTurn: (() => void) | null = null;

  const unlink = (alarm: Alarm): void => {
    alarm.prev.next = alarm.next;
    alarm.next.prev = alarm.prev;
    alarm.prev = alarm;
    alarm.next = alarm;
    armed -= 1;
  };

  const ringSlot = (head: Alarm): void => {
    let alarm = head.next;
    while (alarm !== head) {
      const next = alarm.next;
      if (alarm.due <= tick) {
        unlink(alarm);
        alarm.ring?.();
        // Ringing may have changed the ring: start again, the rung ones are gone.
        alarm = head.next;
      } else alarm = next;
    }
  };

  const turn = (): void => {
    const passed = Math.floor((clock.now() - turnedAt) / TICK_MS);
    turnedAt += passed * TICK_MS;
    const from = tick;
    tick += passed;
    for (let step = 1; step <= Math.min(passed, SLOTS); step += 1) {
      const head = slots[(from + step) % SLOTS];
      if (head !== undefined) ringSlot(head);
    }
    cancelTurn = armed > 0 ? clock.after(TICK_MS, turn) : null;
  };

  return {
    arm(delay, ring) {
      if (cancelTurn === null) {
        turnedAt = clock.now();
        cancelTurn = clock.after(TICK_MS, turn);
      }
      // One tick more: the current one is already under way.
      const due = tick + Math.ceil(Math.max(0, delay) / TICK_MS) + 1;
      const head = slots[due % SLOTS] ?? ringOfOne();
      const alarm: Alarm = { due, prev: head.prev, next: head, ring };
      head.prev.next = alarm;
      head.prev = alarm;
      armed += 1;
      return alarm;
    },
    cancel(alarm) {
      if (alarm.next !== alarm) unlink(alarm);
    },
    tick: () => tick,
    size: () => armed,
    close() {
      cancelTurn?.();
      cancelTurn = null;
      for (const head of slots) {
        head.next = head;
        head.prev = head;
      }
      armed = 0;
    },
  };
}

/** The head of an empty ring; never due. */
function ringOfOne(): Alarm {
  const head: Omit<Alarm, "prev" | "next"> & Partial<Alarm> = { due: Number.POSITIVE_INFINITY, ring: null };
  head.prev = head.next = head as Alarm;
  return head as Alarm;
}
