/** Each guard by a table: who is held, and until when. */
import { describe, expect, test } from "vitest";
import type { CheckState } from "../../src/core/check-state.ts";
import { decide, decideManual } from "../../src/core/decide.ts";
import type { Evidence } from "../../src/core/evidence.ts";
import type { PolicySpec } from "../../src/core/policy.ts";
import type { Proposal } from "../../src/core/proposal.ts";
import type { Scene } from "../../src/core/scene.ts";
import { DEFAULT_GUARD_SETTINGS } from "../../src/core/scene.ts";
import { GUARDS } from "../../src/core/guards/index.ts";
import { GUARD_NAMES } from "../../src/core/proposal.ts";
import { lookKey } from "../../src/core/target.ts";
import { ack, after, asked, checkSpec, history, NOW, past, restart, scene, start, web } from "../support/scene.ts";

type Outcome = "act" | readonly [guard: string, until?: number | null] | readonly ["page", guard: string];

function outcome(of: Scene, proposal: Proposal = restart("web-1"), policy: Partial<PolicySpec> = {}): Outcome {
  const [decision] = decide([asked(proposal, policy)], of);
  if (decision === undefined) throw new Error("no decision");
  switch (decision.kind) {
    case "act":
      return "act";
    case "hold":
      return [decision.guard, decision.until];
    case "escalate":
      return ["page", decision.guard];
  }
}

const seen = (more: Partial<Evidence>): Pick<Scene, "evidence"> => ({
  evidence: new Map([["web-1", { lastGoodAt: null, lastFailedAt: null, succeeded: 0, failed: 0, inFlight: 0, oldestInFlightMs: 0, copies: 0, ...more }]]),
});
const open = (target: string, doneAt: number | null = NOW - 5_000) => ({ target, workload: "web", cause: "page", at: NOW - 5_000, doneAt, until: NOW + 55_000 });
const withState = (of: Scene, key: string, state: CheckState): Scene => ({ ...of, checks: new Map([...of.checks, [key, state]]) });
const apiDown = (of: Scene): Scene => withState(of, lookKey("shopify_api", "site"), after("xxx"));
const breaker = (effective: "open" | "closed"): Pick<Scene, "breakers"> => ({ breakers: [{ name: "egress:storefront", effective, own: "closed", since: NOW, hold: { breaker: "egress:storefront", position: "open", until: NOW + 30_000, by: "x", why: "y" } }] });
const noon = { name: "noon", days: [], fromMinute: 720, toMinute: 750, timeZone: "UTC" };
const failedFive = [1, 2, 3, 4, 5].map((n) => past("web-1", NOW - n * 300_000));

test("a quiet scene lets a restart pass", () => {
  expect(outcome(scene())).toBe("act");
});

test("every guard is asked once, and every name has its guard", () => {
  expect(GUARDS.map((guard) => guard.name).toSorted()).toEqual([...GUARD_NAMES].toSorted());
});

describe("people's orders", () => {
  const pause = (scope: Scene["pauses"][number]["scope"], until: number | null = null): Scene => scene(["web-1"], { pauses: [{ scope, until, by: "ann", why: "release" }] });
  test.each<[string, Scene, Outcome]>([
    ["a pause of everything", pause({ kind: "all" }), ["pause", null]],
    ["of this policy", pause({ kind: "policy", policy: "pod_restart" }, NOW + 5), ["pause", NOW + 5]],
    ["of this target", pause({ kind: "target", target: "web-1" }), ["pause", null]],
    ["of another target", pause({ kind: "target", target: "web-2" }), "act"],
    ["a pause that is over", pause({ kind: "all" }, NOW), "act"],
  ])("%s", (_what, of, expected) => {
    expect(outcome(of)).toEqual(expected);
  });

  test("a window holds the policies that obey it, and no others", () => {
    expect(outcome(scene(), restart("web-1"), { windows: [noon] })).toEqual(["window", NOW + 30 * 60_000]);
    expect(outcome(scene(), restart("web-1"), { windows: [] })).toBe("act");
  });

  test("observe mode holds what is destructive, last of all", () => {
    expect(outcome(scene(), restart("web-1"), { mode: "observe" })).toEqual(["mode", null]);
    expect(outcome(scene(), restart("web-1"), { mode: "observe", windows: [noon] })[0]).toBe("window");
  });

  test("an exited process is started in observe mode, unless the file asks for that mode", () => {
    expect(outcome(scene(), start("web-1"), { mode: "observe" })).toBe("act");
    expect(outcome(scene(), start("web-1"), { mode: "observe", modeGiven: true })).toEqual(["mode", null]);
  });

  test("a remedy that is not here is only recorded", () => {
    expect(outcome(scene(), restart("web-1"), { unavailable: "it needs a cluster" })).toEqual(["unavailable", null]);
  });
});

