/** At most a fifth of a workload in recovery, and always at least one target; computed as it would be after the action. */
import { recoveryShare } from "../fleet.ts";
import type { Guard } from "./guard.ts";
import { ALLOW, hold } from "./guard.ts";

export const blastRadius: Guard = {
  name: "blast_radius",
  ask: ({ proposal, scene }) => {
    if (proposal.gone || !proposal.destructive) return ALLOW;
    const open = scene.openActions.filter((action) => action.workload === proposal.workload);
    const after = new Set([...open.map((action) => action.target), proposal.target]);
    const { total } = recoveryShare(proposal.workload, scene.targets, after);
    const most = Math.max(1, Math.floor(total * scene.settings.blastRadius));
    if (after.size <= most) return ALLOW;
    return hold("blast_radius", `${after.size} of ${total} targets of ${proposal.workload} would be in recovery, at most ${most} may be`, Math.min(...open.map((action) => action.until)));
  },
};
