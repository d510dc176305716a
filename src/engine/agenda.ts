/**
 * Which looks fire at which tick. One timer for all of them: wake-ups cost more than looks.
 */
import type { Slot } from "../core/schedule.ts";
import { dueAt, isDue, tickAfter } from "../core/schedule.ts";
import type { LookKey } from "../core/target.ts";
import type { Instant } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";

export interface Agenda {
  slot(key: LookKey): Slot | undefined;
  /** Takes a slot's new place; plans it when it waits. */
  put(slot: Slot): void;
  /** Nobody looks there any more. */
  remove(key: LookKey): void;
  stop(): void;
}

/** @param fire called for each due slot, in the order they were planned; @param woke called before, with the tick it woke for. */
export function createAgenda(clock: Clock, fire: (slot: Slot) => void, woke: (tick: Instant) => void): Agenda {
  const slots = new Map<LookKey, Slot>();
  /** Entries of slots that were moved since stay behind and are skipped. */
  const ticks = new Map<Instant, Set<LookKey>>();
  /** The same ticks, earliest last: what is planned for later is looked at by nobody. */
  const order: Instant[] = [];
  let armed: { readonly tick: Instant; readonly cancel: () => void } | null = null;
  let stopped = false;

  const wake = (tick: Instant): void => {
    armed = null;
    woke(tick);
    const now = clock.now();
    const keys = new Set<LookKey>();
    for (let at = order.at(-1); at !== undefined && at <= now; at = order.at(-1)) {
      order.pop();
      for (const key of ticks.get(at) ?? []) keys.add(key);
      ticks.delete(at);
    }
    for (const key of keys) {
      const slot = slots.get(key);
      if (slot !== undefined && isDue(slot, now) && !stopped) fire(slot);
    }
    arm();
  };
  const arm = (): void => {
    const first = order.at(-1);
    if (stopped || first === undefined) return;
    if (armed !== null && armed.tick <= first) return;
    armed?.cancel();
    armed = { tick: first, cancel: clock.after(first - clock.now(), () => wake(first)) };
  };
  const keysAt = (tick: Instant): Set<LookKey> => {
    const known = ticks.get(tick);
    if (known !== undefined) return known;
    const keys = new Set<LookKey>();
    ticks.set(tick, keys);
    // Most are later than all that are planned, so their place is near the beginning.
    const before = order.findIndex((planned) => planned < tick);
    order.splice(before === -1 ? order.length : before, 0, tick);
    return keys;
  };

  return {
    slot: (key) => slots.get(key),
    put: (slot) => {
      slots.set(slot.key, slot);
      const due = dueAt(slot);
      if (due === null) return;
      const tick = tickAfter(due);
      keysAt(tick).add(slot.key);
      // Only an earlier tick changes when to wake.
      if (armed === null || tick < armed.tick) arm();
    },
    // Its entry at a tick stays behind and is skipped.
    remove: (key) => void slots.delete(key),
    stop: () => {
      stopped = true;
      armed?.cancel();
      armed = null;
      ticks.clear();
      order.length = 0;
    },
  };
}
