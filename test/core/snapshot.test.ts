import { describe, expect, test } from "vitest";
import type { CheckSpec } from "../../src/core/check.ts";
import { observeFlap, STEADY } from "../../src/core/flapping.ts";
import { currentRun, intentView, looksToTurn, lookView } from "../../src/core/snapshot.ts";
import { instantOf, looksOf, replay } from "../support/notation.ts";

const CHECK: CheckSpec = {
  name: "application", targets: ["app"], cadence: { interval: 10_000, fast: 2_000, down: 5_000, timeout: 1_000 },
  thresholds: { fall: 3, rise: 2 }, critical: true, dependsOn: [], inactive: null, remote: false,
};

describe("the run that is shown", () => {
  test.each([
    ["", null],
    ["?", null],
    ["..", { level: "pass", count: 2, since: instantOf(0) }],
    ["..xx?x", { level: "fail", count: 3, since: instantOf(2) }],
    ["..ww", { level: "warn", count: 2, since: instantOf(2) }],
    ["xxww", { level: "warn", count: 2, since: instantOf(2) }],
    ["..!", { level: "fail", count: 3, since: instantOf(2) }],
  ])("after %j", (run, expected) => {
    expect(currentRun(replay(run))).toEqual(expected);
  });
});

describe("what turns the verdict next", () => {
  test.each([
    ["..", null],
    ["..x", { to: "unhealthy", missing: 2 }],
    ["..xx", { to: "unhealthy", missing: 1 }],
    ["..w", { to: "degraded", missing: 2 }],
    ["..xxx", null],
    ["..xxx.", { to: "healthy", missing: 1 }],
    ["..xxxw", { to: "degraded", missing: 1 }],
    ["..www.", { to: "healthy", missing: 1 }],
    ["..wwwx", { to: "unhealthy", missing: 2 }],
  ])("after %j", (run, expected) => {
    expect(looksToTurn(replay(run), CHECK)).toEqual(expected);
  });
});

test("an inactive look has no next time, and a look without a state has no run", () => {
  const status = { key: "application@app", check: "application", target: "app", critical: true, verdict: "unknown", since: 0, suppressedBy: null, inactive: "not configured" } as const;
  expect(lookView(status, null, null, 5)).toMatchObject({ nextLookAt: null, run: null, last: null, unknowns: 0, flapping: { flapping: false, percent: 0 } });
});

test("a flapping look shows how much it changes", () => {
  const flap = looksOf(".x".repeat(11)).reduce((state, seen) => observeFlap(state, seen, false), STEADY);
  const status = { key: "application@app", check: "application", target: "app", critical: true, verdict: "healthy", since: 0, suppressedBy: null, inactive: null } as const;
  expect(lookView(status, replay(".x".repeat(11)), flap, 5)).toMatchObject({ nextLookAt: 5, flapping: { flapping: true, percent: 100 } });
});

test("an intent is shown without its parameters, which may be private", () => {
  const shown = intentView({
    id: "i1",
    proposal: {
      policy: "p", action: "restart_pod", remedy: "restart_process", target: "app", workload: "w", cause: "application", evidence: [], since: 0, why: "", destructive: true, gone: false,
      precondition: { kind: "none" }, params: { token: "secret" },
    },
    attempt: 2, recordedAt: 7, verifyWithin: 60_000, who: "ada", state: { phase: "awaiting_verification", doneAt: 8, verifyBy: 60_008, effect: { pid: 3 } },
  });
  expect(shown).toEqual({ id: "i1", policy: "p", action: "restart_pod", remedy: "restart_process", target: "app", cause: "application", attempt: 2, who: "ada", recordedAt: 7, phase: "awaiting_verification", verifyBy: 60_008 });
});
