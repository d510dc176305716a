import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Cadence } from "../../src/core/check.ts";
import type { Slot } from "../../src/core/schedule.ts";
import { begin, dueAt, finish, firstSlot, HASTEN_EVERY_MS, hasten, isDue, JITTER, paceOf, periodOf, TICK_MS, tickAfter } from "../../src/core/schedule.ts";
import { replay } from "../support/notation.ts";

const CADENCE: Cadence = { interval: 10_000, fast: 2_000, down: 5_000, timeout: 1_000 };
const NO_JITTER = 0.5;

function waiting(at: number, cadence: Cadence = CADENCE): Slot {
  return { key: "application@app", cadence, ordinal: 0, hastenedAt: null, phase: { kind: "waiting", dueAt: at } };
}

describe("cadence", () => {
  test.each([
    ["..", "steady", 10_000],
    ["..x", "transition", 2_000],
    ["..xxx", "down", 5_000],
    ["..xxx.", "transition", 2_000],
    ["..xxx..", "steady", 10_000],
    ["..www", "steady", 10_000],
    ["..?", "steady", 10_000],
  ] as const)("after %s it is %s: next look after %i ms", (run, pace, period) => {
    expect(paceOf(replay(run))).toBe(pace);
    expect(dueAt(finish(begin(waiting(0), 1_000), pace, 1_200, NO_JITTER))).toBe(1_000 + period);
  });

  test("a check faster than the fast cadence stays as it is", () => {
    expect(periodOf({ ...CADENCE, interval: 500 }, "transition")).toBe(500);
    expect(periodOf({ ...CADENCE, interval: 500 }, "down")).toBe(500);
  });

  test("a look that took longer than its period is followed at once, not twice", () => {
    expect(dueAt(finish(begin(waiting(0), 1_000), "transition", 9_000, NO_JITTER))).toBe(9_000);
  });
});

describe("starting", () => {
  test("looks of one check are spread over its interval, the same way each time", () => {
    const due = Array.from({ length: 400 }, (_, index) => dueAt(firstSlot(`application@pod-${index}`, CADENCE, 50_000)) ?? 0);
    expect(due.every((at) => at >= 50_000 && at < 60_000)).toBe(true);
    const perSecond = Array.from({ length: 10 }, (_, second) => due.filter((at) => Math.floor((at - 50_000) / 1_000) === second).length);
    expect(Math.min(...perSecond)).toBeGreaterThan(15);
    expect(Math.max(...perSecond)).toBeLessThan(80);
    expect(dueAt(firstSlot("application@pod-7", CADENCE, 50_000))).toBe(due[7]);
  });

  test("a slow check is not kept waiting for its first look", () => {
    for (let index = 0; index < 50; index += 1) {
      expect(dueAt(firstSlot(`deps@${index}`, { ...CADENCE, interval: 3_600_000 }, 0))).toBeLessThan(10_000);
    }
  });
});

describe("hastening", () => {
  test("pulls a waiting look to now", () => {
    expect(dueAt(hasten(waiting(9_000), 1_000))).toBe(1_000);
  });

  test("never puts a look off", () => {
    expect(dueAt(hasten(waiting(500), 1_000))).toBe(500);
  });

  test("happens once in 2 s", () => {
    const once = hasten(waiting(9_000), 1_000);
    const later = finish(begin(once, 1_000), "steady", 1_100, NO_JITTER);
    expect(hasten(later, 1_000 + HASTEN_EVERY_MS - 1)).toBe(later);
    expect(dueAt(hasten(later, 1_000 + HASTEN_EVERY_MS))).toBe(3_000);
  });

  test("during a look asks for one more right after it, because that one may have begun too early", () => {
    const running = hasten(begin(waiting(0), 1_000), 1_100);
    expect(dueAt(running)).toBeNull();
    expect(dueAt(finish(running, "steady", 1_300, NO_JITTER))).toBe(1_300);
  });
});

test.each([
  [0, 0],
  [1, 100],
  [100, 100],
  [100.5, 200],
])("a look due at %d fires at the tick of %d", (due, tick) => {
  expect(tickAfter(due)).toBe(tick);
});

describe("whatever happens", () => {
  type Step = { readonly kind: "wait" | "end" | "trouble"; readonly ms: number; readonly chance: number; readonly pace: "steady" | "transition" | "down" };
  const steps: fc.Arbitrary<readonly Step[]> = fc.array(
    fc.record({
      kind: fc.constantFrom("wait", "end", "trouble"),
      ms: fc.integer({ min: 0, max: 30_000 }),
      chance: fc.double({ min: 0, max: 0.999_999, noNaN: true }),
      pace: fc.constantFrom("steady", "transition", "down"),
    }),
    { maxLength: 60 },
  );

  /** Lets time pass and things happen; `begun` and `ended` in order. */
  function live(script: readonly Step[]): { readonly slot: Slot; readonly now: number; readonly begun: readonly number[]; readonly ended: readonly number[] } {
    let slot = firstSlot("application@app", CADENCE, 0);
    let now = 0;
    const begun: number[] = [];
    const ended: number[] = [];
    const fireIfDue = (): void => {
      if (!isDue(slot, now)) return;
      begun.push(now);
      slot = begin(slot, now);
    };
    for (const step of script) {
      now += step.ms;
      fireIfDue();
      if (step.kind === "trouble") slot = hasten(slot, now);
      if (step.kind === "end" && slot.phase.kind === "looking") {
        ended.push(now);
        slot = finish(slot, step.pace, now, step.chance);
      }
    }
    return { slot, now, begun, ended };
  }

  test("a look never begins before the one before it has ended", () => {
    fc.assert(
      fc.property(steps, (script) => {
        const { begun, ended, slot } = live(script);
        expect(begun.length - ended.length).toBe(slot.phase.kind === "looking" ? 1 : 0);
        for (const [index, at] of begun.slice(1).entries()) expect(at).toBeGreaterThanOrEqual(ended[index] ?? Number.POSITIVE_INFINITY);
        expect(slot.ordinal).toBe(begun.length);
      }),
    );
  });

  test("a second beginning while a look runs changes nothing", () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 1_000 }), (script, later) => {
        const { slot, now } = live(script);
        if (slot.phase.kind === "looking") expect(begin(slot, now + later)).toBe(slot);
      }),
    );
  });

  test("nothing starves: a waiting look is due within its interval and jitter", () => {
    fc.assert(
      fc.property(steps, (script) => {
        const { slot, now } = live(script);
        const due = dueAt(slot);
        if (due !== null) expect(due - now).toBeLessThanOrEqual(CADENCE.interval * (1 + JITTER));
      }),
    );
  });

  test("jitter moves a look by at most 5 % of its period, and the tick by one tick more", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.999_999, noNaN: true }), fc.constantFrom("steady", "transition", "down"), (chance, pace) => {
        const due = dueAt(finish(begin(waiting(0), 0), pace, 10, chance)) ?? 0;
        const period = periodOf(CADENCE, pace);
        expect(Math.abs(due - period)).toBeLessThanOrEqual(period * JITTER + 1e-6);
        expect(tickAfter(due) - due).toBeLessThan(TICK_MS);
      }),
    );
  });
});
