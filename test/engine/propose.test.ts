/** From triggers to proposals where the remedy has to ask a cluster: what is asked for together, and what is not asked at all. */
import { describe, expect, test } from "vitest";
import type { Scene } from "../../src/core/scene.ts";
import { Findings } from "../../src/engine/findings.ts";
import { propose } from "../../src/engine/propose.ts";
import { Roll } from "../../src/engine/roll.ts";
import { decide } from "../../src/core/decide.ts";
import type { PolicySpec } from "../../src/core/policy.ts";
import type { Target } from "../../src/core/target.ts";
import { lookKey } from "../../src/core/target.ts";
import { after, checkSpec, NOW, RESTART, scene } from "../support/scene.ts";
import { autoscaler, createClusterWorld, deployment, paramsOf, pod, signal } from "../support/cluster-world.ts";
import type { ClusterWorld } from "../support/cluster-world.ts";

const PODS: readonly Target[] = [1, 2, 3, 4, 5].map((n) => ({ id: `pod/web-${n}`, kind: "pod", workload: "web" }));

/** The first two of five pods fail `page`, the second for longer. */
function failingScene(more: Partial<Scene> = {}): Scene {
  const checks = new Map(PODS.map(({ id }, index) => [lookKey("page", id), after(["..xxx", "xxxxx"][index] ?? "...")]));
  return scene([], { targets: PODS, specs: [checkSpec("page", PODS.map(({ id }) => id))], checks, ...more });
}

function world(): ClusterWorld {
  const on = createClusterWorld();
  for (const { id } of PODS) on.cluster.placePod(pod(id.slice("pod/".length)));
  on.cluster.placeDeployment(deployment(5));
  return on;
}

async function proposed(on: ClusterWorld, of: Scene, policy: Partial<PolicySpec>, findings = new Findings()) {
  const troubles: string[] = [];
  const parts = { roll: new Roll({ targets: of.targets, checks: [], startupGrace: new Map() }), remedies: on.remedies(), clock: on.clock, findings, troubled: (_where: string, detail: string) => void troubles.push(detail) };
  const asked = await propose(of, [{ ...RESTART, ...policy }], parts, signal);
  return { asked, troubles, decisions: decide(asked, of) };
}

