import { expect, test } from "vitest";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { clockContract } from "./clock.ts";

clockContract("system", () => {
  const clock = createSystemClock();
  return { clock, pass: (ms) => new Promise((resolve) => clock.after(ms, resolve)) };
});

test("the system clock starts at the wall's time", () => {
  const clock = createSystemClock();
  expect(Math.abs(clock.now() - clock.wall())).toBeLessThan(60_000);
});

test("the system clock takes delays longer than Node's timers do", async () => {
  const clock = createSystemClock();
  let ran = false;
  const cancel = clock.after(2 ** 40, () => {
    ran = true;
  });
  await new Promise<void>((resolve) => clock.after(10, resolve));
  cancel();
  expect(ran).toBe(false);
});
