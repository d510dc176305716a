/** The remedies of a cluster against a real API server: what they write is what stands there, and what it refuses is what they say. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createMemoryLedger } from "../../src/adapters/memory-ledger.ts";
import { createMemoryStateStore } from "../../src/adapters/memory-state-store.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import type { PodRef } from "../../src/core/cluster.ts";
import type { Intent } from "../../src/core/intent.ts";
import type { Precondition } from "../../src/core/proposal.ts";
import type { Target } from "../../src/core/target.ts";
import { createClaimBook } from "../../src/engine/claim-book.ts";
import { createClusterNotes } from "../../src/engine/cluster-notes.ts";
import { createSizeKeeper } from "../../src/engine/size-keeper.ts";
import type { Cluster } from "../../src/ports/cluster.ts";
import type { Remedy } from "../../src/ports/remedy.ts";
import { makeRemedies } from "../../src/remedies/index.ts";
import type { ClusterScene } from "../contract/cluster-scene.ts";
import { intentOn, paramsOf, signal } from "../support/cluster-world.ts";
import { FakeProcesses } from "../support/fake-processes.ts";
import { apiScene } from "./api-scene.ts";
import { createApiWorld } from "./api-world.ts";
import { lacking } from "./needs.ts";

const POD: Target = { id: "pod/web-1", kind: "pod", workload: "web" };

describe.skipIf(lacking("api").length > 0)("remedies on a real API server", () => {
  const world = createApiWorld();
  const clock = createSystemClock();
  let scene: ClusterScene;
  let cluster: Cluster;
  let claims: ReturnType<typeof createClaimBook>;

  beforeEach(async () => {
    scene = await apiScene(world);
    ({ cluster } = scene);
    claims = createClaimBook(createMemoryStateStore());
  });
  afterEach(() => scene.end());

  function remedy(name: string, on: Cluster = cluster): Remedy {
    const nothing = (): Promise<never> => Promise.reject(new Error("none here"));
    const made = makeRemedies({
      site: "shop", folder: "/", runbooks: "docs/runbooks", clock, processes: new FakeProcesses(clock), units: { state: nothing, restart: nothing }, outbox: { enqueue: async () => undefined },
      breakers: { hold: async () => undefined, release: async () => undefined, views: () => [] }, cluster: on, claims, supervised: () => null,
    }).get(name);
    if (made === undefined) throw new Error(`no remedy ${name}`);
    return made;
  }

  /** What is found now, as the intent that follows from it. */
  async function intentFor(name: string, written: Readonly<Record<string, unknown>> = {}): Promise<Intent> {
    const params = paramsOf(name, written);
    const { precondition, wait } = await remedy(name).prepare(POD, params, signal);
    expect(wait).toBeUndefined();
    return intentOn(POD, name, precondition, params, clock.now());
  }

  const of = ({ name, uid }: PodRef): Precondition => ({ kind: "pod", name, uid });

  describe("restart_pod", () => {
    test("evicts that very pod, reads it back, and never touches the next of its name", async () => {
      const pod = await scene.addPod({ name: "web-1", app: "web" });
      const intent = await intentFor("restart_pod");
      expect(intent.proposal.precondition).toEqual(of(pod));
      expect(await remedy("restart_pod").readBack(intent, POD, signal)).toEqual({ kind: "not_landed" });
      expect(await remedy("restart_pod").execute(intent, POD, signal)).toEqual({ pod: "web-1", uid: pod.uid, method: "evict" });
      expect((await remedy("restart_pod").readBack(intent, POD, signal)).kind).toBe("landed");
      expect((await remedy("restart_pod").prepare(POD, {}, signal)).wait).toMatchObject({ guard: "disruption", reason: "pod web-1 is being deleted already" });
      await scene.removePod("web-1");
      const next = await scene.addPod({ name: "web-1", app: "web" });
      await expect(remedy("restart_pod").execute(intent, POD, signal)).rejects.toMatchObject({ code: "REFUSED", message: expect.stringContaining("another pod's") });
      expect(await cluster.pod("web-1", signal)).toMatchObject({ uid: next.uid, deletingAt: null });
    });

    test("waits for a disruption budget, is refused by one at the last moment, and deletes past it only when told to", async () => {
      const pod = await scene.addPod({ name: "web-1", app: "web" });
      await scene.addBudget("web", "web", 0);
      expect(await remedy("restart_pod").prepare(POD, {}, signal)).toMatchObject({ precondition: of(pod), wait: { guard: "disruption", reason: expect.stringContaining("disruption budget") } });
      await expect(remedy("restart_pod").execute(intentOn(POD, "restart_pod", of(pod), {}), POD, signal)).rejects.toMatchObject({ code: "REFUSED", message: expect.stringContaining("disruption budget") });
      expect(await remedy("restart_pod").execute(await intentFor("restart_pod", { method: "delete" }), POD, signal)).toMatchObject({ method: "delete" });
      expect(await cluster.pod("web-1", signal)).toMatchObject({ deletingAt: expect.any(Number) });
    });

    test("names the right that is missing", async () => {
      await scene.addPod({ name: "web-1", app: "web" });
      const limited = await scene.forbidEvictions();
      expect((await remedy("restart_pod", limited).prepare(POD, {}, signal)).wait).toMatchObject({ guard: "unavailable", reason: expect.stringContaining("it needs the right to create pods/eviction") });
    });
  });

  describe("quarantine_pod", () => {
    test("takes the label off and marks the pod in one write, keeps it, and is full with one", async () => {
      await scene.addPod({ name: "web-1", app: "web" });
      const intent = await intentFor("quarantine_pod", { label: "app" });
      expect(await remedy("quarantine_pod").readBack(intent, POD, signal)).toEqual({ kind: "not_landed" });
      await remedy("quarantine_pod").execute(intent, POD, signal);
      expect((await remedy("quarantine_pod").readBack(intent, POD, signal)).kind).toBe("landed");
      const kept = await cluster.pod("web-1", signal);
      expect(kept).toMatchObject({ deletingAt: null, labels: { "shopkeeper.dev/quarantined": "web" } });
      expect(kept?.labels).not.toHaveProperty("app");
      const second: Target = { ...POD, id: "pod/web-2" };
      const pod = await scene.addPod({ name: "web-2", app: "web" });
      await expect(remedy("quarantine_pod").execute(intentOn(second, "quarantine_pod", of(pod), paramsOf("quarantine_pod", { label: "app" })), second, signal)).rejects.toMatchObject({ code: "REFUSED", message: expect.stringContaining("the quarantine is full: web-1") });
      expect((await cluster.pod("web-2", signal))?.labels).toHaveProperty("app", "web");
    });
  });

  describe("rollout_restart", () => {
    test("restarts the Deployment as it was seen, and knows its own mark again", async () => {
      await scene.addDeployment("web");
      const intent = await intentFor("rollout_restart");
      expect(await remedy("rollout_restart").readBack(intent, POD, signal)).toEqual({ kind: "not_landed" });
      expect(await remedy("rollout_restart").execute(intent, POD, signal)).toEqual({ deployment: "web", generation: 2 });
      expect(await remedy("rollout_restart").readBack(intent, POD, signal)).toEqual({ kind: "landed", effect: { deployment: "web", generation: 2 } });
      await expect(remedy("rollout_restart").execute(intent, POD, signal)).rejects.toMatchObject({ code: "REFUSED", message: expect.stringContaining("changed meanwhile") });
      expect((await remedy("rollout_restart").prepare(POD, {}, signal)).wait?.guard).toBe("disruption");
    });

    test("somebody else's change is not taken for it", async () => {
      await scene.addDeployment("web");
      const intent = await intentFor("rollout_restart");
      await cluster.setScale("web", 3, 4, signal);
      expect(await remedy("rollout_restart").readBack(intent, POD, signal)).toEqual({ kind: "not_landed" });
    });
  });

  describe("scale_up and the keeper of sizes", () => {
    const keep = async (troubles: string[] = []): Promise<void> => {
      const ledger = createMemoryLedger(clock, { maxAgeMs: 1e10, maxBytes: 1e7 });
      const keeper = createSizeKeeper({ cluster, claims, clock, ledger, mayAct: async () => ({ kind: "clear" }), troubled: (_where, detail) => void troubles.push(detail) });
      await keeper.round();
      await keeper.stop();
    };

    test("raises minReplicas where the autoscaler cannot work; what another tool writes over it is left to that, by name", async () => {
      await scene.addDeployment("web");
      await scene.addAutoscaler("web", "web");
      expect(await remedy("scale_up").execute(await intentFor("scale_up"), POD, signal)).toMatchObject({ of: "autoscaler", from: 1, to: 4, readBack: 4 });
      await keep();
      expect(await cluster.autoscalers(signal)).toMatchObject([{ min: 4 }]);
      await scene.writeMinReplicas("web", 1, "argocd-controller");
      const troubles: string[] = [];
      await keep(troubles);
      await keep(troubles);
      expect(troubles).toEqual([expect.stringContaining("argocd-controller wrote spec.minReplicas of the autoscaler web over: 1 instead of 4")]);
      expect(await cluster.autoscalers(signal)).toMatchObject([{ min: 1 }]);
      expect(await scene.notesOn("web")).toEqual([expect.stringContaining("argocd-controller")]);
      expect((await remedy("scale_up").prepare(POD, paramsOf("scale_up"), signal)).wait?.reason).toContain("left to it");
    });

    test("raises the replicas where there is no autoscaler, and lowers them when nothing is claimed any more", async () => {
      await scene.addDeployment("web");
      expect(await remedy("scale_up").execute(await intentFor("scale_up"), POD, signal)).toMatchObject({ of: "deployment", from: 3, to: 4, readBack: 4 });
      expect(await cluster.fieldOwners("Deployment", "web", ["spec", "replicas"], signal)).toMatchObject([{ manager: "shopkeeper" }]);
      await claims.withdraw("web", "scale_up:web_policy");
      await keep();
      expect(await cluster.deployment("web", signal)).toMatchObject({ wanted: 3 });
      await keep();
      expect(claims.all()).toEqual([]);
    });
  });

  test("notes stand on the pages of the pod, the Deployment and the autoscaler", async () => {
    const pod = await scene.addPod({ name: "web-1", app: "web" });
    await scene.addDeployment("web");
    await scene.addAutoscaler("web-hpa", "web");
    const troubles: string[] = [];
    const notes = createClusterNotes({ cluster, clock, troubled: (_where, detail) => void troubles.push(detail) });
    for (const precondition of [of(pod), { kind: "generation", deployment: "web", generation: 1 }, { kind: "size", of: "autoscaler", name: "web-hpa", size: 1 }] as const) {
      notes.listener({ kind: "decided", at: clock.now(), repeated: false, decision: { kind: "act", proposal: intentOn(POD, "restart_pod", precondition).proposal, attempt: 1, verifyWithin: 1 } });
      await notes.idle();
    }
    expect(troubles).toEqual([]);
    expect(await Promise.all(["web-1", "web", "web-hpa"].map((name) => scene.notesOn(name)))).toEqual([1, 2, 3].map(() => ["restart_pod, attempt 1: application failed 3 times"]));
  });
});
