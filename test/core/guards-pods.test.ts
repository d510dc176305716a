/** Guards of pods and of whole workloads, by tables. */
import { describe, expect, test } from "vitest";
import type { CheckState } from "../../src/core/check-state.ts";
import { observe } from "../../src/core/check-state.ts";
import { decide, decideManual, isHeldAnyway } from "../../src/core/decide.ts";
import type { FailCause } from "../../src/core/observation.ts";
import type { Proposal } from "../../src/core/proposal.ts";
import type { OpenAction, Scene } from "../../src/core/scene.ts";
import type { Target } from "../../src/core/target.ts";
import { lookKey } from "../../src/core/target.ts";
import { after, asked, checkSpec, history, NOW, past, restart, scene } from "../support/scene.ts";

const WEB_1 = { precondition: { kind: "pod", name: "web-1", uid: "uid-1" }, remedy: "restart_pod" } as const;

function pods(count: number): readonly Target[] {
  return Array.from({ length: count }, (_, index) => ({ id: `pod/web-${index + 1}`, kind: "pod", workload: "web" }));
}

/** Five pods of which the first fails; what they lean on is nobody's question here. */
function podScene(more: Partial<Scene> = {}): Scene {
  const targets = pods(5);
  return scene(["pod/web-1"], { targets, specs: [checkSpec("page", targets.map(({ id }) => id))], ...more });
}

/** A check that has failed like this three times, ten seconds apart, the last time at NOW - `ago`. */
function failing(cause: FailCause, ago = 0): CheckState {
  const times = [20_000, 10_000, 0].map((before) => NOW - ago - before);
  return times.reduce((state, at) => observe(state, { kind: "fail", at, tookMs: 5, cause, detail: cause, findings: [], facts: {} }, { fall: 3, rise: 2 }), after("..."));
}

function seen(state: CheckState, check = "page"): Partial<Scene> {
  return { checks: new Map([...podScene().checks, [lookKey(check, "pod/web-1"), state]]) };
}

function held(of: Scene, more: Partial<Proposal> = {}): readonly [string, number | null] | "act" {
  const [decision] = decide([asked(restart("pod/web-1", { ...WEB_1, ...more }))], of);
  return decision?.kind === "hold" ? [decision.guard, decision.until] : decision?.kind === "act" ? "act" : expect.fail("no answer");
}

describe("two hands on one pod", () => {
  test.each<[FailCause, readonly [string, number] | "act"]>([
    ["refused", ["kubelet", NOW - 20_000 + 60_000]],
    ["timeout", ["kubelet", NOW - 20_000 + 60_000]],
    ["exited", ["kubelet", NOW - 20_000 + 60_000]],
    ["status", "act"],
    ["body", "act"],
    ["assertion", "act"],
  ])("a pod that fails by %s: %s", (cause, expected) => {
    expect(held(podScene(seen(failing(cause))))).toEqual(expected);
  });

  test("where not even its sidecar answers the kubelet beside it may be as far away; where that refuses it is near", () => {
    const by = (scene: Scene): Scene => ({ ...scene, specs: scene.specs.map((spec) => ({ ...spec, by: "sidecar" as const })) });
    expect(held(by(podScene(seen(failing("timeout")))))).toBe("act");
    expect(held(by(podScene(seen(failing("refused")))))[0]).toBe("kubelet");
  });

  test("its time runs from the first failure, and is over at its end", () => {
    expect(held(podScene(seen(failing("refused", 39_999))))).toEqual(["kubelet", NOW + 1]);
    expect(held(podScene(seen(failing("refused", 40_000))))).toBe("act");
  });

  test("the newest answer decides, whichever check gave it", () => {
    const specs = [checkSpec("page", ["pod/web-1"]), checkSpec("application", ["pod/web-1"])];
    const states = (page: CheckState, application: CheckState): Partial<Scene> => ({ specs, checks: new Map([[lookKey("page", "pod/web-1"), page], [lookKey("application", "pod/web-1"), application]]) });
    const evidence = ["page", "application"];
    expect(held(podScene(states(failing("status", 5_000), failing("timeout"))), { evidence })[0]).toBe("kubelet");
    expect(held(podScene(states(failing("status"), failing("timeout", 5_000))), { evidence })).toBe("act");
  });

  test("it is asked of one pod's replacement only: not of a process, a rollout or another size", () => {
    const refused = podScene(seen(failing("refused")));
    expect(held(refused, { remedy: "rollout_restart", precondition: { kind: "generation", deployment: "web", generation: 1 } })).toBe("act");
    expect(held(refused, { remedy: "scale_up", precondition: { kind: "size", of: "deployment", name: "web", size: 3 } })).toBe("act");
    expect(held(refused, { remedy: "quarantine_pod" })[0]).toBe("kubelet");
    expect(held({ ...refused, targets: refused.targets.map((target) => ({ ...target, kind: "process" as const })) })).toBe("act");
  });
});

