/**
 * One action per target at a time: what was done must be seen to help, or not, before
 * anything else is done. A process that exited after it was started needs no waiting:
 * that start has failed.
 */
import { formatDuration } from "../time.ts";
import type { Guard } from "./guard.ts";
import { ALLOW, hold } from "./guard.ts";

export const inFlight: Guard = {
  name: "in_flight",
  ask: ({ proposal, scene }) => {
    const open = scene.openActions.find((action) => action.target === proposal.target && !(proposal.gone && action.doneAt !== null && proposal.since > action.doneAt));
    if (open === undefined) return ALLOW;
    const state = open.doneAt === null ? "is being carried out" : `awaits verification for at most ${formatDuration(Math.max(0, open.until - scene.now))} more`;
    return hold("in_flight", `an action on ${proposal.target} ${state}`, open.until);
  },
};
