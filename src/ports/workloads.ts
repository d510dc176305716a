/** How the pods of a workload are as a whole. */
import type { TargetId } from "../core/target.ts";

export type WorkloadReading = {
  /** Pods it should have, and those that are ready, as its controller counts them. */
  readonly wanted: number;
  readonly ready: number;
  /** CPU of its pods on average, in percent of what they request; null: nobody measures it. */
  readonly cpuPercent: number | null;
  /** Who measured it ("metrics.k8s.io, 3 of 3 pods"), or why nobody did. */
  readonly cpuSource: string;
};

export type WorkloadAnswer = { readonly kind: "read"; readonly reading: WorkloadReading } | { readonly kind: "blind"; readonly why: string };

export interface Workloads {
  /** Never rejects. */
  read(target: TargetId, signal: AbortSignal): Promise<WorkloadAnswer>;
}
