/**
 * What a cluster holds, as far as Shopkeeper cares: pods and where they stand, what sends
 * requests to them, what sizes them and what protects them.
 *
 * All instants here are epoch milliseconds by the clocks of the cluster's machines: for
 * people and for ages of minutes, never for expiry.
 */
import type { Instant } from "./time.ts";

/** One very pod. A replacement of the same name has another uid. */
export type PodRef = { readonly name: string; readonly uid: string };

export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";

/** How a container ended: "OOMKilled" and 137, "Error" and 137 (killed by liveness), "Completed" and 0. */
export type Termination = { readonly reason: string; readonly exitCode: number; readonly at: Instant | null };

export type PodContainer = {
  readonly name: string;
  /** Starts before and ends after the others: an init container that is restarted always. */
  readonly sidecar: boolean;
  /** The application's own: the one that `kubectl logs` shows where none is named. Exactly one of a pod. */
  readonly main: boolean;
  readonly ready: boolean;
  /** By the kubelet, in this very pod. */
  readonly restarts: number;
  /** Why it does not run, "CrashLoopBackOff"; "" when it does or nobody says. */
  readonly waitingFor: string;
  readonly lastTermination: Termination | null;
  /** Thousandths of a core; null: none requested, and then no HPA on CPU can work. */
  readonly cpuRequestMilli: number | null;
};

/** What makes and replaces pods. */
export type Workload = { readonly kind: "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "other"; readonly name: string };

export type Pod = PodRef & {
  /** Changes with every write to it; compared, never ordered. */
  readonly version: string;
  readonly labels: Readonly<Record<string, string>>;
  /** null: bound to none yet. */
  readonly node: string | null;
  /** null: nobody told. */
  readonly zone: string | null;
  readonly ip: string | null;
  readonly phase: PodPhase;
  /** As last said; a pod that is being deleted may still say true. */
  readonly ready: boolean;
  /** null: nobody would replace it. */
  readonly workload: Workload | null;
  readonly startedAt: Instant | null;
  /** When it was told to go; its capacity is gone from then on. null: it was not. */
  readonly deletingAt: Instant | null;
  /** Native sidecars first, then the pod's own. */
  readonly containers: readonly PodContainer[];
};

/** Where a Service sends requests: all slices merged, one entry per pod. */
export type Endpoint = {
  /** null: an address that is no pod. */
  readonly pod: PodRef | null;
  /** One per address family. */
  readonly addresses: readonly string[];
  readonly ready: boolean;
  /** Answers, though it may be terminating. */
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly node: string | null;
  readonly zone: string | null;
};

/** What a controller says of an object; `status` "Unknown" where it has not said. */
export type Condition = { readonly type: string; readonly status: "True" | "False" | "Unknown"; readonly reason: string; readonly message: string };

export type Autoscaler = {
  readonly name: string;
  readonly uid: string;
  readonly version: string;
  readonly target: { readonly kind: string; readonly name: string };
  readonly min: number;
  readonly max: number;
  /** Replicas now, as its controller counted them; 0 before it did. */
  readonly current: number;
  readonly desired: number;
  /** Percent of the request at which it wants to hold the CPU; null: not by CPU. */
  readonly cpuTargetPercent: number | null;
  /** ScalingActive, AbleToScale, ScalingLimited. */
  readonly conditions: readonly Condition[];
};

export type LabelRule = { readonly key: string; readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist"; readonly values: readonly string[] };
/** All rules must hold; no rule at all selects everything. */
export type Selector = readonly LabelRule[];

export type Budget = {
  readonly name: string;
  readonly selector: Selector;
  /** How many may be evicted now; 0 also while nobody has counted (`counted`). */
  readonly disruptionsAllowed: number;
  readonly healthy: number;
  readonly wanted: number;
  readonly expected: number;
  /** Its controller has seen the present wording. */
  readonly counted: boolean;
};

export type Deployment = {
  readonly name: string;
  readonly uid: string;
  readonly version: string;
  /** Grows with each change of what is wanted. */
  readonly generation: number;
  readonly observedGeneration: number;
  readonly selector: Selector;
  readonly wanted: number;
  readonly replicas: number;
  readonly updated: number;
  readonly ready: number;
  readonly available: number;
  readonly paused: boolean;
  /** Available, Progressing, ReplicaFailure. */
  readonly conditions: readonly Condition[];
};

/** What a container of a pod uses, from metrics.k8s.io. */
export type PodUsage = {
  readonly pod: string;
  readonly at: Instant;
  readonly cpuMilli: number;
  readonly memoryBytes: number;
};

/** Does a selector take in what has these labels? */
export function selects(selector: Selector, labels: Readonly<Record<string, string>>): boolean {
  return selector.every(({ key, operator, values }) => {
    const value = labels[key];
    switch (operator) {
      case "In":
        return value !== undefined && values.includes(value);
      case "NotIn":
        return value === undefined || !values.includes(value);
      case "Exists":
        return value !== undefined;
      case "DoesNotExist":
        return value === undefined;
    }
  });
}

/** Pods with the zones their endpoints name, where they name none themselves. */
export function withZones(pods: Iterable<Pod>, endpoints: Iterable<Endpoint>): readonly Pod[] {
  const zones = new Map([...endpoints].map(({ pod, zone }) => [pod?.uid, zone]));
  return [...pods].map((pod) => (pod.zone === null ? { ...pod, zone: zones.get(pod.uid) ?? null } : pod));
}

/** The status of a condition; "Unknown" where nobody stated it. */
export function conditionOf(conditions: readonly Condition[], type: string): Condition {
  return conditions.find((one) => one.type === type) ?? { type, status: "Unknown", reason: "", message: "" };
}

/** All that was wanted has been rolled out: the test `kubectl rollout status` makes. */
export function rolledOut({ generation, observedGeneration, wanted, replicas, updated, available }: Deployment): boolean {
  return observedGeneration >= generation && updated === wanted && replicas === updated && available === updated;
}

/**
 * CPU as a share of what the pod requested, 1 is all of it.
 *
 * @returns null when any container requests none: then there is nothing to be a share of.
 */
export function cpuShare({ containers }: Pod, { cpuMilli }: PodUsage): number | null {
  let requested = 0;
  for (const { cpuRequestMilli } of containers) {
    if (cpuRequestMilli === null) return null;
    requested += cpuRequestMilli;
  }
  return requested === 0 ? null : cpuMilli / requested;
}
