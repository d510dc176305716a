/** What the Cluster contract needs beside the Cluster itself. */
import type { PodRef } from "../../src/core/cluster.ts";
import type { Cluster } from "../../src/ports/cluster.ts";

export type PodDraft = { readonly name: string; readonly app: string; readonly ready?: boolean; /** Where the scene has addresses; else one of its own. */ readonly ip?: string };

/** A scene around a Cluster: whoever else works in its namespace. Pods request 250m of CPU, stand on node-1 in zone-a, belong to a Deployment of their app's name, and had one container killed for memory. */
export type ClusterScene = {
  readonly cluster: Cluster;
  addPod(draft: PodDraft): Promise<PodRef>;
  /** Its grace period is over. */
  removePod(name: string): Promise<void>;
  /** `slice`: begins the names of the slices they stand in; default: the Service's name. */
  addEndpoints(service: string, pods: readonly PodRef[], slice?: string): Promise<void>;
  addBudget(name: string, app: string, allowed: number): Promise<void>;
  /** 1 to 10 replicas, holding CPU at 70 %, unable to scale because a request is missing. */
  addAutoscaler(name: string, deployment: string): Promise<void>;
  /** With 3 replicas, all rolled out. */
  addDeployment(name: string): Promise<void>;
  /** Another tool writes an HPA's minReplicas. */
  writeMinReplicas(name: string, value: number, manager: string): Promise<void>;
  addMetrics(pod: PodRef, app: string, cpu: "125m"): Promise<void>;
  forbidEvictions(): Promise<Cluster>;
  notesOn(name: string): Promise<readonly string[]>;
  readonly end: () => Promise<void>;
};
