/** The scene of the Cluster contract on a real API server without nodes: objects, and their status written as controllers would. */
import { createKubernetesClient } from "../../src/adapters/kubernetes/client.ts";
import { createKubernetesCluster } from "../../src/adapters/kubernetes/cluster.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { createSystemRandom } from "../../src/adapters/system-random.ts";
import type { PodRef } from "../../src/core/cluster.ts";
import type { Cluster } from "../../src/ports/cluster.ts";
import type { ClusterScene, PodDraft } from "../contract/cluster-scene.ts";
import type { ApiServer } from "./api-server.ts";
import type { ApiWorld } from "./api-world.ts";
import { strangerKubeconfig } from "./strangers.ts";

const NOW = "2026-01-01T00:00:00Z";
const UID = "11111111-1111-4111-8111-111111111111";

/** Sends and insists on success. */
async function sent(api: ApiServer, method: "POST" | "PATCH" | "DELETE", path: string, body?: object): Promise<unknown> {
  const answer = await api.ask(method, path, body);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

function podBody({ name, app }: PodDraft): object {
  return {
    metadata: { name, labels: { app, "pod-template-hash": "abc" }, ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: `${app}-abc`, uid: UID, controller: true }] },
    spec: { nodeName: "node-1", terminationGracePeriodSeconds: 30, containers: [{ name: "app", image: "none", resources: { requests: { cpu: "250m" } } }] },
  };
}

function podStatus({ ready = true, ip = "10.87.0.1" }: PodDraft): object {
  const lastState = { terminated: { reason: "OOMKilled", exitCode: 137, finishedAt: NOW, startedAt: NOW } };
  return {
    phase: "Running",
    podIP: ip,
    podIPs: [{ ip }],
    startTime: NOW,
    conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
    containerStatuses: [{ name: "app", image: "none", imageID: "", ready, restartCount: 2, started: true, state: { running: { startedAt: NOW } }, lastState }],
  };
}

export async function apiScene(world: ApiWorld): Promise<ClusterScene> {
  const api = world.api();
  const namespace = await world.namespace();
  const opened: Cluster[] = [];
  const open = (file: string): Cluster => {
    const cluster = createKubernetesCluster(createKubernetesClient({ clock: createSystemClock(), access: { kind: "kubeconfig", file }, namespace }), createSystemRandom());
    opened.push(cluster);
    return cluster;
  };
  const path = (group: string, resource: string): string => `${group === "v1" ? "/api/v1" : `/apis/${group}`}/namespaces/${namespace}/${resource}`;
  const pods = path("v1", "pods");
  const autoscalers = path("autoscaling/v2", "horizontalpodautoscalers");
  return {
    cluster: open(api.kubeconfig),
    addPod: async (draft) => {
      const { metadata } = (await sent(api, "POST", pods, podBody(draft))) as { metadata: PodRef };
      await sent(api, "PATCH", `${pods}/${draft.name}/status`, { status: podStatus(draft) });
      return { name: metadata.name, uid: metadata.uid };
    },
    removePod: async (name) => void (await sent(api, "DELETE", `${pods}/${name}?gracePeriodSeconds=0`)),
    addEndpoints: async (service, refs, slice = service) => {
      // A slice a pod, as of a Service that is spread over several.
      for (const [index, { name, uid }] of refs.entries()) {
        await sent(api, "POST", path("discovery.k8s.io/v1", "endpointslices"), {
          metadata: { name: `${slice}-${index}`, labels: { "kubernetes.io/service-name": service } },
          addressType: "IPv4",
          ports: [{ port: 8080 }],
          endpoints: [{ addresses: [`10.87.0.${index + 1}`], conditions: { ready: true }, nodeName: "node-1", zone: "zone-a", targetRef: { kind: "Pod", name, uid, namespace } }],
        });
      }
    },
    addBudget: async (name, app, allowed) => {
      const budgets = path("policy/v1", "poddisruptionbudgets");
      await sent(api, "POST", budgets, { metadata: { name }, spec: { minAvailable: 1, selector: { matchLabels: { app } } } });
      await sent(api, "PATCH", `${budgets}/${name}/status`, { status: { observedGeneration: 1, disruptionsAllowed: allowed, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2 } });
    },
    addAutoscaler: async (name, deployment) => {
      const metrics = [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 70 } } }];
      await sent(api, "POST", autoscalers, { metadata: { name }, spec: { minReplicas: 1, maxReplicas: 10, scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: deployment }, metrics } });
      const conditions = [
        { type: "AbleToScale", status: "True", reason: "SucceededGetScale", message: "", lastTransitionTime: NOW },
        { type: "ScalingActive", status: "False", reason: "FailedGetResourceMetric", message: "missing request for cpu in container side", lastTransitionTime: NOW },
      ];
      await sent(api, "PATCH", `${autoscalers}/${name}/status`, { status: { currentReplicas: 3, desiredReplicas: 3, conditions } });
    },
    addDeployment: async (name) => {
      const deployments = path("apps/v1", "deployments");
      const template = { metadata: { labels: { app: name } }, spec: { containers: [{ name: "app", image: "none" }] } };
      await sent(api, "POST", deployments, { metadata: { name }, spec: { replicas: 3, selector: { matchLabels: { app: name } }, template } });
      await sent(api, "PATCH", `${deployments}/${name}/status`, { status: { observedGeneration: 1, replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3 } });
    },
    writeMinReplicas: async (name, value, manager) => void (await sent(api, "PATCH", `${autoscalers}/${name}?fieldManager=${manager}`, { spec: { minReplicas: value } })),
    addMetrics: async ({ name }, app, cpu) => {
      await serveMetrics(api);
      await sent(api, "POST", path("metrics.k8s.io/v1beta1", "pods"), { apiVersion: "metrics.k8s.io/v1beta1", kind: "PodMetrics", metadata: { name, labels: { app } }, timestamp: NOW, window: "10s", containers: [{ name: "app", usage: { cpu, memory: "64Mi" } }] });
    },
    forbidEvictions: async () =>
      open(await strangerKubeconfig(api, namespace, [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] }])),
    notesOn: async (name) => {
      const { body } = await api.ask("GET", path("events.k8s.io/v1", "events"));
      return (body as { items: { regarding: { name: string }; note: string }[] }).items.filter(({ regarding }) => regarding.name === name).map(({ note }) => note);
    },
    end: async () => {
      await Promise.all(opened.map((cluster) => cluster.close()));
      await stopMetrics(api);
    },
  };
}

const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const METRICS = "pods.metrics.k8s.io";

/** The metrics API's very paths, kept by the API server itself: what a metrics server would measure is written down. */
async function serveMetrics(api: ApiServer): Promise<void> {
  const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
  await sent(api, "POST", CRDS, {
    metadata: { name: METRICS, annotations: { "api-approved.kubernetes.io": "unapproved, a test's" } },
    spec: { group: "metrics.k8s.io", scope: "Namespaced", names: { plural: "pods", singular: "pod", kind: "PodMetrics", listKind: "PodMetricsList" }, versions: [{ name: "v1beta1", served: true, storage: true, schema }] },
  });
  const late = AbortSignal.timeout(30_000);
  while ((await api.ask("GET", "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods")).status !== 200) late.throwIfAborted();
}

async function stopMetrics(api: ApiServer): Promise<void> {
  if ((await api.ask("DELETE", `${CRDS}/${METRICS}`)).status === 404) return;
  const late = AbortSignal.timeout(30_000);
  while ((await api.ask("GET", "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods")).status !== 404) late.throwIfAborted();
}
