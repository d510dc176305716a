import { describe, expect, test } from "vitest";
import type { Intent } from "../../src/core/intent.ts";
import { verification } from "../../src/engine/verify.ts";
import type { JudgedCheck } from "../../src/engine/verify.ts";
import { proposalOf } from "../support/acting-world.ts";

const DONE = 1_000;
const BY = 61_000;

function awaiting(evidence: readonly string[] = ["application"]): Intent {
  return { id: "i", proposal: proposalOf({ evidence }), attempt: 1, recordedAt: 900, verifyWithin: 60_000, who: "shopkeeper", state: { phase: "awaiting_verification", doneAt: DONE, verifyBy: BY, effect: {} } };
}

function check(verdict: JudgedCheck["verdict"], since: number, seen: JudgedCheck["lastSeen"], over: Partial<JudgedCheck> = {}): JudgedCheck {
  return { check: "application", target: "app", workload: "storefront", bornAt: null, verdict, since, lastSeen: seen, ...over };
}

describe("an action done at 1 s, to be verified by 61 s", () => {
  const pass = { at: 5_000, level: "pass" } as const;
  const fail = { at: 5_000, level: "fail" } as const;
  test.each([
    ["turned healthy after it", [check("healthy", 4_000, pass)], 5_000, "verified"],
    ["healthy since before, and a good look after it", [check("healthy", 10, pass)], 5_000, "verified"],
    ["healthy since before, but failing since", [check("healthy", 10, fail)], 5_000, "waiting"],
    ["healthy, not seen since", [check("healthy", 10, { at: 900, level: "pass" })], 5_000, "waiting"],
    ["from unhealthy to degraded", [check("degraded", 4_000, { at: 5_000, level: "warn" })], 5_000, "verified"],
    ["degraded as before", [check("degraded", 10, { at: 5_000, level: "warn" })], 5_000, "waiting"],
    ["still unhealthy", [check("unhealthy", 10, fail)], 60_999, "waiting"],
    ["unhealthy when its time is over", [check("unhealthy", 10, fail)], 61_000, "failed"],
    ["unknown when its time is over", [check("unknown", 10, null)], 61_000, "failed"],
    ["healthy just as its time is over", [check("healthy", 60_000, { at: 61_000, level: "pass" })], 61_000, "verified"],
    ["no check at all, in time", [], 5_000, "waiting"],
    ["no check at all, when its time is over", [], 61_000, "verified"],
    ["one of two checks it answers to", [check("healthy", 4_000, pass), check("unhealthy", 10, fail, { check: "page" })], 5_000, "waiting"],
    ["another target's check", [check("healthy", 4_000, pass, { target: "other" })], 5_000, "waiting"],
  ] as const)("%s", (_story, checks, now, kind) => {
    expect(verification(awaiting(["application", "page"]), checks, now).kind).toBe(kind);
  });

  test("without named evidence all checks of its target count, and no other", () => {
    const checks = [check("healthy", 4_000, pass, { check: "page" }), check("unhealthy", 10, fail, { check: "redis", target: "site" })];
    expect(verification(awaiting([]), checks, 5_000).kind).toBe("verified");
    expect(verification(awaiting([]), [...checks, check("unhealthy", 10, fail)], 5_000).kind).toBe("waiting");
  });

  test("a check of the whole site counts where it is the evidence", () => {
    expect(verification(awaiting(["redis"]), [check("healthy", 4_000, pass, { check: "redis", target: "site" })], 5_000).kind).toBe("verified");
  });

  test("a failure names the checks", () => {
    expect(verification(awaiting(), [check("unhealthy", 10, fail)], BY)).toEqual({ kind: "failed", reason: "application is unhealthy after 60s" });
  });
});

describe("an action on a pod, which is answered by what comes up in its place", () => {
  const pass = { at: 5_000, level: "pass" } as const;
  const fail = { at: 5_000, level: "fail" } as const;
  const pod = (name: string, bornAt: number | null, verdict: JudgedCheck["verdict"], seen: JudgedCheck["lastSeen"], over: Partial<JudgedCheck> = {}): JudgedCheck =>
    check(verdict, 4_000, seen, { target: `pod/${name}`, bornAt, ...over });
  test.each([
    ["a younger one is well", [pod("b", 950, "healthy", pass)], 5_000, "verified"],
    ["only older ones are well", [pod("b", 100, "healthy", pass), pod("c", null, "healthy", pass)], 5_000, "waiting"],
    ["the younger one belongs to another workload", [pod("b", 950, "healthy", pass, { workload: "search" })], 5_000, "waiting"],
    ["the younger one is not well on one of its checks", [pod("b", 950, "healthy", pass), pod("b", 950, "unhealthy", fail, { check: "page" })], 5_000, "waiting"],
    ["of two younger ones one is well", [pod("b", 950, "unhealthy", fail), pod("c", 960, "healthy", pass)], 5_000, "verified"],
    ["what is well is not what it answers to", [pod("b", 950, "healthy", pass, { check: "redis" })], 5_000, "waiting"],
    ["nothing came up in time", [pod("b", 100, "healthy", pass)], BY, "failed"],
    ["what came up is ill when the time is over", [pod("b", 950, "unhealthy", fail)], BY, "failed"],
  ] as const)("%s", (_story, checks, now, kind) => {
    expect(verification(awaiting(["application", "page"]), checks, now, "replacement").kind).toBe(kind);
  });

  test("one of a StatefulSet has the name of the one before it, and is another one where it was born after the action", () => {
    const { target } = awaiting().proposal;
    expect(verification(awaiting(), [pod("app", 950, "healthy", pass, { target })], BY, "replacement").kind).toBe("verified");
    expect(verification(awaiting(), [pod("app", 100, "healthy", pass, { target })], BY, "replacement").kind).toBe("failed");
  });

  test("a failure says what is there instead, or that nothing is", () => {
    expect(verification(awaiting(), [pod("b", 950, "unhealthy", fail)], BY, "replacement")).toEqual({ kind: "failed", reason: "in its place application of pod/b is unhealthy after 60s" });
    expect(verification(awaiting(), [], BY, "replacement")).toEqual({ kind: "failed", reason: "nothing came up in the place of app within 60s" });
  });
});

describe("an action on a workload as a whole", () => {
  const pass = { at: 5_000, level: "pass" } as const;
  const fail = { at: 5_000, level: "fail" } as const;
  const of = (target: string, verdict: JudgedCheck["verdict"], seen: JudgedCheck["lastSeen"], over: Partial<JudgedCheck> = {}): JudgedCheck => check(verdict, 4_000, seen, { target, ...over });
  test.each([
    ["all of it is well", [of("pod/b", "healthy", pass), of("pod/c", "healthy", pass), of("pod/d", "unhealthy", fail, { workload: "search" })], 5_000, "verified"],
    ["one is not", [of("pod/b", "healthy", pass), of("pod/c", "unhealthy", fail)], 5_000, "waiting"],
    ["one is not when its time is over", [of("pod/b", "healthy", pass), of("pod/c", "unhealthy", fail)], BY, "failed"],
  ] as const)("%s", (_story, checks, now, kind) => {
    expect(verification(awaiting(["application"]), checks, now, "workload").kind).toBe(kind);
  });

  test("a failure names the pods", () => {
    expect(verification(awaiting(), [of("pod/c", "unhealthy", fail)], BY, "workload")).toEqual({ kind: "failed", reason: "application of pod/c is unhealthy after 60s" });
  });
});