/** The last look took all its time. */
function slow(state: CheckState): CheckState {
  return state.last === null ? state : { ...state, last: { ...state.last, tookMs: 15_000 } };
}

/** The looks are turned away for asking too much, since then. */
function throttled(state: CheckState, since = NOW): CheckState {
  return { ...state, unknowns: { count: 5, since, certain: false }, last: { kind: "unknown", at: NOW, tookMs: 20, cause: "throttled", detail: "THROTTLED to our own look" } };
}

describe("explained failures", () => {
  test.each<[string, Scene, Proposal, Outcome]>([
    ["a declared dependency is unhealthy", apiDown(scene()), restart("web-1"), ["suppressed", null]],
    ["but the process is gone", apiDown(scene()), start("web-1"), "act"],
    ["a declared dependency has begun to fail", withState(scene(), "shopify_api@site", after("..x")), restart("web-1"), ["blame", null]],
    ["a declared dependency has not been looked at since the failing began", withState(withState(scene(), "shopify_api@site", after(".")), "page@web-1", after("..xxx")), restart("web-1"), ["blame", null]],
    ["a declared dependency has never been looked at", withState(scene(), "shopify_api@site", after("")), restart("web-1"), ["blame", null]],
    ["a declared dependency has passed since, and the failing check was not looked at again", withState(withState(scene(), "shopify_api@site", after("xxx..")), "page@web-1", after("xxx")), restart("web-1"), ["blame", null]],
    ["and the look that failed last was begun before it passed", withState(withState(scene(), "shopify_api@site", after("xxx..")), "page@web-1", slow(after("xxxxx"))), restart("web-1"), ["blame", null]],
    ["and it was, and still fails", withState(withState(scene(), "shopify_api@site", after("xxx..")), "page@web-1", after("xxxxx")), restart("web-1"), "act"],
    ["the dependency was looked at since, and could not be seen", withState(scene(), "shopify_api@site", after("..????")), restart("web-1"), "act"],
    ["something else is unhealthy", withState(scene(["web-1"], { specs: [checkSpec("page", ["web-1"]), checkSpec("redis", ["site"])] }), "redis@site", after("xxx")), restart("web-1"), "act"],
    ["the check flaps", scene(["web-1"], { flapping: new Set(["page@web-1"]) }), restart("web-1"), ["flapping", null]],
    ["the check flaps at another target", scene(["web-1"], { flapping: new Set(["page@web-2"]) }), restart("web-1"), "act"],
    ["a crash loop is not flapping", scene(["web-1"], { flapping: new Set(["page@web-1"]) }), start("web-1"), "act"],
  ])("%s", (_what, of, proposal, expected) => {
    expect(outcome(of, proposal)).toEqual(expected);
  });
});

describe("a leader that is new", () => {
  test("looks first, and acts from then on", () => {
    expect(outcome(scene(["web-1"], { actFrom: NOW + 5_000 }))).toEqual(["settling", NOW + 5_000]);
    expect(outcome(scene(["web-1"], { actFrom: NOW }))).toBe("act");
  });

  test("does what a person orders", () => {
    expect(decideManual(asked(restart("web-1", { policy: "manual", evidence: [], cause: "manual" })), scene(["web-1"], { actFrom: NOW + 5_000 })).kind).toBe("act");
  });
});

