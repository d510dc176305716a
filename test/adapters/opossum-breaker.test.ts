import CircuitBreaker from "opossum";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createOpossumBreaker, type OpossumBreakerParts } from "../../src/adapters/opossum-breaker.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import type { Breaker, BreakerChange, CallOutcome } from "../../src/ports/breaker.ts";

const SECOND = 1_000;

/** A breaker under fake timers, its trials answered by `answers.trial`, and what it reported. */
function setUp(overrides: Partial<OpossumBreakerParts> = {}) {
  const changes: BreakerChange[] = [];
  const answers = { trial: true, trials: 0 };
  const clock = createSystemClock();
  const breaker = createOpossumBreaker({
    name: "ingress:app",
    errorThresholdPercent: 50,
    windowMs: 10 * SECOND,
    volumeThreshold: 20,
    consecutiveFailures: 5,
    resetMs: 30 * SECOND,
    maxResetMs: 300 * SECOND,
    deadline: 5 * SECOND,
    trial: () => {
      answers.trials += 1;
      return Promise.resolve(answers.trial);
    },
    clock,
    // The middle of the jitter: waits are exact.
    random: { next: () => 0.5, id: () => "00000000-0000-0000-0000-000000000000" },
    onChange: (change) => changes.push(change),
    ...overrides,
  });
  return { breaker, changes, answers, clock };
}

/** Plays calls one after the other: `.` success, `x` failure, `-` neutral, `t` throttled, `s` slow success. */
async function play(breaker: Breaker, calls: string): Promise<void> {
  const meaning: Readonly<Record<string, CallOutcome>> = { ".": "success", x: "failure", "-": "neutral", t: "throttled", s: "success" };
  for (const call of calls) breaker.record(breaker.begin(), meaning[call] ?? "neutral", call === "s");
  await vi.advanceTimersByTimeAsync(0);
}

const wait = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const own = (breaker: Breaker): string => breaker.view().own;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("opening", () => {
  test.each([
    ["xxxx", "closed", "four failures in a row are noise"],
    ["xxxxx", "open", "five in a row open it"],
    ["xxxx.xxxx", "closed", "one success breaks the row"],
    ["xxxx-x", "open", "a neutral call does not break the row"],
    [".x".repeat(10), "closed", "half of twenty is not more than half"],
    [".x".repeat(9) + "xx", "open", "eleven of twenty is"],
    ["x.x.x.xx.xx.xx.xx.x", "closed", "nineteen calls are too few"],
    ["x.x.x.xx.xx.xx.xx.x-----", "closed", "neutral calls do not fill the window up"],
    ["x.x.x.xx.xx.xx.xx.xx", "open", "the twentieth completed call decides"],
    ["t".repeat(50), "closed", "throttled calls are no failures"],
    ["s".repeat(16) + "....", "open", "four in five over their budget open it"],
    ["s".repeat(15) + ".....", "closed", "three in four do not"],
    ["s".repeat(19), "closed", "nineteen slow calls are too few"],
  ])("%s ends %s: %s", async (calls, position) => {
    const { breaker } = setUp();
    await play(breaker, calls);
    expect(own(breaker)).toBe(position);
    breaker.shutdown();
  });

  test("forgets calls after ten seconds", async () => {
    const { breaker } = setUp();
    await play(breaker, "x.x.x.xx.xx.xx.xx.x");
    await wait(10 * SECOND);
    await play(breaker, ".x");
    expect(own(breaker)).toBe("closed");
    breaker.shutdown();
  });

  test("says since when and why", async () => {
    const { breaker, changes, clock } = setUp();
    await wait(1_234);
    await play(breaker, "xxxxx");
    expect(changes).toEqual([{ breaker: "ingress:app", position: "open", at: clock.now(), why: "5 failures in a row" }]);
    expect(breaker.view()).toEqual({ name: "ingress:app", effective: "open", own: "open", since: clock.now(), hold: null });
    breaker.shutdown();
  });
});

