/** Pods and what they use, from the API server's words into ours. Takes objects as the generated APIs and as watches give them. */
import type { V1Container, V1ContainerStatus, V1OwnerReference, V1Pod } from "@kubernetes/client-node";
import type { Pod, PodContainer, PodPhase, PodUsage, Termination, Workload } from "../../core/cluster.ts";
import { instantOf } from "./instant.ts";
import { bytesOf, milliOf } from "./quantity.ts";

/** Names the container that tools take where none is named; else it is the first (kubernetes.io, "Well-Known Labels, Annotations and Taints"). */
const DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container";
const ZONE = "topology.kubernetes.io/zone";
const PHASES: readonly PodPhase[] = ["Pending", "Running", "Succeeded", "Failed", "Unknown"];
const WORKLOADS = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"] as const;

/** The zone is the pod's own label, where the cluster writes it (since 1.35); else nobody's here: slices know it. */
export function podOf({ metadata, spec, status }: V1Pod): Pod {
  const labels = metadata?.labels ?? {};
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  const own = spec?.containers ?? [];
  const main = own.find(({ name }) => name === metadata?.annotations?.[DEFAULT_CONTAINER]) ?? own[0];
  return {
    name: metadata?.name ?? "",
    uid: metadata?.uid ?? "",
    version: metadata?.resourceVersion ?? "",
    labels,
    node: spec?.nodeName ?? null,
    zone: labels[ZONE] ?? null,
    ip: status?.podIP ?? null,
    phase: PHASES.find((phase) => phase === status?.phase) ?? "Unknown",
    ready: ready?.status === "True",
    workload: workloadOf(metadata?.ownerReferences ?? [], labels),
    startedAt: instantOf(status?.startTime),
    deletingAt: instantOf(metadata?.deletionTimestamp),
    containers: [
      ...containersOf((spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always"), status?.initContainerStatuses ?? [], { sidecar: true }),
      ...containersOf(own, status?.containerStatuses ?? [], { sidecar: false, main: main?.name ?? "" }),
    ],
  };
}

function containersOf(specs: readonly V1Container[], statuses: readonly V1ContainerStatus[], { sidecar, main = "" }: { readonly sidecar: boolean; readonly main?: string }): readonly PodContainer[] {
  return specs.map(({ name, resources }) => {
    const status = statuses.find((one) => one.name === name);
    return {
      name,
      sidecar,
      main: name === main,
      ready: status?.ready ?? false,
      restarts: status?.restartCount ?? 0,
      waitingFor: status?.state?.waiting?.reason ?? "",
      lastTermination: terminationOf(status),
      cpuRequestMilli: milliOf(resources?.requests?.["cpu"]),
    };
  });
}

/** The one before this life; or of this one, when it has ended and nobody starts it again. */
function terminationOf(status: V1ContainerStatus | undefined): Termination | null {
  const ended = status?.state?.terminated ?? status?.lastState?.terminated;
  return ended === undefined ? null : { reason: ended.reason ?? "", exitCode: ended.exitCode, at: instantOf(ended.finishedAt) };
}

/** A Deployment owns its pods through a ReplicaSet, whose name is the Deployment's and the hash of its template. */
function workloadOf(owners: readonly V1OwnerReference[], labels: Readonly<Record<string, string>>): Workload | null {
  const owner = owners.find(({ controller }) => controller === true);
  if (owner === undefined) return null;
  const hash = labels["pod-template-hash"];
  if (owner.kind === "ReplicaSet" && hash !== undefined && owner.name.endsWith(`-${hash}`)) return { kind: "Deployment", name: owner.name.slice(0, -hash.length - 1) };
  return { kind: WORKLOADS.find((kind) => kind === owner.kind) ?? "other", name: owner.name };
}

type PodMetrics = { readonly metadata?: { readonly name?: string }; readonly timestamp?: string; readonly containers?: readonly { readonly usage?: { readonly cpu?: string; readonly memory?: string } }[] };

/** A PodMetrics of metrics.k8s.io, as far as it is read; null for what is none. */
export function usageOf(item: unknown): PodUsage | null {
  const { metadata, timestamp, containers } = (item ?? {}) as PodMetrics;
  const at = instantOf(timestamp);
  if (metadata?.name === undefined || at === null || containers === undefined) return null;
  let cpuMilli = 0;
  let memoryBytes = 0;
  for (const { usage } of containers) {
    const [cpu, memory] = [milliOf(usage?.cpu), bytesOf(usage?.memory)];
    // Half of a pod measured is not a measure of the pod.
    if (cpu === null || memory === null) return null;
    cpuMilli += cpu;
    memoryBytes += memory;
  }
  return { pod: metadata.name, at, cpuMilli, memoryBytes };
}
