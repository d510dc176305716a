/**
 * One namespace of a cluster, as Shopkeeper reads and changes it; see core/cluster.ts for the nouns.
 *
 * Every change carries what it was decided on (a uid, an old value, a generation), so that a write
 * that comes late is refused by the cluster itself. Every change ends within 4.5 s, done or not; every
 * reading too, a list in as long for each 500 objects.
 */
import type { Autoscaler, Budget, Deployment, Endpoint, Pod, PodRef, PodUsage } from "../core/cluster.ts";
import type { Instant, Ms } from "../core/time.ts";

/** Pods read or kept at once; beyond it they are cut, and the number that was cut is said. */
export const MAX_PODS = 3_000;
/** By this name the cluster knows that we wrote a field. Never to be changed: GitOps rules name it. */
export const FIELD_MANAGER = "shopkeeper";
/** Where a restart of a rollout leaves its mark on a Deployment, as `kubectl rollout restart` does. */
export const RESTARTED_AT = "kubectl.kubernetes.io/restartedAt";
/** Objects of any other kind. */
export const MAX_OBJECTS = 1_000;

/**
 * `FORBIDDEN`: no such right, or credentials that are not accepted; trying again cannot help until somebody grants it.
 * `NOT_FOUND`: no such object, or no such API (metrics).
 * `CONFLICT`: it has changed since it was read; nothing was written.
 * `INVALID`: the cluster refuses the content; nothing was written.
 * `UNAVAILABLE`: no answer; a change may have landed, so read before any repeat.
 * `TOO_MANY`: the cluster asks to be left alone for a while; nothing was written.
 */
export type ClusterErrorCode = "FORBIDDEN" | "NOT_FOUND" | "CONFLICT" | "INVALID" | "UNAVAILABLE" | "TOO_MANY";