describe("recovering", () => {
  test("denies buyers for 30 s, then tries three times and closes", async () => {
    const { breaker, changes, answers } = setUp();
    await play(breaker, "xxxxx");
    await wait(30 * SECOND - 1);
    expect([breaker.admits(), answers.trials]).toEqual([false, 0]);
    await wait(1);
    expect(answers.trials).toBe(3);
    expect(changes.map(({ position }) => position)).toEqual(["open", "half_open", "closed"]);
    expect(breaker.admits()).toBe(true);
    breaker.shutdown();
  });

  test("buyers are no guinea pigs: half-open admits nobody while trials run", async () => {
    let pass: (passed: boolean) => void = () => {};
    const { breaker } = setUp({ trial: () => new Promise((resolve) => (pass = resolve)) });
    await play(breaker, "xxxxx");
    await wait(30 * SECOND);
    expect([own(breaker), breaker.admits()]).toEqual(["half_open", false]);
    for (let trial = 0; trial < 3; trial += 1) {
      expect(breaker.admits()).toBe(false);
      pass(true);
      await wait(0);
    }
    expect([own(breaker), breaker.admits()]).toEqual(["closed", true]);
    breaker.shutdown();
  });

  test("one failed trial of three keeps it open", async () => {
    let trials = 0;
    const { breaker } = setUp({ trial: () => Promise.resolve(++trials < 3) });
    await play(breaker, "xxxxx");
    await wait(30 * SECOND);
    expect([trials, own(breaker)]).toEqual([3, "open"]);
    breaker.shutdown();
  });

  test("each failed half-open doubles the wait: 30, 60, 120, 240, then 300 s for good", async () => {
    const { breaker, answers } = setUp();
    answers.trial = false;
    await play(breaker, "xxxxx");
    for (const seconds of [30, 60, 120, 240, 300, 300]) {
      const before = answers.trials;
      await wait(seconds * SECOND - 1);
      expect(answers.trials).toBe(before);
      await wait(1);
      expect(answers.trials).toBe(before + 1);
    }
    answers.trial = true;
    await wait(300 * SECOND);
    expect(own(breaker)).toBe("closed");
    await play(breaker, "xxxxx");
    await wait(30 * SECOND);
    expect(own(breaker)).toBe("closed");
    breaker.shutdown();
  });

  test.each([
    [0, 27 * SECOND],
    [0.999_999, 33 * SECOND],
  ])("waits are spread by a tenth: chance %d waits %d ms", async (chance, ms) => {
    const { breaker, answers } = setUp({ random: { next: () => chance, id: () => "" } });
    await play(breaker, "xxxxx");
    await wait(ms - 1);
    expect(answers.trials).toBe(0);
    await wait(1);
    expect(answers.trials).toBe(3);
    breaker.shutdown();
  });

  test("a trial has a quarter of the normal deadline, and then failed", async () => {
    const aborted: boolean[] = [];
    const { breaker } = setUp({ trial: (signal) => new Promise(() => signal.addEventListener("abort", () => aborted.push(true))) });
    await play(breaker, "xxxxx");
    await wait(30 * SECOND);
    await wait(1_249);
    expect([own(breaker), aborted]).toEqual(["half_open", []]);
    await wait(1);
    expect([own(breaker), aborted]).toEqual(["open", [true]]);
    breaker.shutdown();
  });

  test.each([
    ["rejects", () => Promise.reject(new Error("refused"))],
    ["throws", () => { throw new Error("no socket"); }],
  ])("a trial that %s has failed", async (_, trial) => {
    const { breaker } = setUp({ trial });
    await play(breaker, "xxxxx");
    await wait(30 * SECOND);
    expect(own(breaker)).toBe("open");
    breaker.shutdown();
  });

  test("without a trial the wait is all there is", async () => {
    const { breaker } = setUp({ trial: null });
    await play(breaker, "xxxxx");
    await wait(30 * SECOND);
    expect(own(breaker)).toBe("closed");
    breaker.shutdown();
  });

  test("old failures do not count against an upstream that proved itself", async () => {
    const { breaker } = setUp();
    await play(breaker, "x.x.x.xx.xx.xx.xx.xx");
    breaker.retrySoon();
    await wait(1);
    expect(own(breaker)).toBe("closed");
    await play(breaker, "xxxx");
    expect(own(breaker)).toBe("closed");
    breaker.shutdown();
  });
});

