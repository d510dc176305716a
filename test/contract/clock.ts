/** What every Clock must do. `pass` lets time pass: really, or by turning hands. */
import { describe, expect, test } from "vitest";
import type { Clock } from "../../src/ports/clock.ts";

export type ClockUnderTest = { readonly clock: Clock; pass(ms: number): Promise<void> };

export function clockContract(name: string, make: () => ClockUnderTest): void {
  describe(`Clock: ${name}`, () => {
    test("never runs backwards, and goes on by what passed", async () => {
      const { clock, pass } = make();
      const before = clock.now();
      await pass(20);
      expect(clock.now()).toBeGreaterThanOrEqual(before + 20);
    });

    test("a timer runs once, not before its time", async () => {
      const { clock, pass } = make();
      const due = clock.now() + 10;
      const ran: number[] = [];
      clock.after(10, () => ran.push(clock.now()));
      await pass(60);
      expect(ran).toHaveLength(1);
      expect(ran[0]).toBeGreaterThanOrEqual(due);
    });

    test("a timer of nothing or less runs soon, but never at once", async () => {
      const { clock, pass } = make();
      const ran: string[] = [];
      clock.after(0, () => ran.push("zero"));
      clock.after(-5, () => ran.push("negative"));
      expect(ran).toEqual([]);
      await pass(20);
      expect(ran.toSorted()).toEqual(["negative", "zero"]);
    });

    test("timers run in the order of their times", async () => {
      const { clock, pass } = make();
      const ran: number[] = [];
      for (const delay of [40, 5, 20]) clock.after(delay, () => ran.push(delay));
      await pass(80);
      expect(ran).toEqual([5, 20, 40]);
    });

    test("a cancelled timer does not run, and cancelling twice or late is harmless", async () => {
      const { clock, pass } = make();
      const ran: string[] = [];
      const cancel = clock.after(5, () => ran.push("cancelled"));
      const late = clock.after(5, () => ran.push("ran"));
      cancel();
      cancel();
      await pass(40);
      late();
      expect(ran).toEqual(["ran"]);
    });
  });
}
