/**
 * Takes a pod out of service and keeps it for autopsy: without its Service's label it gets no
 * requests, its workload lets go of it and makes another one, and it stays as it is until somebody deletes it.
 *
 * One write takes the label off and leaves a mark, by which the quarantined pods of a workload are counted: few are kept.
 */
import * as z from "zod";
import type { PodRef } from "../core/cluster.ts";
import type { Target } from "../core/target.ts";
import type { Cluster } from "../ports/cluster.ts";
import type { Prepared, ReadBack, Remedy } from "../ports/remedy.ts";
import { ActionError } from "../ports/remedy.ts";
import type { Clock } from "../ports/clock.ts";
import { notBegun, ofWrite, unreadable } from "./cluster-answers.ts";
import { DisruptionDesk, heldPod, lookAtPod, podOf, readyPod } from "./pod-target.ts";
import type { RemedyEntry } from "./remedy-entry.ts";

/** Carries the workload's name; a label's value has at most 63 characters and ends with a letter or digit. */
export const QUARANTINED = "shopkeeper.dev/quarantined";
const MAX_VALUE_CHARS = 63;

const schema = z.strictObject({
  label: z.string().min(1).max(317).default("app.kubernetes.io/name").meta({ description: "Label by which the Service and the workload choose their pods." }),
  keep: z.int().min(1).max(10).default(1).meta({ description: "Quarantined pods of a workload at once; more are refused." }),
});
type Params = z.output<typeof schema>;

export const quarantinePod: RemedyEntry = {
  name: "quarantine_pod",
  summary: "Takes the Service's label off the target's pod: it gets no requests, is replaced, and stays to be looked at.",
  schema,
  make: ({ cluster, clock }): Remedy | null => {
    if (cluster === null) return null;
    const desk = new DisruptionDesk(cluster, clock);
    return {
      verifiedBy: "replacement",
      readableLater: true,
      foreseen: { destructive: true, gone: false },
      prepare: (target, params, signal) => prepare(cluster, clock, desk, target, read(params), signal),
      execute: async (intent, target, signal) => {
        const pod = podOf(intent);
        const { label, keep } = read(intent.proposal.params);
        const mark = markOf(target);
        await makeRoom(cluster, mark, keep, signal);
        const change = await cluster.labelPod(pod, { [label]: null, [QUARANTINED]: mark }, signal).catch(ofWrite("patch pods"));
        if (change !== "done") throw new ActionError("REFUSED", change === "gone" ? `pod ${pod.name} is gone already` : `the name ${pod.name} is another pod's now`);
        return { pod: pod.name, uid: pod.uid, withoutLabel: label, mark: `${QUARANTINED}=${mark}` };
      },
      readBack: (intent, _target, signal) => readMark(cluster, podOf(intent), read(intent.proposal.params), signal),
    };
  },
};

async function prepare(cluster: Cluster, clock: Clock, desk: DisruptionDesk, target: Target, { label }: Params, signal: AbortSignal): Promise<Prepared> {
  const look = await lookAtPod(cluster, clock, target, signal);
  if (look.kind === "held") return look.prepared;
  const { pod } = look;
  if (pod.labels[label] === undefined) return heldPod(pod, { guard: "unavailable", reason: `pod ${pod.name} has no label ${label} that could be taken off`, until: null });
  // A pod less is a pod less: the budgets do not ask by which way it goes.
  const wait = await desk.ask(pod, signal);
  return wait === null ? readyPod(pod) : heldPod(pod, wait);
}

async function makeRoom(cluster: Cluster, mark: string, keep: number, signal: AbortSignal): Promise<void> {
  const { pods } = await cluster.pods({ selector: `${QUARANTINED}=${mark}` }, signal).catch(notBegun);
  const kept = pods.filter(({ deletingAt }) => deletingAt === null).map(({ name }) => name);
  if (kept.length >= keep) throw new ActionError("REFUSED", `the quarantine is full: ${kept.slice(0, 10).join(", ")} of ${mark}; look at them and delete them`);
}

async function readMark(cluster: Cluster, { name, uid }: PodRef, { label }: Params, signal: AbortSignal): Promise<ReadBack> {
  try {
    const pod = await cluster.pod(name, signal);
    if (pod === null || pod.uid !== uid) return { kind: "unreadable", reason: `pod ${name} is gone, and its labels with it` };
    const landed = pod.labels[label] === undefined && pod.labels[QUARANTINED] !== undefined;
    return landed ? { kind: "landed", effect: { pod: name, uid, withoutLabel: label } } : { kind: "not_landed" };
  } catch (error) {
    return unreadable(error);
  }
}

function markOf({ workload }: Target): string {
  return workload.slice(0, MAX_VALUE_CHARS).replace(/[^A-Za-z0-9]+$/, "");
}

function read(params: Readonly<Record<string, unknown>>): Params {
  const result = schema.safeParse(params);
  if (!result.success) throw new ActionError("REFUSED", `params: ${result.error.issues[0]?.path.join(".") ?? ""} ${result.error.issues[0]?.message ?? "not valid"}`);
  return result.data;
}
