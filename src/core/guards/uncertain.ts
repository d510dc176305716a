/**
 * An action whose outcome nobody knows is never repeated, and neither is its like: until a
 * person has looked and acknowledged, the same cause is not answered again by the same policy.
 */
import type { Guard } from "./guard.ts";
import { ALLOW, episodeOf, hold } from "./guard.ts";

export const uncertain: Guard = {
  name: "uncertain",
  ask: (question) => {
    const { proposal } = question;
    const last = episodeOf(question)?.attempts.findLast((attempt) => attempt.policy === proposal.policy && attempt.phase === "uncertain");
    if (last === undefined) return ALLOW;
    // What can be seen to be gone may be started: whatever became of the last attempt, nothing runs.
    if (proposal.gone) return ALLOW;
    return hold("uncertain", `nobody knows what became of the last attempt on ${last.target}: held until a person acknowledges it`, null);
  },
};