describe("a dependency that throttles our looks", () => {
  const MINUTES = 60_000;
  const long = restart("web-1", { since: NOW - 60 * MINUTES });
  const looks = (since: number, more: Partial<Scene> = {}): Scene => withState(scene(["web-1"], more), "shopify_api@site", throttled(after(".."), since));
  test.each<[string, Scene, Proposal, Outcome]>([
    ["holds a restart, for ten minutes of throttling", looks(NOW - 4 * MINUTES), long, ["throttle", NOW + 6 * MINUTES]],
    ["and for ten minutes of failing", looks(NOW - 60 * MINUTES), restart("web-1", { since: NOW - MINUTES }), ["throttle", NOW + 9 * MINUTES]],
    ["then calls a person", looks(NOW - 10 * MINUTES), long, ["page", "throttle"]],
    ["once", looks(NOW - 10 * MINUTES, history([], { escalated: { throttle: NOW } })), long, ["throttle", null]],
    ["and not while one has acknowledged it", looks(NOW - 10 * MINUTES, { acknowledgements: [ack("web-1", { at: NOW - 20 * MINUTES })] }), long, ["throttle", null]],
    ["what was acknowledged of another check is not this", looks(NOW - 10 * MINUTES, { acknowledgements: [ack("web-1", { check: "response_time" })] }), long, ["page", "throttle"]],
    ["a person who acted gets the ten minutes again", looks(NOW - 60 * MINUTES, history([], { rearmedAt: NOW - MINUTES })), long, ["throttle", NOW + 9 * MINUTES]],
    ["after a time that can be set", looks(NOW - 4 * MINUTES, { settings: { ...DEFAULT_GUARD_SETTINGS, throttled: 4 * MINUTES } }), long, ["page", "throttle"]],
    ["comes before a shared cause: nobody can tell that either", withState(scene(["web-1", "web-2", "web-3", "web-4"]), "shopify_api@site", throttled(after(".."), NOW)), long, ["throttle", NOW + 10 * MINUTES]],
    ["but one that has begun to fail is the cause", withState(scene(), "shopify_api@site", throttled(after("..x"))), long, ["blame", null]],
    ["what is gone is started", looks(NOW - 4 * MINUTES), start("web-1"), "act"],
    ["it throttles no more, and passes", withState(scene(), "shopify_api@site", after("....")), long, "act"],
  ])("%s", (_what, of, proposal, expected) => {
    expect(outcome(of, proposal)).toEqual(expected);
  });

  test("the person is told what fails, why nothing is done, and the command that restarts by hand", () => {
    const [decision] = decide([asked(long)], looks(NOW - 10 * MINUTES));
    expect(decision).toMatchObject({ kind: "escalate", alert: "on_call", reason: 'shopify_api throttles our looks, so nobody can tell whose fault it is that page fails; if shopify_api is well, restart by hand: shopkeeper restart web-1 --why "..."' });
  });

  test("that restart is not held", () => {
    expect(decideManual(asked(restart("web-1", { policy: "manual", evidence: [], cause: "manual" })), looks(NOW - 10 * MINUTES)).kind).toBe("act");
  });
});

describe("an outcome nobody knows", () => {
  test("is not repeated, however long ago it was, until a person acknowledges", () => {
    const lost = past("web-1", NOW - 600_000, "uncertain");
    expect(outcome(scene(["web-1"], history([lost])), restart("web-1"))).toEqual(["uncertain", null]);
    expect(outcome(scene(["web-1"], history([lost], { rearmedAt: NOW - 1_000 })), restart("web-1"))).toBe("act");
  });

  test("holds another policy's answer to the same cause no more than its own", () => {
    const lost = past("web-1", NOW - 600_000, "uncertain", { policy: "another" });
    expect(outcome(scene(["web-1"], history([lost])), restart("web-1"))).toBe("act");
  });

  test("does not keep a process down that is seen to be gone", () => {
    const lost = past("web-1", NOW - 600_000, "uncertain");
    expect(outcome(scene(["web-1"], history([lost])), start("web-1"))).toBe("act");
  });
});

