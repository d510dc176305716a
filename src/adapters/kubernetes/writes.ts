/**
 * Changes, each with what it was decided on as the cluster's own precondition: a write that comes late,
 * from a leader that is none any more, is refused there and not here.
 */
import type { V1Pod } from "@kubernetes/client-node";
import type { Deployment, PodRef } from "../../core/cluster.ts";
import { ClusterError, RESTARTED_AT } from "../../ports/cluster.ts";
import type { ClusterNote, Eviction, PodChange, RolloutStart, SizeChange } from "../../ports/cluster.ts";
import { FIELD_MANAGER, V1MicroTime } from "./client.ts";
import type { KubernetesClient } from "./client.ts";
import { blockedByBudget } from "./failures.ts";

const MAX_NOTE_BYTES = 1_024;
const MAX_WORD_CHARS = 128;
/** Times an object may change in other ways while one field of it is written. */
const MAX_TRIES = 4;

const by = { fieldManager: FIELD_MANAGER } as const;

/** @param dryRun asks what would happen; the server does everything but do it. */
export async function evict(client: KubernetesClient, pod: PodRef, dryRun: boolean, signal: AbortSignal): Promise<Eviction> {
  const { core, namespace, call } = client;
  const { name, uid } = pod;
  try {
    const body = { metadata: { name, namespace }, deleteOptions: { preconditions: { uid } } };
    await call(`evict pod ${name}`, signal, (options) => core.createNamespacedPodEviction({ name, namespace, body, ...by, ...(dryRun ? { dryRun: "All" } : {}) }, options));
    return { kind: "evicted" };
  } catch (error) {
    const blocked = blockedByBudget(error);
    if (blocked !== null) return { kind: "blocked", detail: blocked };
    return { kind: await explain(client, pod, error, signal) };
  }
}

export async function deletePod(client: KubernetesClient, pod: PodRef, signal: AbortSignal): Promise<PodChange> {
  const { core, namespace, call } = client;
  const { name, uid } = pod;
  try {
    await call(`delete pod ${name}`, signal, (options) => core.deleteNamespacedPod({ name, namespace, body: { preconditions: { uid } } }, options));
    return "done";
  } catch (error) {
    return explain(client, pod, error, signal);
  }
}

export async function labelPod(client: KubernetesClient, pod: PodRef, labels: Readonly<Record<string, string | null>>, signal: AbortSignal): Promise<PodChange> {
  const { core, namespace, call } = client;
  const { name, uid } = pod;
  const body = { metadata: { uid, labels } };
  try {
    await call(`label pod ${name}`, signal, (options) => core.patchNamespacedPod({ name, namespace, body, ...by }, options), "application/merge-patch+json");
    return "done";
  } catch (error) {
    return explain(client, pod, error, signal);
  }
}

/** Was a write on one very pod refused because it is not there any more, or is another one? Else it was refused for its own sake. */
async function explain({ core, namespace, call }: KubernetesClient, { name, uid }: PodRef, error: unknown, signal: AbortSignal): Promise<"gone" | "changed"> {
  if (!(error instanceof ClusterError)) throw error;
  if (error.code === "NOT_FOUND") return "gone";
  if (error.code !== "CONFLICT" && error.code !== "INVALID") throw error;
  let found: V1Pod;
  try {
    found = await call(`read pod ${name}`, signal, (options) => core.readNamespacedPod({ name, namespace }, options));
  } catch (reading) {
    if (reading instanceof ClusterError && reading.code === "NOT_FOUND") return "gone";
    // That it was refused is certain; only why is not.
    throw error;
  }
  if (found.metadata?.uid !== uid) return "changed";
  throw error;
}

