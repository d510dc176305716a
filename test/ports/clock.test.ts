import { expect, test } from "vitest";
import { inTime } from "../../src/ports/clock.ts";
import { ManualClock } from "../support/manual-clock.ts";

const aborted = (signal: AbortSignal): Promise<string> => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }));

test("work is told by its signal when its time is over, by the clock it is given", async () => {
  const clock = new ManualClock();
  const ended = inTime(clock, 5_000, aborted).catch((error: unknown) => error);
  let over = false;
  void ended.then(() => (over = true));
  await clock.advance(4_999);
  expect(over).toBe(false);
  await clock.advance(1);
  expect(await ended).toMatchObject({ message: "no end within 5000 ms" });
});

test("work that ends in time, well or not, leaves no timer", async () => {
  const clock = new ManualClock();
  expect(await inTime(clock, 5_000, async () => "done")).toBe("done");
  await expect(inTime(clock, 5_000, () => Promise.reject(new Error("refused")))).rejects.toThrow("refused");
  expect(clock.waiting).toBe(0);
});
