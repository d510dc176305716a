/**
 * Where a workload's size is written: an autoscaler's minReplicas where one sizes its
 * Deployment, since it would write over anything else; the Deployment's own replicas where none does.
 */
import type { Autoscaler, Deployment } from "../core/cluster.ts";
import type { Cluster, SizeChange } from "./cluster.ts";

/** The object that holds the size, and what it says now. */
export type HeldSize = { readonly of: "autoscaler" | "deployment"; readonly name: string; readonly size: number };

export type WorkloadSize = HeldSize & {
  /** Nothing larger would be taken; null: nothing bounds it. */
  readonly max: number | null;
  readonly deployment: Deployment;
  readonly autoscaler: Autoscaler | null;
};

/** @returns null when there is no such Deployment. @throws {ClusterError} */
export async function readSize(cluster: Cluster, workload: string, signal: AbortSignal): Promise<WorkloadSize | null> {
  const deployment = await cluster.deployment(workload, signal);
  if (deployment === null) return null;
  const autoscalers = await cluster.autoscalers(signal);
  const autoscaler = autoscalers.find(({ target }) => target.kind === "Deployment" && target.name === workload) ?? null;
  if (autoscaler === null) return { of: "deployment", name: workload, size: deployment.wanted, max: null, deployment, autoscaler };
  return { of: "autoscaler", name: autoscaler.name, size: autoscaler.min, max: autoscaler.max, deployment, autoscaler };
}

/** From what it was found to be. @throws {ClusterError} */
export function writeSize(cluster: Cluster, { of, name, size }: HeldSize, to: number, signal: AbortSignal): Promise<SizeChange> {
  return of === "autoscaler" ? cluster.setMinReplicas(name, size, to, signal) : cluster.setScale(name, size, to, signal);
}

/** The field a size stands in, for `fieldOwners`. */
export function fieldOf({ of }: Pick<HeldSize, "of">): { readonly kind: "HorizontalPodAutoscaler" | "Deployment"; readonly path: readonly string[] } {
  return of === "autoscaler" ? { kind: "HorizontalPodAutoscaler", path: ["spec", "minReplicas"] } : { kind: "Deployment", path: ["spec", "replicas"] };
}