/** By an annotation on the template, as `kubectl rollout restart` does it. */
export async function restartRollout(client: KubernetesClient, { name, generation }: Pick<Deployment, "name" | "generation">, at: string, signal: AbortSignal): Promise<RolloutStart> {
  const { apps, namespace, call } = client;
  return overVersion(name, async () => {
    const found = await call(`read deployment ${name}`, signal, (options) => apps.readNamespacedDeployment({ name, namespace }, options));
    const present = found.metadata?.generation ?? 0;
    if (present !== generation) return { kind: "moved", found: present };
    const body = { metadata: { resourceVersion: found.metadata?.resourceVersion }, spec: { template: { metadata: { annotations: { [RESTARTED_AT]: at } } } } };
    const written = await call(`restart deployment ${name}`, signal, (options) => apps.patchNamespacedDeployment({ name, namespace, body, ...by }, options), "application/merge-patch+json");
    return { kind: "started", generation: written.metadata?.generation ?? 0 };
  });
}

export async function setScale(client: KubernetesClient, name: string, from: number, to: number, signal: AbortSignal): Promise<SizeChange> {
  const { apps, namespace, call } = client;
  return overVersion(name, async () => {
    const found = await call(`read the scale of ${name}`, signal, (options) => apps.readNamespacedDeploymentScale({ name, namespace }, options));
    const present = found.spec?.replicas ?? 0;
    if (present !== from) return { kind: "moved", found: present };
    const body = { metadata: { resourceVersion: found.metadata?.resourceVersion }, spec: { replicas: to } };
    await call(`scale ${name}`, signal, (options) => apps.patchNamespacedDeploymentScale({ name, namespace, body, ...by }, options), "application/merge-patch+json");
    return { kind: "done" };
  });
}

/** A JSON patch tests the old value within the write itself. */
export async function setMinReplicas({ autoscaling, namespace, call }: KubernetesClient, name: string, from: number, to: number, signal: AbortSignal): Promise<SizeChange> {
  const body = [
    { op: "test", path: "/spec/minReplicas", value: from },
    { op: "replace", path: "/spec/minReplicas", value: to },
  ];
  try {
    await call(`set minReplicas of ${name}`, signal, (options) => autoscaling.patchNamespacedHorizontalPodAutoscaler({ name, namespace, body, ...by }, options), "application/json-patch+json");
    return { kind: "done" };
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    if (error.code === "NOT_FOUND") return { kind: "gone" };
    if (error.code !== "INVALID") throw error;
    // A failed test and a value that is refused (above maxReplicas) get the same status.
    const found = await call(`read the HPA ${name}`, signal, (options) => autoscaling.readNamespacedHorizontalPodAutoscaler({ name, namespace }, options));
    const present = found.spec?.minReplicas ?? 1;
    if (present !== from) return { kind: "moved", found: present };
    throw error;
  }
}

export async function writeNote({ events, namespace, call, clock }: KubernetesClient, { about, type, reason, action, text }: ClusterNote, signal: AbortSignal): Promise<void> {
  const { kind, name, uid } = about;
  const apiVersion = { Pod: "v1", Deployment: "apps/v1", HorizontalPodAutoscaler: "autoscaling/v2" }[kind];
  const body = {
    metadata: { generateName: `${name.slice(0, 200)}-`, namespace },
    eventTime: new V1MicroTime(clock.wall()),
    regarding: { kind, name, uid, namespace, apiVersion },
    type,
    reason: reason.slice(0, MAX_WORD_CHARS),
    action: action.slice(0, MAX_WORD_CHARS),
    note: cutBytes(text, MAX_NOTE_BYTES),
    reportingController: FIELD_MANAGER,
    reportingInstance: FIELD_MANAGER,
  };
  await call(`note on ${kind} ${name}`, signal, (options) => events.createNamespacedEvent({ namespace, body, ...by }, options));
}

/** Repeats what was refused because the object's version had changed in some other way; the attempt looks anew each time. */
async function overVersion<T>(name: string, attempt: () => Promise<T>): Promise<T | { readonly kind: "gone" }> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      if (error.code === "NOT_FOUND") return { kind: "gone" };
      if (error.code !== "CONFLICT") throw error;
      if (tries >= MAX_TRIES) throw new ClusterError("CONFLICT", `${name} changed ${tries} times while it was written`, { cause: error });
    }
  }
}

function cutBytes(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  // Cutting within a character would leave a broken one.
  return `${Buffer.from(text).subarray(0, maxBytes - 3).toString().replace(/\uFFFD+$/, "")}…`;
}
