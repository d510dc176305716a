import { expect, test } from "vitest";
import { markClock, createThreadClock } from "../../src/adapters/thread-clock.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";

test("a clock on another's time line tells the same instants, however far the wall clock jumped", () => {
  const main = createSystemClock();
  const jumped = { ...main, now: () => main.now() - 3_600_000 };
  const other = createThreadClock(markClock(jumped));
  // What lies between two readings is far less than the jump.
  expect(Math.abs(other.now() - jumped.now())).toBeLessThan(60_000);
});
