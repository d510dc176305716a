/**
 * Two hands on one pod: a pod that refuses, hangs or has exited is restarted by the kubelet's
 * liveness probe, which is closer and faster, and leaves the pod its place. It is replaced only
 * when that has had its time. Of wrong answers the kubelet knows nothing, so they do not wait.
 */
import type { FailCause, Observation } from "../observation.ts";
import { targetIn } from "../roster-index.ts";
import type { Scene } from "../scene.ts";
import { specOf } from "../scene.ts";
import type { TargetId } from "../target.ts";
import { lookKey } from "../target.ts";
import type { Instant } from "../time.ts";
import { formatDuration } from "../time.ts";
import type { Guard } from "./guard.ts";
import { ALLOW, hold } from "./guard.ts";

const SILENT: readonly FailCause[] = ["refused", "timeout", "exited"];
/** What takes one pod; a rollout or another size is no second hand on it. */
const OF_ONE_POD: readonly string[] = ["restart_pod", "quarantine_pod"];

export const kubelet: Guard = {
  name: "kubelet",
  ask: ({ proposal, scene }) => {
    if (!OF_ONE_POD.includes(proposal.remedy) || targetIn(scene.targets, proposal.target)?.kind !== "pod") return ALLOW;
    const newest = newestFailure(proposal.evidence, proposal.target, scene);
    if (newest === null || !SILENT.includes(newest.seen.cause) || isOutOfReach(newest, scene)) return ALLOW;
    const until = newest.runSince + scene.settings.kubelet;
    return scene.now >= until ? ALLOW : hold("kubelet", `${newest.check} at ${proposal.target}: ${newest.seen.cause}; the kubelet has ${formatDuration(scene.settings.kubelet)} to restart it`, until);
  },
};

/** Not even its sidecar answers, and nothing refuses: the kubelet beside it may be as far away. */
function isOutOfReach({ check, seen }: Failure, scene: Scene): boolean {
  return seen.cause === "timeout" && specOf(scene, check)?.by === "sidecar";
}

type Failure = { readonly check: string; readonly seen: Extract<Observation, { readonly kind: "fail" }>; readonly runSince: Instant };

function newestFailure(checks: readonly string[], target: TargetId, scene: Scene): Failure | null {
  let newest: Failure | null = null;
  for (const check of checks) {
    const state = scene.checks.get(lookKey(check, target));
    const seen = state?.lastEvidence;
    if (state === undefined || seen?.kind !== "fail") continue;
    if (newest === null || seen.at > newest.seen.at) newest = { check, seen, runSince: state.failing.since };
  }
  return newest;
}
