import { describe, expect, test } from "vitest";
import { seededRandom } from "../../src/simulation/seeded-random.ts";
import { formatOffset } from "../../src/simulation/transcript.ts";
import { VirtualClock } from "../../src/simulation/virtual-clock.ts";

describe("virtual time", () => {
  test("passes in the order of what is due, and stops where it is told", async () => {
    const clock = new VirtualClock(1_000);
    const seen: string[] = [];
    const note = (name: string) => () => seen.push(`${name}@${clock.now()}`);
    clock.after(30, note("late"));
    clock.after(10, note("first"));
    clock.after(10, note("second"));
    clock.after(20, note("cancelled"))();
    clock.after(101, note("beyond"));
    await clock.runUntil(1_100);
    expect(seen).toEqual(["first@1010", "second@1010", "late@1030"]);
    expect(clock.now()).toBe(1_100);
  });

  test("lets promises settle before it goes on, and runs nothing synchronously", async () => {
    const clock = new VirtualClock(0);
    const seen: string[] = [];
    clock.after(1, () => {
      void Promise.resolve().then(() => Promise.resolve()).then(() => seen.push(`settled@${clock.now()}`));
    });
    clock.after(2, () => {
      clock.after(0, () => seen.push("at once, but later"));
      seen.push("before");
    });
    await clock.runUntil(10);
    expect(seen).toEqual(["settled@1", "before", "at once, but later"]);
  });

  test("only the wall clock jumps", async () => {
    const clock = new VirtualClock(0);
    clock.jump(-5_000);
    await clock.runUntil(100);
    expect([clock.now(), clock.wall()]).toEqual([100, -4_900]);
  });
});

test("the same seed draws the same, within [0, 1)", () => {
  const draw = (seed: number): readonly number[] => {
    const random = seededRandom(seed);
    return Array.from({ length: 1_000 }, () => random.next());
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  expect(draw(7).every((number) => number >= 0 && number < 1)).toBe(true);
  expect(draw(7).reduce((sum, number) => sum + number, 0) / 1_000).toBeCloseTo(0.5, 1);
  expect(seededRandom(1).id()).toMatch(/^[0-9a-f]{16}$/);
});

test.each([
  [12_345, "+00:12.3"],
  [60_000, "+01:00.0"],
  [3_723_450, "+1:02:03.4"],
])("%i ms is written %s", (ms, text) => {
  expect(formatOffset(ms)).toBe(text);
});