describe("blame", () => {
  const two = ["web-1", "web-2"];
  const four = ["web-1", "web-2", "web-3", "web-4"];
  const since = after("xxx").failing.since;
  test.each<[string, Scene, Outcome]>([
    ["four of five fail: nothing is restarted, a person is called", scene(four), ["page", "blame"]],
    ["and called once", scene(four, history([], { escalated: { blame: NOW } })), ["blame", null]],
    ["whoever has acknowledged it knows", scene(four, { acknowledgements: [ack("web-1")] }), ["blame", null]],
    ["of this very check, too", scene(four, { acknowledgements: [ack("web-1", { check: "page" })] }), ["blame", null]],
    ["and at any of those that fail", scene(four, { acknowledgements: [ack("web-3")] }), ["blame", null]],
    ["but not at one that passes", scene(four, { acknowledgements: [ack("web-5")] }), ["page", "blame"]],
    ["nor of another check", scene(four, { acknowledgements: [ack("web-1", { check: "response_time" })] }), ["page", "blame"]],
    ["nor before the episode began", scene(four, { ...history([], { openedAt: NOW - 60_000 }), acknowledgements: [ack("web-1", { at: NOW - 60_001 })] }), ["page", "blame"]],
    ["in it one has", scene(four, { ...history([], { openedAt: NOW - 60_000 }), acknowledgements: [ack("web-1", { at: NOW - 60_000 })] }), ["blame", null]],
    ["four of ten are fewer than half", scene(four, { targets: web(10) }), "act"],
    ["half of four fail: nothing is restarted", scene(two, { targets: web(4) }), ["page", "blame"]],
    ["of two one is the canary", scene(["web-1"], { targets: web(2) }), "act"],
    ["three of three are fewer than four", scene(["web-1", "web-2", "web-3"], { targets: web(3) }), "act"],
    ["of two failing the first is the canary", scene(two), "act"],
    ["and the other one waits for it", scene(two, { openActions: [open("web-2")] }), ["blame", NOW + 55_000]],
    ["it helped", scene(["web-1", "web-3"], history([past("web-2", since + 1, "verified", { doneAt: NOW - 100_000 })], { openedAt: 0 })), "act"],
    ["it did not help", scene(two, history([past("web-2", since + 1)], { openedAt: 0 })), ["page", "blame"]],
    ["an older restart was no canary", scene(two, history([past("web-2", since - 1)], { openedAt: 0 })), "act"],
  ])("%s", (_what, of, expected) => {
    expect(outcome(of)).toEqual(expected);
  });

  test("a pod is restarted once its siblings have had the time to fail, too", () => {
    const pods = web(3).map((target) => ({ ...target, kind: "pod" as const }));
    const from = after("xxx").failing.since;
    const of = scene(["web-1"], { targets: pods });
    const specs = of.specs.map((spec) => ({ ...spec, by: "relay" as const }));
    const at = (now: number): Outcome => outcome({ ...of, specs, now });
    expect([at(from + 15_999), at(from + 16_000)]).toEqual([["blame", from + 16_000], "act"]);
    expect(outcome({ ...scene(["web-1"], { targets: pods.slice(0, 1), now: from + 5_000 }), specs })).toBe("act");
    // Looked at from here they are asked at once.
    expect(outcome({ ...of, now: from + 5_000 })).toBe("act");
  });

  test("failures that have only begun elsewhere are waited for", () => {
    const begun = ["web-2", "web-3", "web-4"].reduce((of, id) => withState(of, `page@${id}`, after("..x")), scene(["web-1"]));
    expect(outcome(begun)).toEqual(["blame", null]);
  });

  test("a storm is over after its calm", () => {
    const storm = (lastSeenAt: number): Scene => scene(["web-1"], { storms: [{ workload: "web", check: "page", since: NOW - 500_000, lastSeenAt }] });
    expect(outcome(storm(NOW - 119_000))).toEqual(["storm", NOW + 1_000]);
    expect(outcome(storm(NOW - 120_000))).toBe("act");
    expect(outcome(storm(NOW), start("web-1"))).toBe("act");
  });
});

describe("pace", () => {
  const exits = (...at: readonly number[]) => history(at.map((one) => past("web-1", NOW - one, "not_verified", { destructive: false })), { openedAt: 0, escalated: { ladder: NOW } });
  test.each<[string, Scene, Proposal, Outcome]>([
    ["one action per target at a time", scene(["web-1"], { openActions: [open("web-1")] }), restart("web-1"), ["in_flight", NOW + 55_000]],
    ["a start that has failed need not be waited for", scene(["web-1"], { openActions: [open("web-1")] }), start("web-1", { since: NOW - 1_000 }), "act"],
    ["a start that is not done yet must be", scene(["web-1"], { openActions: [open("web-1", null)] }), start("web-1"), ["in_flight", NOW + 55_000]],
    ["start-up grace", scene(["web-1"], { startedAt: new Map([["web-1", NOW - 10_000]]), startupGrace: new Map([["web-1", 30_000]]) }), restart("web-1"), ["grace", NOW + 20_000]],
    ["cool-down of the workload, whichever target it was", scene(["web-1"], history([past("web-9", NOW - 59_000, "verified")])), restart("web-1"), ["cooldown", NOW + 1_000]],
    ["for this cause only", scene(["web-1"], history([past("web-9", NOW - 59_000, "verified", { cause: "application" })])), restart("web-1"), "act"],
    ["a person acknowledged", scene(["web-1"], { ...history([past("web-9", NOW - 59_000, "verified")]), acknowledgements: [ack("web-1", { at: NOW - 1 })] }), restart("web-1"), "act"],
    ["a refused action is not asked for again at once", scene(["web-1"], history([past("web-1", NOW - 4_000, "refused")])), restart("web-1"), ["cooldown", NOW + 6_000]],
    ["no cool-down for a start", scene(["web-1"], exits(59_000)), start("web-1"), "act"],
    ["the second start waits 1 s", scene(["web-1"], exits(500)), start("web-1"), ["backoff", NOW + 500]],
    ["the fourth 4 s", scene(["web-1"], exits(7_000, 5_000, 3_000)), start("web-1"), ["backoff", NOW + 1_000]],
    ["none more than 60 s", scene(["web-1"], exits(...[9, 8, 7, 6, 5, 4, 3, 2].map((n) => n * 60_000), 59_000)), start("web-1"), ["backoff", NOW + 1_000]],
    ["a long run makes it forget", scene(["web-1"], exits(610_000 + 2_000, 610_000 + 1_000)), start("web-1"), "act"],
    ["ten actions a minute", scene(["web-1"], { actions: Array.from({ length: 10 }, (_, n) => past("x", NOW - 40_000 + n, "verified", { workload: "other" })) }), start("web-1"), ["budget", NOW + 20_000]],
    ["nine are not ten", scene(["web-1"], { actions: Array.from({ length: 9 }, (_, n) => past("x", NOW - 40_000 + n, "verified", { workload: "other" })) }), start("web-1"), "act"],
  ])("%s", (_what, of, proposal, expected) => {
    expect(outcome(of, proposal)).toEqual(expected);
  });
});

