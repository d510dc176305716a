import { describe, expect, test } from "vitest";
import { onlyRecords } from "../../../src/core/region/only-records.ts";
import type { Pause } from "../../../src/core/scene.ts";

const WALL = Date.UTC(2026, 10, 26, 12, 10);
const NOON = { name: "noon", days: [], fromMinute: 720, toMinute: 750, timeZone: "UTC" };
const POLICY = { name: "failover", mode: "act", windows: [] } as const;
const pause = (scope: Pause["scope"], until: number | null = null): Pause => ({ scope, until, by: "ann", why: "a release" });

describe("a failover is carried out", () => {
  test.each([
    ["by a policy that acts", POLICY, [], null],
    ["outside of its windows", { ...POLICY, windows: [{ ...NOON, fromMinute: 780, toMinute: 800 }] }, [], null],
    ["while something else is paused", POLICY, [pause({ kind: "policy", policy: "pod_restart" }), pause({ kind: "target", target: "web-1" })], null],
    ["once a pause is over", POLICY, [pause({ kind: "all" }, 5_000)], null],
    ["not without a policy", null, [], "no policy has the action failover_dns"],
    ["not while it observes", { ...POLICY, mode: "observe" as const }, [], "the policy failover only records"],
    ["not while all is paused", POLICY, [pause({ kind: "all" }, 5_001)], "paused by ann: a release"],
    ["not while it is paused", POLICY, [pause({ kind: "policy", policy: "failover" })], "paused by ann: a release"],
    ["not in a window that it obeys", { ...POLICY, windows: [NOON] }, [], "maintenance window noon, for another 20m"],
  ])("%s", (_what, policy, pauses, why) => {
    expect(onlyRecords(policy, pauses, 5_000, WALL)).toBe(why);
  });
});
