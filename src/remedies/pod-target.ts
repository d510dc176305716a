/** A target that is a pod: what is looked at before it is taken out of service, one way or another. */
import type { Pod, PodRef } from "../core/cluster.ts";
import type { Intent } from "../core/intent.ts";
import type { Wait } from "../core/proposal.ts";
import type { Target } from "../core/target.ts";
import { podName } from "../core/target.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { Cluster } from "../ports/cluster.ts";
import type { Prepared } from "../ports/remedy.ts";
import { ActionError } from "../ports/remedy.ts";
import { heldBy } from "./cluster-answers.ts";

/** Nothing says when a disruption budget will allow it. */
const ASK_AGAIN_MS: Ms = 10_000;
/** Pods whose last answer is remembered. */
const MAX_REMEMBERED = 1_000;

export const EVICT = "create pods/eviction";

export type PodLook = { readonly kind: "pod"; readonly pod: Pod } | { readonly kind: "held"; readonly prepared: Prepared };

/** The target's pod as it is, unless it is gone or on its way out. @throws {ClusterError} */
export async function lookAtPod(cluster: Cluster, clock: Clock, target: Target, signal: AbortSignal): Promise<PodLook> {
  const name = podName(target.id);
  if (name === null) throw new ActionError("REFUSED", `${target.id} is no pod`);
  const pod = await cluster.pod(name, signal);
  const until = clock.now() + ASK_AGAIN_MS;
  if (pod === null) return { kind: "held", prepared: { precondition: { kind: "none" }, destructive: true, gone: false, wait: { guard: "unavailable", reason: `there is no pod ${name} any more`, until } } };
  if (pod.workload === null) return { kind: "held", prepared: heldPod(pod, { guard: "unavailable", reason: `pod ${name} belongs to no workload: nobody would make another one`, until: null }) };
  if (pod.deletingAt !== null) return { kind: "held", prepared: heldPod(pod, { guard: "disruption", reason: `pod ${name} is being deleted already`, until }) };
  return { kind: "pod", pod };
}

export function readyPod({ name, uid }: PodRef): Prepared {
  return { precondition: { kind: "pod", name, uid }, destructive: true, gone: false };
}

export function heldPod(pod: PodRef, wait: Wait): Prepared {
  return { ...readyPod(pod), wait };
}

/** The very pod an intent is about. */
export function podOf({ proposal: { precondition } }: Intent): PodRef {
  if (precondition.kind !== "pod") throw new ActionError("REFUSED", "the intent names no pod");
  return { name: precondition.name, uid: precondition.uid };
}

/** Asks whether the disruption budgets would let a pod go. What was forbidden is asked again after 10 s only, however often a step looks. */
export class DisruptionDesk {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #blocked = new Map<string, { readonly wait: Wait; readonly until: Instant }>();

  constructor(cluster: Cluster, clock: Clock) {
    this.#cluster = cluster;
    this.#clock = clock;
  }

  /** @returns why not now; null: it may go. @throws {ClusterError} */
  async ask({ name, uid }: PodRef, signal: AbortSignal): Promise<Wait | null> {
    const known = this.#blocked.get(uid);
    if (known !== undefined && this.#clock.now() < known.until) return known.wait;
    this.#blocked.delete(uid);
    const wait = await this.#try({ name, uid }, signal);
    if (wait?.guard === "disruption" && wait.until !== null) this.#remember(uid, wait, wait.until);
    return wait;
  }

  async #try(pod: PodRef, signal: AbortSignal): Promise<Wait | null> {
    try {
      const answer = await this.#cluster.tryEviction(pod, signal);
      const until = this.#clock.now() + ASK_AGAIN_MS;
      switch (answer.kind) {
        case "evicted":
          return null;
        case "blocked":
          return { guard: "disruption", reason: answer.detail, until };
        case "gone":
        case "changed":
          return { guard: "unavailable", reason: `there is no pod ${pod.name} (${pod.uid}) any more`, until };
      }
    } catch (error) {
      return heldBy(error, EVICT);
    }
  }

  #remember(uid: string, wait: Wait, until: Instant): void {
    this.#blocked.set(uid, { wait, until });
    const [oldest] = this.#blocked.keys();
    if (this.#blocked.size > MAX_REMEMBERED && oldest !== undefined) this.#blocked.delete(oldest);
  }
}
