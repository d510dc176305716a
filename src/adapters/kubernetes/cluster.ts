/** The Cluster port on one namespace of a Kubernetes. To be imported lazily: see sdk.ts. */
import type { Random } from "../../ports/random.ts";
import { ClusterError } from "../../ports/cluster.ts";
import type { Cluster, ClusterWatch, FieldOwner, OwnedKind, PodList, PodQuery, Right, RightAnswer, WatchOptions } from "../../ports/cluster.ts";
import { withZones } from "../../core/cluster.ts";
import type { Autoscaler, Budget, Deployment, Endpoint, Pod, PodUsage } from "../../core/cluster.ts";
import type { KubernetesClient } from "./client.ts";
import { ownersOf } from "./field-owners.ts";
import { autoscalerSource, budgetSource, deploymentSource, listAll, podSource, sliceSource } from "./lists.ts";
import type { Source } from "./lists.ts";
import { watchNamespace } from "./namespace-watch.ts";
import { podOf, usageOf } from "./pods.ts";
import { deploymentOf, mergeSlices } from "./workloads.ts";
import * as writes from "./writes.ts";

/** Questions about rights under way at once. */
const RIGHTS_AT_ONCE = 4;

/** `close` closes the client, and with it what else stands on it. */
export function createKubernetesCluster(client: KubernetesClient, random: Random): Cluster {
  const { within } = client;
  const watches = new Set<ClusterWatch>();
  const list = async <T>(source: Source<T>, signal: AbortSignal): Promise<readonly T[]> => (await listAll(client, source, signal)).items;
  return {
    namespace: client.namespace,
    pods: (query, signal) => readPods(client, query, signal),
    pod: (name, signal) => readPod(client, name, signal),
    endpoints: (service, signal) => readEndpoints(client, service, signal),
    autoscalers: (signal): Promise<readonly Autoscaler[]> => list(autoscalerSource, signal),
    budgets: (signal): Promise<readonly Budget[]> => list(budgetSource, signal),
    deployments: (signal): Promise<readonly Deployment[]> => list(deploymentSource, signal),
    deployment: (name, signal) => readDeployment(client, name, signal),
    podUsage: (selector, signal) => readUsage(client, selector, signal),

    evictPod: (pod, signal) => within(signal, (inTime) => writes.evict(client, pod, false, inTime)),
    tryEviction: (pod, signal) => within(signal, (inTime) => writes.evict(client, pod, true, inTime)),
    deletePod: (pod, signal) => within(signal, (inTime) => writes.deletePod(client, pod, inTime)),
    labelPod: (pod, labels, signal) => within(signal, (inTime) => writes.labelPod(client, pod, labels, inTime)),
    restartRollout: (deployment, at, signal) => within(signal, (inTime) => writes.restartRollout(client, deployment, at, inTime)),
    setMinReplicas: (autoscaler, from, to, signal) => within(signal, (inTime) => writes.setMinReplicas(client, autoscaler, from, to, inTime)),
    setScale: (deployment, from, to, signal) => within(signal, (inTime) => writes.setScale(client, deployment, from, to, inTime)),
    note: (note, signal) => within(signal, (inTime) => writes.writeNote(client, note, inTime)),

    fieldOwners: (kind, name, path, signal) => readOwners(client, kind, name, path, signal),
    canI: (rights, signal) => askRights(client, rights, signal),

    watch: (options: WatchOptions = {}) => {
      const watch: ClusterWatch = watchNamespace(client, random, options, () => watches.delete(watch));
      watches.add(watch);
      return watch;
    },
    close: async () => {
      await Promise.all([...watches].map((watch) => watch.stop()));
      await client.close();
    },
  };
}

async function readPods(client: KubernetesClient, query: PodQuery, signal: AbortSignal): Promise<PodList> {
  if ("selector" in query) {
    const { items, cut } = await listAll(client, podSource(query.selector), signal);
    return { pods: items, cut };
  }
  const [endpoints, { items, cut }] = await Promise.all([readEndpoints(client, query.service, signal), listAll(client, podSource(null), signal)]);
  const behind = new Set(endpoints.map((endpoint) => endpoint.pod?.uid));
  return { pods: withZones(items.filter(({ uid }) => behind.has(uid)), endpoints), cut };
}

async function readPod({ core, namespace, call }: KubernetesClient, name: string, signal: AbortSignal): Promise<Pod | null> {
  return orNull(async () => podOf(await call(`read pod ${name}`, signal, (options) => core.readNamespacedPod({ name, namespace }, options))));
}

async function readDeployment({ apps, namespace, call }: KubernetesClient, name: string, signal: AbortSignal): Promise<Deployment | null> {
  return orNull(async () => deploymentOf(await call(`read deployment ${name}`, signal, (options) => apps.readNamespacedDeployment({ name, namespace }, options))));
}

async function orNull<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof ClusterError && error.code === "NOT_FOUND") return null;
    throw error;
  }
}

async function readEndpoints(client: KubernetesClient, service: string, signal: AbortSignal): Promise<readonly Endpoint[]> {
  return mergeSlices((await listAll(client, sliceSource(service), signal)).items);
}

async function readUsage({ custom, namespace, call }: KubernetesClient, labelSelector: string, signal: AbortSignal): Promise<readonly PodUsage[]> {
  const request = { group: "metrics.k8s.io", version: "v1beta1", namespace, plural: "pods", labelSelector };
  const answer = (await call("read the pods' metrics", signal, (options) => custom.listNamespacedCustomObject(request, options))) as { readonly items?: readonly unknown[] };
  return (answer.items ?? []).flatMap((item) => usageOf(item) ?? []);
}

async function readOwners(client: KubernetesClient, kind: OwnedKind, name: string, path: readonly string[], signal: AbortSignal): Promise<readonly FieldOwner[]> {
  const { apps, autoscaling, core, namespace, call } = client;
  const { metadata } = await call(`read ${kind} ${name}`, signal, async (options) => {
    switch (kind) {
      case "Pod":
        return core.readNamespacedPod({ name, namespace }, options);
      case "Deployment":
        return apps.readNamespacedDeployment({ name, namespace }, options);
      case "HorizontalPodAutoscaler":
        return autoscaling.readNamespacedHorizontalPodAutoscaler({ name, namespace }, options);
    }
  });
  return ownersOf(metadata?.managedFields ?? [], path);
}

async function askRights(client: KubernetesClient, rights: readonly Right[], signal: AbortSignal): Promise<readonly RightAnswer[]> {
  const answers: RightAnswer[] = [];
  for (let at = 0; at < rights.length; at += RIGHTS_AT_ONCE) answers.push(...(await Promise.all(rights.slice(at, at + RIGHTS_AT_ONCE).map((right) => askRight(client, right, signal)))));
  return answers;
}

async function askRight({ authorization, namespace, call }: KubernetesClient, right: Right, signal: AbortSignal): Promise<RightAnswer> {
  const body = { spec: { resourceAttributes: { namespace, ...right } } };
  const { status } = await call("ask for our rights", signal, (options) => authorization.createSelfSubjectAccessReview({ body }, options));
  return { right, allowed: status?.allowed ?? false, reason: status?.reason ?? "" };
}
