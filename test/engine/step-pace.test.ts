import { describe, expect, test } from "vitest";
import type { CheckSpec } from "../../src/core/check.ts";
import { initialState, observe } from "../../src/core/check-state.ts";
import type { Observation } from "../../src/core/observation.ts";
import { lookKey } from "../../src/core/target.ts";
import { isQuiet, MURMUR_STEP_MS, QUIET_STEP_MS, quietWait, REGION_STEP_MS, StepPace } from "../../src/engine/step-pace.ts";
import { RESTART } from "../support/scene.ts";
import { VirtualClock } from "../../src/simulation/virtual-clock.ts";

const KEY = lookKey("application", "app");
const SPEC: CheckSpec = {
  name: "application", targets: ["app"], cadence: { interval: 10_000, fast: 2_000, down: 5_000, timeout: 5_000 }, thresholds: { fall: 3, rise: 2 },
  critical: true, dependsOn: [], inactive: null, remote: false,
};

function pass(at: number): Observation {
  return { kind: "pass", at, tookMs: 1, findings: [], facts: {} };
}

function fail(at: number): Observation {
  return { kind: "fail", at, tookMs: 1, cause: "refused", detail: "refused", findings: [], facts: {} };
}

/** Folds `.` and `x` and says whether the last look was quiet. */
function lastIsQuiet(run: string): boolean {
  const seen = [...run].map((mark, at) => (mark === "." ? pass(at) : fail(at)));
  const state = seen.reduce((before, one) => observe(before, one, SPEC.thresholds), initialState(0));
  return isQuiet(KEY, seen.at(-1) ?? pass(0), [SPEC], new Map([[KEY, state]]));
}

describe("a look that brings no news", () => {
  test.each([
    [".", false, "the first one turns the verdict"],
    ["..", false, "a run as long as rise may have turned it"],
    ["...", true, "one more pass changes nothing"],
    ["...x", false, "a failure is news"],
    ["...x.", false, "so is the pass that ends a run"],
    ["...xxx..", false, "and the pass that is recovery"],
    ["...xxx...", true, "after it all is quiet again"],
  ])("%s is quiet: %s (%s)", (run, quiet) => {
    expect(lastIsQuiet(run)).toBe(quiet);
  });

  test("of a check nobody knows is news", () => {
    expect(isQuiet(KEY, pass(0), [], new Map([[KEY, initialState(0)]]))).toBe(false);
  });
});

describe("how soon a step follows a quiet look", () => {
  const wait = quietWait([{ ...RESTART, trigger: { kind: "sustained", metric: "cpu_usage", over: 70, forMs: 120_000 } }]);
  const seen = (facts: Readonly<Record<string, number>>): Observation => ({ kind: "pass", at: 0, tookMs: 1, findings: [], facts });

  test("late, where nothing waits for it", () => {
    expect(wait(seen({ cpu_usage: 70, memory_usage: 99 }), false)).toBe(QUIET_STEP_MS);
  });

  test("within seconds, where a trigger asks for a region that is not looked at here", () => {
    const asking = (action: string): ReturnType<typeof quietWait> => quietWait([{ ...RESTART, action, trigger: { kind: "region", region: "primary" } }]);
    expect([asking("pre_scale")(seen({}), false), asking("failover_dns")(seen({}), false)]).toEqual([REGION_STEP_MS, QUIET_STEP_MS]);
  });

  test("soon, where a figure is above a trigger's bound or a trigger fires", () => {
    expect(wait(seen({ cpu_usage: 71 }), false)).toBe(MURMUR_STEP_MS);
    expect(wait(seen({}), true)).toBe(MURMUR_STEP_MS);
  });
});

describe("the pace of steps", () => {
  function paced(): { readonly clock: VirtualClock; readonly pace: StepPace; readonly steps: number[] } {
    const clock = new VirtualClock(0);
    const steps: number[] = [];
    return { clock, steps, pace: new StepPace(clock, () => steps.push(clock.now())) };
  }

  test("looks without news share one step", async () => {
    const { clock, pace, steps } = paced();
    pace.within(1_000);
    await clock.runUntil(400);
    pace.within(1_000);
    await clock.runUntil(5_000);
    expect(steps).toEqual([1_000]);
  });

  test("an earlier plan replaces a later one", async () => {
    const { clock, pace, steps } = paced();
    pace.within(1_000);
    pace.within(50);
    await clock.runUntil(5_000);
    expect(steps).toEqual([50]);
  });

  test("a step that begins for another reason takes the planned one's place", async () => {
    const { clock, pace, steps } = paced();
    pace.within(1_000);
    pace.begin();
    await clock.runUntil(5_000);
    expect(steps).toEqual([]);
  });

  test("rest after a step grows with what it computed, to a second at most", () => {
    let now = 0;
    const pace = new StepPace({ now: () => now, wall: () => now, after: () => () => {} }, () => {});
    const step = (took: number): number => {
      pace.begin();
      pace.computing(() => (now += took));
      pace.end();
      return pace.rest();
    };
    expect(step(0)).toBe(0);
    expect(step(3)).toBe(60);
    expect(step(500)).toBe(1_000);
  });
});