describe("proposals on pods", () => {
  test("each failing pod is asked about, and each is its own precondition", async () => {
    const { asked } = await proposed(world(), failingScene(), { params: paramsOf("restart_pod") });
    expect(asked.map(({ proposal }) => [proposal.target, proposal.remedy, proposal.precondition.kind])).toEqual([["pod/web-1", "restart_pod", "pod"], ["pod/web-2", "restart_pod", "pod"]]);
  });

  test.each([["rollout_restart", "generation"], ["scale_up", "size"]])("%s is asked for once, by the pod that has needed it longest", async (action, precondition) => {
    const { asked } = await proposed(world(), failingScene(), { action, params: paramsOf(action) });
    expect(asked.map(({ proposal }) => [proposal.target, proposal.workload, proposal.precondition.kind])).toEqual([["pod/web-2", "web", precondition]]);
    expect(asked[0]?.proposal.why).toMatch(/; and 1 more of web$/);
  });

  test("what one pod uses scales nothing where the workload is looked at as a whole; that does", async () => {
    const whole: Target = { id: "storefront", kind: "workload", workload: "web" };
    const of = failingScene({ targets: [whole, ...PODS] });
    expect((await proposed(world(), of, { action: "scale_up", params: paramsOf("scale_up") })).asked).toEqual([]);
    const checks = new Map([...of.checks, [lookKey("page", "storefront"), after("xxxx")]]);
    const specs = [checkSpec("page", [whole.id, ...PODS.map(({ id }) => id)])];
    const { asked } = await proposed(world(), { ...of, checks, specs }, { action: "scale_up", params: paramsOf("scale_up") });
    expect(asked.map(({ proposal }) => [proposal.target, proposal.workload])).toEqual([["storefront", "web"]]);
  });

  test("what the remedy finds against it stands in the proposal", async () => {
    const on = world();
    on.cluster.placeAutoscaler(autoscaler(2, { conditions: [{ type: "ScalingActive", status: "True", reason: "", message: "" }] }), "kubectl");
    const { decisions } = await proposed(on, failingScene(), { action: "scale_up", params: paramsOf("scale_up") });
    expect(decisions).toMatchObject([{ kind: "hold", guard: "autoscaler", reason: expect.stringContaining("works") }]);
  });

  test("a cluster is not asked about what the guards hold in any case", async () => {
    const on = world();
    on.cluster.fail({ code: "UNAVAILABLE", detail: "no answer" });
    const paused = failingScene({ pauses: [{ scope: { kind: "all" }, until: null, by: "ann", why: "release" }] });
    const { decisions, troubles } = await proposed(on, paused, {});
    expect(decisions.map((decision) => (decision.kind === "hold" ? decision.guard : decision.kind))).toEqual(["pause", "pause"]);
    expect(troubles).toEqual([]);
  });

  test("should that hold end before it is decided on, nothing is done unseen: the next step looks", async () => {
    const paused = failingScene({ pauses: [{ scope: { kind: "all" }, until: null, by: "ann", why: "release" }] });
    const { asked } = await proposed(world(), paused, {});
    const [decision] = decide(asked, failingScene({ checks: new Map([[lookKey("page", "pod/web-1"), after("xxx")]]) }));
    expect(decision).toMatchObject({ kind: "hold", guard: "unseen", reason: "it was not looked at yet", until: NOW + 1_000 });
  });

  test("in observe mode it is looked at all the same, so that the mode is the last thing that holds it", async () => {
    const { decisions } = await proposed(world(), failingScene({ checks: new Map([[lookKey("page", "pod/web-1"), after("xxx")]]) }), { mode: "observe" });
    expect(decisions).toMatchObject([{ kind: "hold", guard: "mode", proposal: { precondition: { kind: "pod" } } }]);
  });

  describe("in observe mode a cluster that was asked a moment ago", () => {
    const oneFails = { checks: new Map([[lookKey("page", "pod/web-1"), after("xxx")]]) };
    const guards = async (on: ClusterWorld, findings: Findings, now: number, mode: PolicySpec["mode"] = "observe") => {
      const { decisions, troubles } = await proposed(on, failingScene({ ...oneFails, now }), { mode }, findings);
      return [...decisions.map((decision) => (decision.kind === "hold" ? decision.guard : decision.kind)), ...troubles.map(() => "trouble")];
    };
    const silent = (on: ClusterWorld): void => on.cluster.fail({ code: "UNAVAILABLE", detail: "no answer" });

    test("is not asked again for a minute", async () => {
      const [on, findings] = [world(), new Findings()];
      expect(await guards(on, findings, NOW)).toEqual(["mode"]);
      silent(on);
      expect(await guards(on, findings, NOW + 59_000)).toEqual(["mode"]);
      expect(await guards(on, findings, NOW + 60_000)).toEqual(["trouble"]);
    });

    test("is asked anew by a policy that acts", async () => {
      const [on, findings] = [world(), new Findings()];
      expect(await guards(on, findings, NOW)).toEqual(["mode"]);
      silent(on);
      expect(await guards(on, findings, NOW + 1_000, "act")).toEqual(["trouble"]);
    });
  });

  test("what this kind of target does not have is said", async () => {
    const targets = PODS.map((target) => ({ ...target, kind: "workload" as const }));
    const on = world();
    const parts = { roll: new Roll({ targets, checks: [], startupGrace: new Map() }), remedies: on.remedies(), clock: on.clock, findings: new Findings(), troubled: () => undefined };
    const asked = await propose(failingScene(), [RESTART], parts, signal);
    expect(asked).toMatchObject([1, 2].map(() => ({ policy: { unavailable: "a workload is restarted as a whole by rollout_restart; restart_pod is for one pod" } })));
  });
});
