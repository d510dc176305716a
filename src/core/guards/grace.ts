/** Start-up grace: a target that has just been started may fail for a while. One that exited again needs no grace. */
import type { Guard } from "./guard.ts";
import { ALLOW, hold } from "./guard.ts";

export const grace: Guard = {
  name: "grace",
  ask: ({ proposal, scene }) => {
    const startedAt = scene.startedAt.get(proposal.target);
    if (proposal.gone || !proposal.destructive || startedAt === undefined) return ALLOW;
    const until = startedAt + (scene.startupGrace.get(proposal.target) ?? 0);
    return scene.now >= until ? ALLOW : hold("grace", `${proposal.target} was started a moment ago`, until);
  },
};
