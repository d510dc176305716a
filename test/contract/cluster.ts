/** What every Cluster promises; run against the simulated one and against a real API server. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { conditionOf, cpuShare, selects } from "../../src/core/cluster.ts";
import type { PodRef } from "../../src/core/cluster.ts";
import type { Cluster, Right } from "../../src/ports/cluster.ts";
import type { ClusterScene } from "./cluster-scene.ts";
import { watchContract } from "./cluster-watch.ts";

const signal = new AbortController().signal;
const NOBODY: PodRef = { name: "nobody", uid: "00000000-0000-4000-8000-000000000000" };
const EVICT: Right = { verb: "create", group: "", resource: "pods", subresource: "eviction" };
const LIST: Right = { verb: "list", group: "", resource: "pods" };

export function clusterContract(name: string, makeScene: () => Promise<ClusterScene>): void {
  describe(`cluster: ${name}`, () => {
    let scene: ClusterScene;
    let cluster: Cluster;

    beforeEach(async () => {
      scene = await makeScene();
      ({ cluster } = scene);
    });
    afterEach(() => scene.end());

    test("reads pods by label, with all that is asked of them", async () => {
      const ref = await scene.addPod({ name: "web-1", app: "web" });
      await scene.addPod({ name: "other-1", app: "other" });
      const { pods, cut } = await cluster.pods({ selector: "app=web" }, signal);
      expect(cut).toBe(0);
      expect(pods).toEqual([
        {
          ...ref,
          version: expect.stringMatching(/./),
          labels: expect.objectContaining({ app: "web" }),
          node: "node-1",
          zone: null,
          ip: "10.87.0.1",
          phase: "Running",
          ready: true,
          workload: { kind: "Deployment", name: "web" },
          startedAt: expect.any(Number),
          deletingAt: null,
          containers: [{ name: "app", sidecar: false, main: true, ready: true, restarts: 2, waitingFor: "", lastTermination: { reason: "OOMKilled", exitCode: 137, at: expect.any(Number) }, cpuRequestMilli: 250 }],
        },
      ]);
      expect(await cluster.pod("web-1", signal)).toEqual(pods[0]);
      expect(await cluster.pod("nobody", signal)).toBeNull();
    });

    test("reads the pods behind a Service, with the zones its endpoints name", async () => {
      const [one, two] = [await scene.addPod({ name: "web-1", app: "web" }), await scene.addPod({ name: "web-2", app: "web", ready: false })];
      await scene.addPod({ name: "web-3", app: "web" });
      await scene.addEndpoints("shop", [one, two]);
      const { pods } = await cluster.pods({ service: "shop" }, signal);
      expect(pods.map((pod) => [pod.name, pod.zone, pod.ready])).toEqual([["web-1", "zone-a", true], ["web-2", "zone-a", false]]);
      const endpoints = await cluster.endpoints("shop", signal);
      expect(endpoints.map(({ pod, zone, node, addresses }) => ({ pod, zone, node, addresses: addresses.length }))).toEqual([one, two].map((pod) => ({ pod, zone: "zone-a", node: "node-1", addresses: 1 })));
      expect(await cluster.endpoints("nothing", signal)).toEqual([]);
      expect(await cluster.pods({ service: "nothing" }, signal)).toEqual({ pods: [], cut: 0 });
    });

    test("an eviction ends that very pod, and leaves it its grace period", async () => {
      const pod = await scene.addPod({ name: "web-1", app: "web" });
      expect(await cluster.tryEviction(pod, signal)).toEqual({ kind: "evicted" });
      expect((await cluster.pod("web-1", signal))?.deletingAt).toBeNull();
      expect(await cluster.evictPod(pod, signal)).toEqual({ kind: "evicted" });
      expect((await cluster.pod("web-1", signal))?.deletingAt).toEqual(expect.any(Number));
      await scene.removePod("web-1");
      expect(await cluster.evictPod(pod, signal)).toEqual({ kind: "gone" });
    });

    test("an eviction that comes late does not touch the pod that has the name now", async () => {
      const old = await scene.addPod({ name: "web-1", app: "web" });
      await scene.removePod("web-1");
      const next = await scene.addPod({ name: "web-1", app: "web" });
      expect(await cluster.evictPod(old, signal)).toEqual({ kind: "changed" });
      expect(await cluster.tryEviction(old, signal)).toEqual({ kind: "changed" });
      expect(await cluster.deletePod(old, signal)).toBe("changed");
      expect(await cluster.labelPod(old, { app: null }, signal)).toBe("changed");
      expect(await cluster.pod("web-1", signal)).toMatchObject({ uid: next.uid, deletingAt: null, labels: { app: "web" } });
    });

    test("a disruption budget stops an eviction, in its own words, and no deletion", async () => {
      const [one, two] = [await scene.addPod({ name: "web-1", app: "web" }), await scene.addPod({ name: "web-2", app: "web" })];
      await scene.addBudget("web", "web", 1);
      expect(await cluster.evictPod(one, signal)).toEqual({ kind: "evicted" });
      expect(await cluster.tryEviction(two, signal)).toEqual({ kind: "blocked", detail: expect.stringContaining("disruption budget") });
      expect(await cluster.evictPod(two, signal)).toEqual({ kind: "blocked", detail: expect.stringContaining("disruption budget") });
      expect((await cluster.pod("web-2", signal))?.deletingAt).toBeNull();
      expect(await cluster.deletePod(two, signal)).toBe("done");
      expect((await cluster.pod("web-2", signal))?.deletingAt).toEqual(expect.any(Number));
    });

    test("reads budgets: whom they cover and how many may go", async () => {
      await scene.addBudget("web", "web", 1);
      const [budget] = await cluster.budgets(signal);
      expect(budget).toMatchObject({ name: "web", disruptionsAllowed: 1, counted: true, wanted: 1, expected: 2 });
      expect([selects(budget?.selector ?? [], { app: "web" }), selects(budget?.selector ?? [], { app: "other" })]).toEqual([true, false]);
    });

    test("takes a label off a pod and puts it on again", async () => {
      const pod = await scene.addPod({ name: "web-1", app: "web" });
      expect(await cluster.labelPod(pod, { app: null, "shopkeeper.dev/why": "wrong-answers" }, signal)).toBe("done");
      expect((await cluster.pods({ selector: "app=web" }, signal)).pods).toEqual([]);
      expect(await cluster.labelPod(pod, { "shopkeeper.dev/quarantined": "web", "shopkeeper.dev/why": null }, signal)).toBe("done");
      expect((await cluster.pods({ selector: "shopkeeper.dev/quarantined" }, signal)).pods).toMatchObject([pod]);
      expect((await cluster.pods({ selector: "shopkeeper.dev/why" }, signal)).pods).toEqual([]);
      expect(await cluster.fieldOwners("Pod", "web-1", ["metadata", "labels", "shopkeeper.dev/quarantined"], signal)).toMatchObject([{ manager: "shopkeeper" }]);
      expect(await cluster.labelPod(NOBODY, { app: null }, signal)).toBe("gone");
      expect(await cluster.deletePod(NOBODY, signal)).toBe("gone");
    });

    test("restarts a deployment that is as it was seen, and no other", async () => {
      await scene.addDeployment("web");
      const seen = await cluster.deployment("web", signal);
      if (seen === null) return expect.fail("there is no deployment");
      expect(seen).toMatchObject({ wanted: 3, replicas: 3, updated: 3, available: 3, paused: false });
      const started = await cluster.restartRollout(seen, "2026-01-01T00:00:00Z", signal);
      expect(started).toEqual({ kind: "started", generation: seen.generation + 1 });
      expect(await cluster.restartRollout(seen, "2026-01-01T00:00:01Z", signal)).toEqual({ kind: "moved", found: seen.generation + 1 });
      expect(await cluster.restartRollout({ name: "nobody", generation: 1 }, "2026-01-01T00:00:00Z", signal)).toEqual({ kind: "gone" });
      expect(await cluster.deployment("nobody", signal)).toBeNull();
    });

    test("scales a deployment from what it was believed to be", async () => {
      await scene.addDeployment("web");
      expect(await cluster.setScale("web", 3, 5, signal)).toEqual({ kind: "done" });
      expect(await cluster.setScale("web", 3, 6, signal)).toEqual({ kind: "moved", found: 5 });
      expect(await cluster.deployments(signal)).toMatchObject([{ name: "web", wanted: 5 }]);
      expect(await cluster.setScale("nobody", 1, 2, signal)).toEqual({ kind: "gone" });
    });

    test("reads an autoscaler, and why it cannot work", async () => {
      await scene.addAutoscaler("web", "web");
      const [autoscaler] = await cluster.autoscalers(signal);
      expect(autoscaler).toMatchObject({ name: "web", target: { kind: "Deployment", name: "web" }, min: 1, max: 10, current: 3, desired: 3, cpuTargetPercent: 70 });
      expect(conditionOf(autoscaler?.conditions ?? [], "ScalingActive")).toMatchObject({ status: "False", reason: "FailedGetResourceMetric", message: expect.stringContaining("missing request for cpu") });
      expect(conditionOf(autoscaler?.conditions ?? [], "AbleToScale").status).toBe("True");
    });

    test("raises minReplicas from what it was believed to be, and says what it is when it is not", async () => {
      await scene.addAutoscaler("web", "web");
      expect(await cluster.setMinReplicas("web", 1, 4, signal)).toEqual({ kind: "done" });
      expect(await cluster.setMinReplicas("web", 1, 6, signal)).toEqual({ kind: "moved", found: 4 });
      await expect(cluster.setMinReplicas("web", 4, 11, signal)).rejects.toMatchObject({ name: "ClusterError", code: "INVALID" });
      expect(await cluster.autoscalers(signal)).toMatchObject([{ min: 4 }]);
      expect(await cluster.setMinReplicas("nobody", 1, 2, signal)).toEqual({ kind: "gone" });
    });

    test("says who owns a field: us, and then whoever wrote over us", async () => {
      await scene.addAutoscaler("web", "web");
      const owners = async (): Promise<readonly string[]> => (await cluster.fieldOwners("HorizontalPodAutoscaler", "web", ["spec", "minReplicas"], signal)).map(({ manager }) => manager);
      await cluster.setMinReplicas("web", 1, 4, signal);
      expect(await owners()).toEqual(["shopkeeper"]);
      await scene.writeMinReplicas("web", 1, "argocd-controller");
      expect(await owners()).toEqual(["argocd-controller"]);
      expect(await cluster.setMinReplicas("web", 4, 5, signal)).toEqual({ kind: "moved", found: 1 });
      await expect(cluster.fieldOwners("HorizontalPodAutoscaler", "nobody", ["spec"], signal)).rejects.toMatchObject({ code: "NOT_FOUND" });
    });

    test("names the rights it has and lacks, and meets the lack as FORBIDDEN", async () => {
      const pod = await scene.addPod({ name: "web-1", app: "web" });
      expect(await cluster.canI([EVICT, LIST], signal)).toMatchObject([{ right: EVICT, allowed: true }, { right: LIST, allowed: true }]);
      const limited = await scene.forbidEvictions();
      expect(await limited.canI([EVICT, LIST], signal)).toMatchObject([{ right: EVICT, allowed: false }, { right: LIST, allowed: true }]);
      await expect(limited.evictPod(pod, signal)).rejects.toMatchObject({ name: "ClusterError", code: "FORBIDDEN", message: expect.stringContaining("pods/eviction") });
    });

    test("writes a note where people look", async () => {
      const { name: podName, uid } = await scene.addPod({ name: "web-1", app: "web" });
      await cluster.note({ about: { kind: "Pod", name: podName, uid }, type: "Normal", reason: "PodEvicted", action: "Evict", text: `It failed its check: ${"é".repeat(2_000)}` }, signal);
      expect(await scene.notesOn("web-1")).toEqual([expect.stringMatching(/^It failed its check: é/)]);
    });

    test("reads what pods use, as a share of their requests; and says where nothing measures", async () => {
      await expect(cluster.podUsage("app=web", signal)).rejects.toMatchObject({ code: "NOT_FOUND" });
      const pod = await scene.addPod({ name: "web-1", app: "web" });
      await scene.addMetrics(pod, "web", "125m");
      const [usage] = await cluster.podUsage("app=web", signal);
      expect(usage).toEqual({ pod: "web-1", at: expect.any(Number), cpuMilli: 125, memoryBytes: 64 * 1024 * 1024 });
      const read = await cluster.pod("web-1", signal);
      expect(read !== null && usage !== undefined && cpuShare(read, usage)).toBe(0.5);
      expect(await cluster.podUsage("app=other", signal)).toEqual([]);
    });

    test("a caller who has given up gets no answer", async () => {
      await expect(cluster.budgets(AbortSignal.abort())).rejects.toMatchObject({ name: "ClusterError", code: "UNAVAILABLE", message: expect.stringContaining("gave up") });
    });

    watchContract(() => scene);
  });
}
