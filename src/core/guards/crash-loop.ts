/**
 * A pod whose application the kubelet restarts again and again: what it tried counts as our own restarts would, since
 * another of the same does not mend it. A person is called, once per episode, and this pod is left alone until they act.
 * Its siblings have restarts of their own, and are not held for it.
 */
import { restartsSince } from "../kubelet-restarts.ts";
import { formatDuration } from "../time.ts";
import type { Guard } from "./guard.ts";
import { ALLOW, callOnce, episodeOf } from "./guard.ts";

export const crashLoop: Guard = {
  name: "crash_loop",
  ask: (question) => {
    const { proposal, policy, scene } = question;
    if (policy.escalation === null) return ALLOW;
    const { afterFailed, within } = policy.escalation;
    const restartedAt = scene.evidence.get(proposal.target)?.restartedAt ?? [];
    // A person who acted gets the whole ladder again.
    const count = restartsSince(restartedAt, episodeOf(question)?.rearmedAt ?? Number.NEGATIVE_INFINITY, scene.now, within);
    return count < afterFailed ? ALLOW : callOnce("crash_loop", `the kubelet has restarted it ${count} times within ${formatDuration(within)}`, [proposal.target], question);
  },
};
