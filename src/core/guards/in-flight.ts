/**
 * One action per target at a time, and one at a time for one cause on a workload as a whole: what was done must be seen to help, or not, before
 * anything else is done. A process that exited after it was started needs no waiting:
 * that start has failed.
 */
import type { Proposal } from "../proposal.ts";
import type { Scene } from "../scene.ts";
import { formatDuration } from "../time.ts";
import type { Answer, Guard } from "./guard.ts";
import { ALLOW, hold } from "./guard.ts";

export const inFlight: Guard = {
  name: "in_flight",
  ask: ({ proposal, scene }) => {
    const open = scene.openActions.find((action) => action.target === proposal.target && !(proposal.gone && action.doneAt !== null && proposal.since > action.doneAt));
    if (open === undefined) return ofTheWhole(proposal, scene);
    const state = open.doneAt === null ? "is being carried out" : `awaits verification for at most ${formatDuration(Math.max(0, open.until - scene.now))} more`;
    return hold("in_flight", `an action on ${proposal.target} ${state}`, open.until);
  },
};

/** A rollout or another size is for every pod of the workload: not while a pod of it is dealt with for the same cause. */
function ofTheWhole({ precondition, workload, cause }: Proposal, { openActions }: Scene): Answer {
  if (precondition.kind !== "size" && precondition.kind !== "generation") return ALLOW;
  const open = openActions.find((action) => action.workload === workload && action.cause === cause);
  return open === undefined ? ALLOW : hold("in_flight", `an action on ${open.target} for the same cause is under way`, open.until);
}