describe("the ladder", () => {
  test.each<[string, Scene, Proposal, Outcome]>([
    ["four failed restarts go on", scene(["web-1"], history(failedFive.slice(1))), restart("web-1"), "act"],
    ["five call a person", scene(["web-1"], history(failedFive)), restart("web-1"), ["page", "ladder"]],
    ["then it is held", scene(["web-1"], history(failedFive, { escalated: { ladder: NOW } })), restart("web-1"), ["ladder", null]],
    ["until a person acts", scene(["web-1"], history(failedFive, { rearmedAt: NOW - 1 })), restart("web-1"), "act"],
    ["a relapse is a failed restart", scene(["web-1"], history(failedFive.map((one) => ({ ...one, phase: "verified" as const })))), restart("web-1"), ["page", "ladder"]],
    ["another target's recovery is none", scene(["web-2"], history(failedFive.map((one) => ({ ...one, phase: "verified" as const })))), restart("web-2"), "act"],
    ["an exited process is started on", scene(["web-1"], history(failedFive, { escalated: { ladder: NOW } })), start("web-1"), "act"],
  ])("%s", (_what, of, proposal, expected) => {
    expect(outcome(of, proposal)).toEqual(expected);
  });

  test("with nobody to call there is no ladder", () => {
    expect(outcome(scene(["web-1"], history(failedFive)), restart("web-1"), { escalation: null })).toBe("act");
  });
});

describe("care for what still works", () => {
  test.each<[string, Scene, Proposal, Outcome]>([
    ["a good page a moment ago", scene(["web-1"], seen({ lastGoodAt: NOW - 9_000 })), restart("web-1"), ["evidence", NOW + 1_000]],
    ["ten seconds ago", scene(["web-1"], seen({ lastGoodAt: NOW - 10_000 })), restart("web-1"), "act"],
    ["copies while the API's breaker is open", scene(["web-1"], { ...seen({ copies: 3 }), ...breaker("open") }), restart("web-1"), ["last_copy", NOW + 30_000]],
    ["no copies", scene(["web-1"], { ...seen({}), ...breaker("open") }), restart("web-1"), "act"],
    ["the breaker is closed", scene(["web-1"], { ...seen({ copies: 3 }), ...breaker("closed") }), restart("web-1"), "act"],
    ["an exited process holds nothing", scene(["web-1"], { ...seen({ copies: 3, lastGoodAt: NOW }), ...breaker("open") }), start("web-1"), "act"],
    ["a fifth of five is in recovery", scene(["web-1"], { openActions: [{ ...open("web-2"), cause: "other" }] }), restart("web-1"), ["blast_radius", NOW + 55_000]],
    ["a fifth of ten is two", scene(["web-1"], { targets: web(10), openActions: [{ ...open("web-2"), cause: "other" }] }), restart("web-1"), "act"],
    ["a start takes nothing away", scene(["web-1"], { openActions: [open("web-2")] }), start("web-1"), "act"],
  ])("%s", (_what, of, proposal, expected) => {
    expect(outcome(of, proposal)).toEqual(expected);
  });
});