describe("what the remedy found", () => {
  const wait = (guard: "disruption" | "autoscaler" | "unavailable"): Partial<Proposal> => ({ wait: { guard, reason: "because", until: NOW + 5 } });
  test.each(["disruption", "autoscaler", "unavailable"] as const)("%s holds for as long as it says", (guard) => {
    expect(held(podScene(), wait(guard))).toEqual([guard, NOW + 5]);
    const [decision] = decide([asked(restart("pod/web-1", { ...WEB_1, ...wait(guard) }))], podScene());
    expect(decision).toMatchObject({ kind: "hold", reason: "because" });
  });

  test("a person passes by an autoscaler, never by a disruption budget", () => {
    const manual = (guard: "disruption" | "autoscaler") => decideManual(asked(restart("pod/web-1", { ...WEB_1, ...wait(guard) })), podScene());
    expect(manual("autoscaler").kind).toBe("act");
    expect(manual("disruption")).toMatchObject({ kind: "hold", guard: "disruption" });
  });

  test("what is held in any case is known before the remedy looks; a mode is not, since it is asked last", () => {
    const paused = podScene({ pauses: [{ scope: { kind: "all" }, until: null, by: "ann", why: "release" }] });
    const unseen = restart("pod/web-1", { remedy: "restart_pod", precondition: { kind: "none" } });
    expect(isHeldAnyway(asked(unseen), paused)).toBe(true);
    expect(isHeldAnyway(asked(unseen), podScene())).toBe(false);
    expect(isHeldAnyway(asked(unseen, { mode: "observe" }), podScene())).toBe(false);
  });
});

describe("one thing at a time for a workload as a whole", () => {
  const open = (more: Partial<OpenAction> = {}): Pick<Scene, "openActions"> => ({ openActions: [{ target: "pod/web-2", workload: "web", cause: "page", at: NOW - 5_000, doneAt: NOW - 5_000, until: NOW + 55_000, ...more }] });
  const size: Partial<Proposal> = { remedy: "scale_up", destructive: false, precondition: { kind: "size", of: "deployment", name: "web", size: 3 } };
  test.each<[string, Partial<Scene>, Partial<Proposal>, readonly [string, number] | "act"]>([
    ["another pod is dealt with for the same cause", open(), size, ["in_flight", NOW + 55_000]],
    ["for another cause", open({ cause: "cpu" }), size, "act"],
    ["another workload is", open({ workload: "other" }), size, "act"],
    ["nothing is under way", {}, size, "act"],
  ])("%s", (_what, more, proposal, expected) => {
    expect(held(podScene(more), proposal)).toEqual(expected);
  });

  test("two pods that ask for another size in one round get one", () => {
    const decisions = decide(["pod/web-1", "pod/web-2"].map((target) => asked(restart(target, size))), podScene());
    expect(decisions.map((decision) => (decision.kind === "hold" ? decision.guard : decision.kind))).toEqual(["act", "in_flight"]);
  });
});

test("five replacements that fell ill again call a person", () => {
  const helped = [1, 2, 3, 4, 5].map((n) => past(`pod/old-${n}`, NOW - n * 300_000, "verified"));
  const born = new Map([["pod/web-1", NOW - 200_000]]);
  const decided = (startedAt: ReadonlyMap<string, number>) => decide([asked(restart("pod/web-1", WEB_1))], podScene({ ...history(helped), startedAt }))[0];
  expect(decided(born)).toMatchObject({ kind: "escalate", guard: "ladder", reason: "5 failed attempts within 1h" });
  expect(decided(new Map([["pod/web-1", NOW - 9_000_000]]))?.kind).toBe("act");
});

describe("a pod that the kubelet restarts again and again", () => {
  const evidence = (...ago: readonly number[]) => new Map([["pod/web-1", { lastGoodAt: null, lastFailedAt: null, succeeded: 0, failed: 0, inFlight: 0, oldestInFlightMs: 0, copies: 0, restartedAt: ago.map((one) => NOW - one) }]]);
  const decided = (more: Partial<Scene>) => decide([asked(restart("pod/web-1", WEB_1))], podScene(more))[0];
  const FIVE = evidence(3_000_000, 900_000, 400_000, 200_000, 100_000);

  test("calls a person at the fifth time within the hour, as five restarts of ours do", () => {
    expect(decided({ ...history([]), evidence: FIVE })).toMatchObject({ kind: "escalate", guard: "crash_loop", reason: "the kubelet has restarted it 5 times within 1h" });
    expect(decided({ ...history([]), evidence: evidence(3_600_001, 900_000, 400_000, 200_000, 100_000) })?.kind).toBe("act");
  });

  const marked = (calledAt: number | null, rearmedAt: number | null, pod = "pod/web-1") => history([], { escalated: { crash_loop: NOW }, pods: { [pod]: { calledAt, rearmedAt } } });

  test.each<[string, Partial<Scene>, string]>([
    ["then it is held", { ...marked(NOW - 1_000, null), evidence: FIVE }, "hold"],
    ["also while the kubelet's pauses leave fewer restarts in the hour", { ...marked(NOW - 1_000, null), evidence: evidence(200_000, 100_000) }, "hold"],
    ["those from before a person acted on it count no more", { ...marked(null, NOW - 500_000), evidence: FIVE }, "act"],
    ["five more after that call again", { ...marked(null, NOW - 3_100_000), evidence: FIVE }, "escalate"],
    ["that a person acted on another pod changes nothing", { ...marked(null, NOW, "pod/web-2"), evidence: FIVE }, "escalate"],
    ["that one was called for another pod neither", { ...marked(NOW, null, "pod/web-2"), evidence: FIVE }, "escalate"],
    ["an order about the whole workload counts for each", { ...marked(null, NOW - 1_000, ""), evidence: FIVE }, "act"],
  ])("%s", (_what, more, kind) => {
    expect(decided(more)?.kind).toBe(kind);
  });

  test("its siblings have restarts of their own, and are not held for it", () => {
    const sibling = restart("pod/web-2", { precondition: { kind: "pod", name: "web-2", uid: "uid-web-2" } });
    const decisions = decide([asked(restart("pod/web-1", WEB_1)), asked(sibling)], podScene({ ...history([]), evidence: FIVE }));
    expect(decisions.map(({ kind }) => kind)).toEqual(["escalate", "act"]);
  });
});
