/**
 * When to look next.
 *
 * Cadence after HAProxy's inter, fastinter and downinter: the check's interval while
 * steady, faster in transition, in between while down; 5 % jitter, and a start phase
 * spread by the hash of the look's key, so that a restart does not bunch the looks.
 * Looks due within the same 100 ms tick fire together, because wake-ups cost more
 * than looks. A look never overlaps itself: while it runs it has no due time.
 */
import type { Cadence } from "./check.ts";
import type { CheckState } from "./check-state.ts";
import { inTransition } from "./check-state.ts";
import type { LookKey } from "./target.ts";
import type { Instant, Ms } from "./time.ts";

/** Looks due within one tick fire together, at its end. */
export const TICK_MS: Ms = 100;

/** Share of the period by which a look may come early or late. */
export const JITTER = 0.05;

/** Trouble seen elsewhere pulls a look forward at most once in this time. */
export const HASTEN_EVERY_MS: Ms = 2_000;

export type Pace = "steady" | "transition" | "down";

/** One look's place in time. */
export type Slot = {
  readonly key: LookKey;
  readonly cadence: Cadence;
  /** How many looks have begun. */
  readonly ordinal: number;
  readonly hastenedAt: Instant | null;
  readonly phase:
    | { readonly kind: "waiting"; readonly dueAt: Instant }
    /** `again`: trouble was seen meanwhile, so look once more as soon as this one ends. */
    | { readonly kind: "looking"; readonly startedAt: Instant; readonly again: boolean };
};

/** The first look falls within one interval of `at` (within 10 s for slower checks), spread by the hash of the key, or of what several share (`spreadBy`). */
export function firstSlot(key: LookKey, cadence: Cadence, at: Instant, spreadBy: string = key): Slot {
  const spread = Math.min(cadence.interval, FIRST_LOOK_WITHIN_MS);
  return { key, cadence, ordinal: 0, hastenedAt: null, phase: { kind: "waiting", dueAt: at + (hash(spreadBy) % spread) } };
}

/** The end of the tick that an instant falls into: when a look due then fires. */
export function tickAfter(instant: Instant): Instant {
  return Math.ceil(instant / TICK_MS) * TICK_MS;
}

export function isDue(slot: Slot, now: Instant): boolean {
  return slot.phase.kind === "waiting" && slot.phase.dueAt <= now;
}

/** When the slot is due; null while its look runs. */
export function dueAt(slot: Slot): Instant | null {
  return slot.phase.kind === "waiting" ? slot.phase.dueAt : null;
}

/** The look begins. A slot whose look runs already is returned unchanged: looks never overlap. */
export function begin(slot: Slot, now: Instant): Slot {
  if (slot.phase.kind === "looking") return slot;
  return { ...slot, ordinal: slot.ordinal + 1, phase: { kind: "looking", startedAt: now, again: false } };
}

/**
 * The look ended. The next one is due one period after this one *began*, jittered, but not
 * before now; at once when trouble was seen meanwhile.
 *
 * @param chance uniform in [0, 1).
 */
export function finish(slot: Slot, pace: Pace, now: Instant, chance: number): Slot {
  if (slot.phase.kind === "waiting") return slot;
  const period = periodOf(slot.cadence, pace) * (1 + JITTER * (2 * chance - 1));
  const next = slot.phase.again ? now : Math.max(now, slot.phase.startedAt + period);
  return { ...slot, phase: { kind: "waiting", dueAt: next } };
}

/** Trouble was seen: look now, at most once per 2 s and look. Unchanged when it is too soon. */
export function hasten(slot: Slot, now: Instant): Slot {
  if (slot.hastenedAt !== null && now - slot.hastenedAt < HASTEN_EVERY_MS) return slot;
  if (slot.phase.kind === "looking") return { ...slot, hastenedAt: now, phase: { ...slot.phase, again: true } };
  return { ...slot, hastenedAt: now, phase: { kind: "waiting", dueAt: Math.min(slot.phase.dueAt, now) } };
}

/** The pace a state asks for. */
export function paceOf(state: CheckState): Pace {
  if (inTransition(state)) return "transition";
  return state.verdict === "unhealthy" ? "down" : "steady";
}

export function periodOf(cadence: Cadence, pace: Pace): Ms {
  switch (pace) {
    case "steady":
      return cadence.interval;
    case "transition":
      return Math.min(cadence.fast, cadence.interval);
    case "down":
      return Math.min(cadence.down, cadence.interval);
  }
}

/** A slow check is not kept waiting for its first look. */
const FIRST_LOOK_WITHIN_MS: Ms = 10_000;

/** FNV-1a, 32 bits: spreads keys evenly and the same way in every process. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}
