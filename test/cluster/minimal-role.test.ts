/** What a Role has to grant, and that it is enough: by a ServiceAccount of its own against a real API server. */
import { describe, expect, test } from "vitest";
import { createKubernetesClient } from "../../src/adapters/kubernetes/client.ts";
import { createKubernetesCluster } from "../../src/adapters/kubernetes/cluster.ts";
import { createKubernetesLease } from "../../src/adapters/kubernetes-lease.ts";
import { openKubernetesLedger } from "../../src/adapters/kubernetes-ledger.ts";
import { createKubernetesStateStore } from "../../src/adapters/kubernetes-state-store.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { createSystemRandom } from "../../src/adapters/system-random.ts";
import { entry } from "../contract/ledger.ts";
import { apiScene } from "./api-scene.ts";
import { createApiWorld } from "./api-world.ts";
import { lacking } from "./needs.ts";
import { strangerKubeconfig } from "./strangers.ts";
import type { PolicyRule } from "./strangers.ts";

const LOOK = ["get", "list", "watch"];

/** Enough for everything that is on without being asked for. */
const MINIMAL: readonly PolicyRule[] = [
  { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["get", "update"], resourceNames: ["shopkeeper"] },
  { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create"] },
  { apiGroups: [""], resources: ["configmaps"], verbs: ["get", "update"], resourceNames: ["shopkeeper-state", "shopkeeper-ledger"] },
  { apiGroups: [""], resources: ["configmaps"], verbs: ["create"] },
  { apiGroups: [""], resources: ["pods"], verbs: LOOK },
  { apiGroups: [""], resources: ["pods/eviction"], verbs: ["create"] },
  { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: LOOK },
  { apiGroups: ["policy"], resources: ["poddisruptionbudgets"], verbs: LOOK },
  { apiGroups: ["apps"], resources: ["deployments"], verbs: [...LOOK, "patch"] },
  { apiGroups: ["apps"], resources: ["deployments/scale"], verbs: ["get", "patch"] },
  { apiGroups: ["autoscaling"], resources: ["horizontalpodautoscalers"], verbs: [...LOOK, "patch"] },
  { apiGroups: ["metrics.k8s.io"], resources: ["pods"], verbs: ["get", "list"] },
  { apiGroups: ["events.k8s.io"], resources: ["events"], verbs: ["create"] },
];

const signal = new AbortController().signal;

describe.skipIf(lacking("api").length > 0)("the minimal Role", () => {
  const world = createApiWorld();

  async function asServiceAccount() {
    const scene = await apiScene(world);
    const { namespace } = scene.cluster;
    const client = createKubernetesClient({ clock: createSystemClock(), access: { kind: "kubeconfig", file: await strangerKubeconfig(world.api(), namespace, MINIMAL) }, namespace });
    const cluster = createKubernetesCluster(client, createSystemRandom());
    return {
      scene, client, cluster,
      [Symbol.asyncDispose]: async () => {
        await cluster.close();
        await scene.end();
      },
    };
  }

  test("is enough for the lease, the state and the ledger", async () => {
    await using account = await asServiceAccount();
    const lease = createKubernetesLease(account.client, "shopkeeper");
    const first = await lease.write({ holder: "a", epoch: 1 }, null, signal);
    expect(first !== "conflict" && (await lease.write({ holder: "a", epoch: 1 }, first.version, signal))).toMatchObject({ holder: "a" });
    const state = createKubernetesStateStore(account.client, "shopkeeper-state");
    expect([await state.put("k", "1"), await state.put("k", "2")]).toEqual([1, 2]);
    await state.close();
    const problems: string[] = [];
    const ledger = await openKubernetesLedger({ client: account.client, name: "shopkeeper-ledger", limits: { maxAgeMs: 86_400_000, maxBytes: 100_000 }, line: () => {}, problem: (text) => problems.push(text) });
    await ledger.append(entry({ at: Date.now() }));
    await ledger.close();
    expect(problems).toEqual([]);
  });

  test("is enough to see everything", async () => {
    await using account = await asServiceAccount();
    const pod = await account.scene.addPod({ name: "web-1", app: "web" });
    await account.scene.addEndpoints("shop", [pod]);
    const watch = account.cluster.watch();
    expect(await watch.seen(AbortSignal.timeout(30_000))).toBe(true);
    expect((await account.cluster.pods({ service: "shop" }, signal)).pods).toMatchObject([pod]);
    await account.scene.addMetrics(pod, "web", "125m");
    expect(await account.cluster.podUsage("app=web", signal)).toHaveLength(1);
  });

  test("is enough to evict, restart, scale and note", async () => {
    await using account = await asServiceAccount();
    const { scene, cluster } = account;
    const pod = await scene.addPod({ name: "web-1", app: "web" });
    await scene.addDeployment("web");
    await scene.addAutoscaler("web", "web");
    expect(await cluster.evictPod(pod, signal)).toEqual({ kind: "evicted" });
    expect(await cluster.restartRollout({ name: "web", generation: 1 }, "2026-01-01T00:00:00Z", signal)).toMatchObject({ kind: "started" });
    expect(await cluster.setScale("web", 3, 4, signal)).toEqual({ kind: "done" });
    expect(await cluster.setMinReplicas("web", 1, 2, signal)).toEqual({ kind: "done" });
    await cluster.note({ about: { kind: "Pod", ...pod }, type: "Normal", reason: "PodEvicted", action: "Evict", text: "it failed" }, signal);
    expect(await cluster.fieldOwners("HorizontalPodAutoscaler", "web", ["spec", "minReplicas"], signal)).toMatchObject([{ manager: "shopkeeper" }]);
  });

  test("does not allow what passes by budgets or touches pods themselves, and says so when asked", async () => {
    await using account = await asServiceAccount();
    const pod = await account.scene.addPod({ name: "web-1", app: "web" });
    const rights = ["delete", "patch"].map((verb) => ({ verb, group: "", resource: "pods" }));
    expect((await account.cluster.canI(rights, signal)).map(({ allowed }) => allowed)).toEqual([false, false]);
    await expect(account.cluster.deletePod(pod, signal)).rejects.toMatchObject({ code: "FORBIDDEN" });
    await expect(account.cluster.labelPod(pod, { app: null }, signal)).rejects.toMatchObject({ code: "FORBIDDEN" });
    expect(await account.cluster.pod("web-1", signal)).toMatchObject({ deletingAt: null, labels: { app: "web" } });
  });
});