describe("retrySoon", () => {
  test("runs the trials now and closes", async () => {
    const { breaker, changes } = setUp();
    await play(breaker, "xxxxx");
    await wait(5 * SECOND);
    breaker.retrySoon();
    expect(breaker.admits()).toBe(false);
    await wait(1);
    expect(changes.map(({ position, why }) => [position, why])).toEqual([
      ["open", "5 failures in a row"],
      ["half_open", "there is evidence of recovery"],
      ["closed", "3 of 3 trials passed"],
    ]);
    breaker.shutdown();
  });

  test("tries at most once a second, and does not lengthen the wait", async () => {
    const { breaker, answers } = setUp();
    answers.trial = false;
    await play(breaker, "xxxxx");
    for (let ask = 0; ask < 20; ask += 1) {
      breaker.retrySoon();
      await wait(100);
    }
    expect(answers.trials).toBe(2);
    await wait(500);
    const before = answers.trials;
    await wait(30 * SECOND);
    expect(answers.trials).toBe(before + 1);
    breaker.shutdown();
  });

  test("does nothing to a closed breaker", async () => {
    const { breaker, changes, answers } = setUp();
    breaker.retrySoon();
    await wait(60 * SECOND);
    expect([changes, answers.trials]).toEqual([[], 0]);
    breaker.shutdown();
  });
});

describe("holds", () => {
  test("a hold decides until it expires, whatever the breaker's own position", async () => {
    const { breaker, clock } = setUp();
    breaker.hold({ breaker: "ingress:app", position: "open", until: clock.now() + 5 * SECOND, by: "pulse", why: "connection closed" });
    expect([breaker.admits(), breaker.view().effective, own(breaker)]).toEqual([false, "open", "closed"]);
    await wait(5 * SECOND);
    expect([breaker.admits(), breaker.view().hold]).toEqual([true, null]);
    breaker.shutdown();
  });

  test("a person's hold closes an open breaker, and traffic under it moves nothing", async () => {
    const { breaker, clock } = setUp();
    await play(breaker, "xxxxx");
    breaker.hold({ breaker: "ingress:app", position: "closed", until: clock.now() + 20 * SECOND, by: "ann", why: "a false alarm" });
    expect(breaker.admits()).toBe(true);
    await play(breaker, "....................");
    expect(own(breaker)).toBe("open");
    breaker.release("pulse");
    expect(breaker.admits()).toBe(true);
    breaker.release("ann");
    expect(breaker.admits()).toBe(false);
    breaker.shutdown();
  });
});

describe("throttling is a state of its own", () => {
  test("counts the throttled calls of the last ten seconds", async () => {
    const { breaker, clock } = setUp();
    expect(breaker.throttle()).toEqual({ recent: 0, lastAt: null });
    const at = clock.now();
    await play(breaker, "ttt");
    expect(breaker.throttle()).toEqual({ recent: 3, lastAt: at });
    await wait(10 * SECOND);
    expect(breaker.throttle()).toEqual({ recent: 0, lastAt: at });
    breaker.shutdown();
  });

  test("still counts while the breaker is open", async () => {
    const { breaker } = setUp();
    await play(breaker, "xxxxxtt");
    expect(breaker.throttle().recent).toBe(2);
    breaker.shutdown();
  });
});

