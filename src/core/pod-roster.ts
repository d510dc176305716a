/**
 * Which pods are watched, and as what.
 *
 * A pod is watched from when it was ready once, or from when it has had its start-up time and was not; until then it
 * is starting, and nothing it does is a fault. It is watched until it is told to go, or until its Service no longer
 * has it (a label taken off): from then on another one stands in its place.
 */
import type { CheckSpec } from "./check.ts";
import type { Endpoint, Pod } from "./cluster.ts";
import { seeRestarts, type RestartsSeen } from "./kubelet-restarts.ts";
import type { Roster } from "./roster.ts";
import type { Target, TargetId } from "./target.ts";
import type { Instant, Ms } from "./time.ts";

/** A configured target that is the pods of a Service. */
export type PodGroup = {
  /** The configured name; also the id of the workload as a target. */
  readonly id: TargetId;
  readonly workload: string;
  readonly region?: string;
  readonly service: string;
  readonly startupGrace: Ms;
};

export type PodMember = {
  readonly target: Target;
  readonly pod: Pod;
  readonly ip: string;
  /** When it began, as far as is known: seen to come up by our own clock, else by its node's. */
  readonly bornAt: Instant;
  /** When the kubelet was seen to restart its application, oldest first. */
  readonly restartedAt: readonly Instant[];
};

/** What is remembered of a pod, by uid. */
export type PodSighting = { readonly firstSeenAt: Instant; readonly joined: boolean; readonly restarts: RestartsSeen };
/** Null: nobody has looked yet, so what is there may be old. */
export type PodSightings = ReadonlyMap<string, PodSighting> | null;

export type Muster = {
  readonly members: readonly PodMember[];
  /** Of this group's pods, and no others. */
  readonly sightings: NonNullable<PodSightings>;
  /** When a pod that is starting will have had its time; null: none is. */
  readonly nextAt: Instant | null;
};

/** @param before what the last muster of this group remembered. */
export function musterPods(group: PodGroup, pods: readonly Pod[], endpoints: readonly Endpoint[], before: PodSightings, now: Instant): Muster {
  const behind = new Set(endpoints.flatMap(({ pod }) => (pod === null ? [] : [pod.uid])));
  const sightings = new Map<string, PodSighting>();
  const members: PodMember[] = [];
  let nextAt: Instant | null = null;
  for (const pod of pods) {
    if (!behind.has(pod.uid) || pod.deletingAt !== null) continue;
    const firstSeenAt = before?.get(pod.uid)?.firstSeenAt ?? (before === null ? Math.min(now, pod.startedAt ?? now) : now);
    const due = firstSeenAt + group.startupGrace;
    const joined = before?.get(pod.uid)?.joined === true || pod.ready || now >= due;
    const restarts = seeRestarts(before?.get(pod.uid)?.restarts, pod, now);
    sightings.set(pod.uid, { firstSeenAt, joined, restarts });
    if (!joined) nextAt = Math.min(nextAt ?? due, due);
    if (joined && pod.ip !== null && pod.phase === "Running") members.push({ target: targetOf(group, pod), pod, ip: pod.ip, bornAt: firstSeenAt, restartedAt: restarts.at });
  }
  return { members, sightings, nextAt };
}

export function podTargetId(name: string): TargetId {
  return `pod/${name}`;
}

function targetOf({ workload, region }: PodGroup, { name, zone }: Pod): Target {
  return { id: podTargetId(name), kind: "pod", workload, ...(zone === null ? {} : { zone }), ...(region === undefined ? {} : { region }) };
}

/**
 * The configured roster with pods in the place of the workloads they make up.
 *
 * @param ofWhole checks that look at a workload as a whole: these keep it as their target.
 */
export function withPods(configured: Roster, groups: readonly (readonly [PodGroup, readonly PodMember[]])[], ofWhole: ReadonlySet<string>): Roster {
  const pods = new Map(groups.map(([group, members]) => [group.id, members.map(({ target }) => target)]));
  const checks = configured.checks.map((check): CheckSpec => (ofWhole.has(check.name) ? check : { ...check, targets: check.targets.flatMap((id) => pods.get(id)?.map((pod) => pod.id) ?? [id]) }));
  const graces = groups.flatMap(([{ startupGrace }, members]) => members.map(({ target }) => [target.id, startupGrace] as const));
  return {
    // A workload is named as the cluster names it, by which its pods call it too.
    targets: configured.targets.flatMap((target) => [target, ...(pods.get(target.id) ?? [])]),
    checks,
    startupGrace: new Map([...configured.startupGrace, ...graces]),
  };
}
