/**
 * Restarts a pod by evicting it: its workload makes another one, elsewhere if need be.
 *
 * The cluster's own disruption budgets are asked before, and one that forbids it is waited for: no
 * attempt was made. Evicted is that very pod, by its uid, never another of its name. What is verified is the replacement.
 */
import * as z from "zod";
import type { PodRef } from "../core/cluster.ts";
import type { Cluster } from "../ports/cluster.ts";
import type { ReadBack, Remedy } from "../ports/remedy.ts";
import { ActionError } from "../ports/remedy.ts";
import { ofWrite, unreadable } from "./cluster-answers.ts";
import { DisruptionDesk, EVICT, lookAtPod, heldPod, podOf, readyPod } from "./pod-target.ts";
import type { RemedyEntry } from "./remedy-entry.ts";

const schema = z.strictObject({
  method: z.enum(["evict", "delete"]).default("evict").meta({ description: "Of a pod: evict it, which disruption budgets may forbid; delete passes them by." }),
});

export const restartPod: RemedyEntry = {
  name: "restart_pod",
  summary: "Evicts the target's pod, so that its workload makes another one.",
  schema,
  make: ({ cluster, clock }): Remedy | null => {
    if (cluster === null) return null;
    const desk = new DisruptionDesk(cluster, clock);
    return {
      verifiedBy: "replacement",
      readableLater: true,
      foreseen: { destructive: true, gone: false },
      prepare: async (target, params, signal) => {
        const look = await lookAtPod(cluster, clock, target, signal);
        if (look.kind === "held") return look.prepared;
        const wait = methodOf(params) === "delete" ? null : await desk.ask(look.pod, signal);
        return wait === null ? readyPod(look.pod) : heldPod(look.pod, wait);
      },
      execute: async (intent, _target, signal) => {
        const pod = podOf(intent);
        const method = methodOf(intent.proposal.params);
        await (method === "evict" ? evict(cluster, pod, signal) : remove(cluster, pod, signal));
        return { pod: pod.name, uid: pod.uid, method };
      },
      readBack: (intent, _target, signal) => readGone(cluster, podOf(intent), signal),
    };
  },
};

function methodOf(params: Readonly<Record<string, unknown>>): "evict" | "delete" {
  const result = schema.safeParse(params);
  if (!result.success) throw new ActionError("REFUSED", `params: ${result.error.issues[0]?.message ?? "not valid"}`);
  return result.data.method;
}

async function evict(cluster: Cluster, pod: PodRef, signal: AbortSignal): Promise<void> {
  const answer = await cluster.evictPod(pod, signal).catch(ofWrite(EVICT));
  switch (answer.kind) {
    case "evicted":
      return;
    case "blocked":
      throw new ActionError("REFUSED", `forbidden at the last moment: ${answer.detail}`);
    case "gone":
    case "changed":
      throw new ActionError("REFUSED", notThere(pod, answer.kind));
  }
}

async function remove(cluster: Cluster, pod: PodRef, signal: AbortSignal): Promise<void> {
  const change = await cluster.deletePod(pod, signal).catch(ofWrite("delete pods"));
  if (change !== "done") throw new ActionError("REFUSED", notThere(pod, change));
}

function notThere({ name, uid }: PodRef, why: "gone" | "changed"): string {
  return why === "gone" ? `pod ${name} is gone already` : `the name ${name} is another pod's now (not ${uid})`;
}

/** Whoever told it to go: evicting it again would only meet its replacement. */
async function readGone(cluster: Cluster, { name, uid }: PodRef, signal: AbortSignal): Promise<ReadBack> {
  try {
    const pod = await cluster.pod(name, signal);
    const going = pod === null || pod.uid !== uid || pod.deletingAt !== null;
    return going ? { kind: "landed", effect: { pod: name, uid } } : { kind: "not_landed" };
  } catch (error) {
    return unreadable(error);
  }
}