describe("traps of opossum", () => {
  /** A breaker with its trials hanging, so that it stays half-open, and a ticket drawn before it opened. */
  async function halfOpen() {
    const kit = setUp({ trial: () => new Promise(() => {}) });
    const early = kit.breaker.begin();
    await play(kit.breaker, "xxxxx");
    await wait(30 * SECOND);
    expect(own(kit.breaker)).toBe("half_open");
    return { ...kit, early };
  }

  test("a late success of a call sent before it opened does not close it", async () => {
    const { breaker, early } = await halfOpen();
    breaker.record(early, "success", false);
    await wait(0);
    expect(own(breaker)).toBe("half_open");
    breaker.shutdown();
  });

  test("a late failure of a call sent before it opened counts for nothing after it closed", async () => {
    const { breaker } = setUp();
    const early = breaker.begin();
    await play(breaker, "xxxxx");
    await wait(30 * SECOND);
    for (let call = 0; call < 10; call += 1) breaker.record(early, "failure", false);
    await wait(0);
    expect(own(breaker)).toBe("closed");
    breaker.shutdown();
  });

  test("a neutral outcome does not close it, as an error let through by opossum's filter would", async () => {
    const { breaker } = await halfOpen();
    await play(breaker, "------");
    expect(own(breaker)).toBe("half_open");
    breaker.shutdown();
  });

  test("any number of calls under way is no failure: there is no semaphore", async () => {
    const { breaker } = setUp();
    const tickets = Array.from({ length: 10_000 }, () => breaker.begin());
    expect(breaker.admits()).toBe(true);
    for (const ticket of tickets) breaker.record(ticket, "success", false);
    await wait(0);
    expect(own(breaker)).toBe("closed");
    breaker.shutdown();
  });

  test("calls refused while it was open do not thin out the share of failures", async () => {
    const { breaker } = setUp();
    await play(breaker, "xxxxx");
    for (let call = 0; call < 1_000; call += 1) breaker.record(breaker.begin(), "neutral", false);
    await wait(30 * SECOND);
    await play(breaker, "x.x.x.xx.xx.xx.xx.xx");
    expect(own(breaker)).toBe("open");
    breaker.shutdown();
  });

  test("nothing is restored: a new breaker is closed, whatever the last one was", async () => {
    const first = setUp();
    await play(first.breaker, "xxxxx");
    first.breaker.shutdown();
    const second = setUp();
    expect(own(second.breaker)).toBe("closed");
    await wait(60 * SECOND);
    expect(second.answers.trials).toBe(0);
    second.breaker.shutdown();
  });

  test("the deadline of one trial aborts no other", async () => {
    const signals: AbortSignal[] = [];
    const { breaker } = setUp({
      trial: (signal) => {
        signals.push(signal);
        return signals.length === 4 ? new Promise(() => {}) : Promise.resolve(true);
      },
    });
    await play(breaker, "xxxxx");
    await wait(30 * SECOND);
    expect(own(breaker)).toBe("closed");
    await play(breaker, "xxxxx");
    await wait(30 * SECOND + 1_250);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false, false, true]);
    breaker.shutdown();
  });

  test("no answer is cached: every outcome counts", async () => {
    const { breaker } = setUp();
    await play(breaker, ".........");
    await play(breaker, "xxxxx");
    expect(own(breaker)).toBe("open");
    breaker.shutdown();
  });

  test("a closed breaker has no timer, an open one has one, a shut one none", async () => {
    const { breaker } = setUp();
    await play(breaker, "......");
    expect(vi.getTimerCount()).toBe(0);
    await play(breaker, "xxxxx");
    expect(vi.getTimerCount()).toBe(1);
    breaker.shutdown();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("shutting down ends running trials, reports nothing more, and leaves buyers admitted", async () => {
    const { breaker, changes, answers } = await halfOpen();
    const before = changes.length;
    breaker.shutdown();
    await wait(600 * SECOND);
    expect([changes.length, answers.trials, vi.getTimerCount()]).toEqual([before, 0, 0]);
    breaker.record(breaker.begin(), "failure", false);
    breaker.retrySoon();
    expect([breaker.admits(), vi.getTimerCount()]).toEqual([true, 0]);
  });

  test("opossum still is as the adapter takes it to be: bare, it falls into the trap of the late success", async () => {
    let finish = (): void => {};
    const bare = new CircuitBreaker((late: boolean) => (late ? new Promise<void>((resolve) => (finish = resolve)) : Promise.reject(new Error("down"))), {
      timeout: false,
      volumeThreshold: 1,
      resetTimeout: SECOND,
      enableSnapshots: false,
    });
    const late = bare.fire(true);
    await bare.fire(false).catch(() => {});
    await bare.fire(false).catch(() => {});
    expect(bare.opened).toBe(true);
    await wait(SECOND);
    finish();
    await late;
    expect(bare.closed).toBe(true);
    bare.shutdown();
  });
});
