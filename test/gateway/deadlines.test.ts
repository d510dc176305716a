import { describe, expect, test } from "vitest";
import { createDeadlines, TICK_MS } from "../../src/gateway/deadlines.ts";
import { ManualClock } from "../support/manual-clock.ts";

describe("the wheel", () => {
  test.each([0, 50, 100, 5_000, 60_000])("rings an alarm of %i ms not early, and at most two ticks late", async (delay) => {
    const clock = new ManualClock();
    const deadlines = createDeadlines(clock);
    const rung: number[] = [];
    const start = clock.now();
    deadlines.arm(delay, () => rung.push(clock.now() - start));
    await clock.advance(delay + 2 * TICK_MS);
    expect(rung).toHaveLength(1);
    expect(rung[0]).toBeGreaterThanOrEqual(delay);
  });

  test("keeps alarms of one slot apart, round for round", async () => {
    const clock = new ManualClock();
    const deadlines = createDeadlines(clock);
    const rung: string[] = [];
    deadlines.arm(100, () => rung.push("first"));
    deadlines.arm(100 + 128 * TICK_MS, () => rung.push("a round later"));
    await clock.advance(1_000);
    expect(rung).toEqual(["first"]);
    await clock.advance(128 * TICK_MS);
    expect(rung).toEqual(["first", "a round later"]);
  });

  test("stands still when nothing is armed", async () => {
    const clock = new ManualClock();
    const deadlines = createDeadlines(clock);
    deadlines.cancel(deadlines.arm(5_000, () => {}));
    await clock.advance(1_000);
    expect(clock.waiting).toBe(0);
    expect(deadlines.size()).toBe(0);
  });

  test("a cancelled alarm is silent, and may be cancelled again", async () => {
    const clock = new ManualClock();
    const deadlines = createDeadlines(clock);
    let rung = 0;
    const alarm = deadlines.arm(200, () => (rung += 1));
    deadlines.arm(200, () => deadlines.cancel(alarm));
    deadlines.cancel(alarm);
    deadlines.cancel(alarm);
    await clock.advance(1_000);
    expect(rung).toBe(0);
  });

  test("an alarm may arm and cancel others while it rings", async () => {
    const clock = new ManualClock();
    const deadlines = createDeadlines(clock);
    const rung: string[] = [];
    deadlines.arm(100, () => {
      rung.push("one");
      deadlines.cancel(two);
      deadlines.arm(100, () => rung.push("three"));
    });
    const two = deadlines.arm(100, () => rung.push("two"));
    await clock.advance(1_000);
    expect(rung).toEqual(["one", "three"]);
  });

  test("after close nothing rings", async () => {
    const clock = new ManualClock();
    const deadlines = createDeadlines(clock);
    deadlines.arm(100, () => expect.fail("rang"));
    deadlines.close();
    await clock.advance(1_000);
    expect(clock.waiting).toBe(0);
  });
});
