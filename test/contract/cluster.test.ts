import { createSystemClock } from "../../src/adapters/system-clock.ts";
import type { Pod, PodRef } from "../../src/core/cluster.ts";
import { SimulatedCluster } from "../../src/simulation/simulated-cluster.ts";
import { clusterContract } from "./cluster.ts";
import type { ClusterScene, PodDraft } from "./cluster-scene.ts";

let uids = 0;

function podOf({ name, app, ready = true }: PodDraft): Pod {
  uids += 1;
  return {
    name,
    uid: `uid-${uids}`,
    version: "",
    labels: { app },
    node: "node-1",
    zone: null,
    ip: "10.87.0.1",
    phase: "Running",
    ready,
    workload: { kind: "Deployment", name: app },
    startedAt: 1_000,
    deletingAt: null,
    containers: [{ name: "app", sidecar: false, main: true, ready, restarts: 2, waitingFor: "", lastTermination: { reason: "OOMKilled", exitCode: 137, at: 500 }, cpuRequestMilli: 250 }],
  };
}

function simulatedScene(): ClusterScene {
  const cluster = new SimulatedCluster(createSystemClock());
  const autoscaler = (name: string, target: string, min: number) => ({
    name,
    uid: `uid-${name}`,
    version: "",
    target: { kind: "Deployment", name: target },
    min,
    max: 10,
    current: 3,
    desired: 3,
    cpuTargetPercent: 70,
    conditions: [
      { type: "AbleToScale", status: "True", reason: "", message: "" },
      { type: "ScalingActive", status: "False", reason: "FailedGetResourceMetric", message: "missing request for cpu in container side" },
    ] as const,
  });
  return {
    cluster,
    addPod: async (draft) => {
      const pod = podOf(draft);
      cluster.placePod(pod);
      return { name: pod.name, uid: pod.uid };
    },
    removePod: async (name) => cluster.removePod(name),
    addEndpoints: async (service, pods) => cluster.placeEndpoints(service, pods.map((pod: PodRef) => ({ pod, addresses: ["10.87.0.1"], ready: true, serving: true, terminating: false, node: "node-1", zone: "zone-a" }))),
    addBudget: async (name, app, allowed) => cluster.placeBudget({ name, selector: [{ key: "app", operator: "In", values: [app] }], disruptionsAllowed: allowed, healthy: 2, wanted: 1, expected: 2, counted: true }),
    addAutoscaler: async (name, deployment) => cluster.placeAutoscaler(autoscaler(name, deployment, 1), "kubectl"),
    addDeployment: async (name) =>
      cluster.placeDeployment({ name, uid: "uid-d", version: "", generation: 1, observedGeneration: 1, selector: [], wanted: 3, replicas: 3, updated: 3, ready: 3, available: 3, paused: false, conditions: [] }),
    writeMinReplicas: async (name, value, manager) => cluster.placeAutoscaler(autoscaler(name, name, value), manager),
    addMetrics: async ({ name }) => cluster.measure([{ pod: name, at: 1_000, cpuMilli: 125, memoryBytes: 64 * 1024 * 1024 }]),
    forbidEvictions: async () => {
      cluster.forbid([{ verb: "create", group: "", resource: "pods", subresource: "eviction" }]);
      return cluster;
    },
    notesOn: async (name) => cluster.notes().filter(({ about }) => about.name === name).map(({ text }) => text),
    end: () => cluster.close(),
  };
}

clusterContract("simulated", async () => simulatedScene());
