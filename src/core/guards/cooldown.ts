/**
 * Cool-down per workload and cause: replaced pods come back with new names, so it
 * never counts by target. After orchestrator: until the time is over or a person
 * acknowledges. Starting an exited process has its back-off instead.
 */
import type { Ms } from "../time.ts";
import { formatDuration } from "../time.ts";
import type { Guard } from "./guard.ts";
import { ALLOW, hold } from "./guard.ts";

/** What was refused did nothing, but asking again at once would only be refused again. */
const REFUSED_WAIT_MS: Ms = 10_000;

export const cooldown: Guard = {
  name: "cooldown",
  ask: ({ proposal, policy, scene }) => {
    if (proposal.gone) return ALLOW;
    const acknowledgedAt = Math.max(-Infinity, ...scene.acknowledgements.filter((ack) => ack.workload === proposal.workload).map((ack) => ack.at));
    const last = scene.actions.findLast((action) => action.workload === proposal.workload && action.cause === proposal.cause && action.policy === proposal.policy);
    if (last === undefined || last.at <= acknowledgedAt) return ALLOW;
    const wait = last.phase === "refused" ? Math.min(REFUSED_WAIT_MS, policy.cooldown) : policy.cooldown;
    const until = (last.doneAt ?? last.at) + wait;
    return scene.now >= until ? ALLOW : hold("cooldown", `cool-down of ${formatDuration(wait)} after the last action on ${proposal.workload} for ${proposal.cause}`, until);
  },
};
