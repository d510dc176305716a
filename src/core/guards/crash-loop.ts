/**
 * A pod whose application the kubelet restarts again and again: what it tried counts as our own restarts would, since
 * another of the same does not mend it. A person is called for it, once, and it is left alone until they act on it or the
 * episode ends, however the kubelet's pauses grow meanwhile. Its siblings have restarts and calls of their own.
 */
import { podMark } from "../episode.ts";
import { restartsSince } from "../kubelet-restarts.ts";
import { formatDuration } from "../time.ts";
import type { Guard } from "./guard.ts";
import { ALLOW, episodeOf, hold } from "./guard.ts";

export const crashLoop: Guard = {
  name: "crash_loop",
  ask: (question) => {
    const { proposal, policy, scene } = question;
    if (policy.escalation === null) return ALLOW;
    const { afterFailed, within } = policy.escalation;
    const episode = episodeOf(question);
    const known = episode === undefined ? null : podMark(episode, proposal.target);
    if (known?.calledAt != null) return hold("crash_loop", "the kubelet has restarted it again and again, and a person was called: held until they act on it", null);
    // A person who acted on it gets the whole ladder again.
    const count = restartsSince(scene.evidence.get(proposal.target)?.restartedAt ?? [], known?.rearmedAt ?? Number.NEGATIVE_INFINITY, scene.now, within);
    return count < afterFailed ? ALLOW : { kind: "page", guard: "crash_loop", reason: `the kubelet has restarted it ${count} times within ${formatDuration(within)}` };
  },
};
