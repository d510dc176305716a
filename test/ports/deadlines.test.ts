import { expect, test } from "vitest";
import { createDeadlines } from "../../src/ports/deadlines.ts";
import type { Clock } from "../../src/ports/clock.ts";

/** A clock of one hand: shows the timers set, and fires the live ones when turned. */
function handClock() {
  let now = 0;
  let set = 0;
  const timers = new Set<{ at: number; fn: () => void }>();
  const clock: Clock = {
    now: () => now,
    wall: () => now,
    after: (delay, fn) => {
      set += 1;
      const timer = { at: now + delay, fn };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
  };
  const turnTo = (at: number): void => {
    now = at;
    for (const timer of [...timers].filter((each) => each.at <= at)) {
      timers.delete(timer);
      timer.fn();
    }
  };
  return { clock, turnTo, timersSet: () => set, timersLive: () => timers.size };
}

function watch(expiresAt: number, expired: number[]) {
  return { expiresAt, expire: () => void expired.push(expiresAt) };
}

test("each expires at its own time, and those removed never", () => {
  const { clock, turnTo } = handClock();
  const deadlines = createDeadlines(clock);
  const expired: number[] = [];
  const removed = watch(150, expired);
  for (const one of [watch(300, expired), watch(100, expired), removed]) deadlines.add(one);
  deadlines.remove(removed);
  turnTo(99);
  expect(expired).toEqual([]);
  turnTo(100);
  expect(expired).toEqual([100]);
  turnTo(299);
  expect(expired).toEqual([100]);
  turnTo(300);
  expect(expired).toEqual([100, 300]);
});

test("a thousand quick exchanges share one timer", () => {
  const { clock, timersSet, timersLive } = handClock();
  const deadlines = createDeadlines(clock);
  for (let nth = 0; nth < 1_000; nth += 1) {
    const one = watch(5_000 + nth, []);
    deadlines.add(one);
    deadlines.remove(one);
  }
  expect([timersSet(), timersLive()]).toEqual([1, 1]);
});

test("one added while others expire is not forgotten", () => {
  const { clock, turnTo } = handClock();
  const deadlines = createDeadlines(clock);
  const expired: number[] = [];
  deadlines.add({ expiresAt: 100, expire: () => deadlines.add(watch(120, expired)) });
  turnTo(100);
  turnTo(120);
  expect(expired).toEqual([120]);
});

test("closing ends them all without a word", () => {
  const { clock, turnTo, timersLive } = handClock();
  const deadlines = createDeadlines(clock);
  const expired: number[] = [];
  deadlines.add(watch(100, expired));
  deadlines.close();
  turnTo(200);
  expect([expired, timersLive()]).toEqual([[], 0]);
});

test("one that another's expiry has ended does not expire itself", () => {
  const { clock, turnTo } = handClock();
  const deadlines = createDeadlines(clock);
  const expired: number[] = [];
  const second = watch(100, expired);
  deadlines.add({ expiresAt: 100, expire: () => deadlines.remove(second) });
  deadlines.add(second);
  turnTo(100);
  expect(expired).toEqual([]);
});