export class ClusterError extends Error {
  override readonly name = "ClusterError";
  readonly code: ClusterErrorCode;
  constructor(code: ClusterErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** By Service: what its slices name, so a pod without an address is not in it. By selector: "app=storefront,tier!=canary". */
export type PodQuery = { readonly service: string } | { readonly selector: string };

export type PodList = {
  readonly pods: readonly Pod[];
  /** How many there are beyond MAX_PODS, about; 0 almost always. */
  readonly cut: number;
};

export type Eviction =
  /** Accepted; the pod goes on for its grace period. */
  | { readonly kind: "evicted" }
  /** A disruption budget forbids it now; nothing says when it will not. */
  | { readonly kind: "blocked"; readonly detail: string }
  | { readonly kind: "gone" }
  /** The name is another pod's now: nothing was done. */
  | { readonly kind: "changed" };

/** `changed`: the name is another pod's now, and nothing was done. */
export type PodChange = "done" | "gone" | "changed";

/** `moved`: it was no longer what the caller believed; nothing was written. */
export type SizeChange = { readonly kind: "done" } | { readonly kind: "moved"; readonly found: number } | { readonly kind: "gone" };

export type RolloutStart =
  /** Done when the deployment has observed this generation and is rolled out. */
  | { readonly kind: "started"; readonly generation: number }
  | { readonly kind: "moved"; readonly found: number }
  | { readonly kind: "gone" };

/** A line on an object's own page in the cluster (`kubectl describe`). */
export type ClusterNote = {
  readonly about: { readonly kind: "Pod" | "Deployment" | "HorizontalPodAutoscaler"; readonly name: string; readonly uid: string };
  readonly type: "Normal" | "Warning";
  /** One word, "PodEvicted"; at most 128 characters. */
  readonly reason: string;
  /** What was done, "Evict"; at most 128 characters. */
  readonly action: string;
  /** A sentence; cut to 1,024 bytes. */
  readonly text: string;
};

/** Something that may be done in the namespace: evictions are { verb: "create", group: "", resource: "pods", subresource: "eviction" }. */
export type Right = { readonly verb: string; readonly group: string; readonly resource: string; readonly subresource?: string; readonly name?: string };
export type RightAnswer = { readonly right: Right; readonly allowed: boolean; readonly reason: string };

export type OwnedKind = "Pod" | "Deployment" | "HorizontalPodAutoscaler";
/** Who wrote a field last, by its name in the cluster ("argocd-controller", "kubectl-edit", "shopkeeper"). */
export type FieldOwner = { readonly manager: string; readonly operation: "Apply" | "Update"; readonly at: Instant | null };

export type ClusterKind = "pods" | "endpoints" | "autoscalers" | "budgets" | "deployments";
export const CLUSTER_KINDS: readonly ClusterKind[] = ["pods", "endpoints", "autoscalers", "budgets", "deployments"];

/** Whether a kind is seen. While `blind` the last picture stays, and grows older. */
export type Sight =
  | { readonly state: "starting" }
  | { readonly state: "seeing"; readonly cut: number }
  | { readonly state: "blind"; readonly since: Instant; readonly code: ClusterErrorCode; readonly detail: string };

/** A picture of the namespace in memory, kept fresh. */
export interface ClusterWatch {
  pods(): readonly Pod[];
  endpoints(service: string): readonly Endpoint[];
  autoscalers(): readonly Autoscaler[];
  budgets(): readonly Budget[];
  deployments(): readonly Deployment[];
  sight(kind: ClusterKind): Sight;
  /** How long ago the cluster last said, by event or by answer, that the picture of this kind (of the oldest of all) holds; Infinity before it ever did. */
  staleForMs(kind?: ClusterKind): Ms;
  /** Resolves true when every kind has been seen once, false when `signal` aborts or it is stopped. */
  seen(signal: AbortSignal): Promise<boolean>;
  stop(): Promise<void>;
}

export type WatchOptions = {
  readonly kinds?: readonly ClusterKind[];
  /** Pods to keep; all of the namespace by default. */
  readonly selector?: string;
  readonly changed?: (kind: ClusterKind) => void;
  /** Once per change between seeing and blind. */
  readonly sighted?: (kind: ClusterKind, sight: Sight) => void;
};

/** All methods: @throws {ClusterError} */
export interface Cluster {
  readonly namespace: string;
  pods(query: PodQuery, signal: AbortSignal): Promise<PodList>;
  /** null: there is no pod of that name. */
  pod(name: string, signal: AbortSignal): Promise<Pod | null>;
  endpoints(service: string, signal: AbortSignal): Promise<readonly Endpoint[]>;
  autoscalers(signal: AbortSignal): Promise<readonly Autoscaler[]>;
  budgets(signal: AbortSignal): Promise<readonly Budget[]>;
  deployments(signal: AbortSignal): Promise<readonly Deployment[]>;
  deployment(name: string, signal: AbortSignal): Promise<Deployment | null>;
  /** `NOT_FOUND` where no metrics server is. */
  podUsage(selector: string, signal: AbortSignal): Promise<readonly PodUsage[]>;

  evictPod(pod: PodRef, signal: AbortSignal): Promise<Eviction>;
  /** Asks what an eviction would meet; changes nothing. */
  tryEviction(pod: PodRef, signal: AbortSignal): Promise<Eviction>;
  /** Passes by every budget. */
  deletePod(pod: PodRef, signal: AbortSignal): Promise<PodChange>;
  /** Sets labels, or takes them off (null), in one write: a pod without its Service's label gets no requests, is replaced, and stays to be looked at. */
  labelPod(pod: PodRef, labels: Readonly<Record<string, string | null>>, signal: AbortSignal): Promise<PodChange>;
  /** Replaces all pods of a deployment by its own strategy. `at`: ISO time, for people. */
  restartRollout(deployment: Pick<Deployment, "name" | "generation">, at: string, signal: AbortSignal): Promise<RolloutStart>;
  /** An HPA's minReplicas, from what it was to what it shall be. */
  setMinReplicas(autoscaler: string, from: number, to: number, signal: AbortSignal): Promise<SizeChange>;
  /** A deployment's replicas; an HPA would write over it. */
  setScale(deployment: string, from: number, to: number, signal: AbortSignal): Promise<SizeChange>;
  note(note: ClusterNote, signal: AbortSignal): Promise<void>;

  /** Who owns a field, "spec.minReplicas"; nobody when it was never set by name. */
  fieldOwners(kind: OwnedKind, name: string, path: readonly string[], signal: AbortSignal): Promise<readonly FieldOwner[]>;
  /** In the order asked; asks, tries nothing. */
  canI(rights: readonly Right[], signal: AbortSignal): Promise<readonly RightAnswer[]>;

  watch(options?: WatchOptions): ClusterWatch;
  close(): Promise<void>;
}
