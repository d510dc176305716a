/** A living process that gave a buyer a good page a moment ago is not broken, whatever a check says. */
import { formatDuration } from "../time.ts";
import type { Guard } from "./guard.ts";
import { ALLOW, hold } from "./guard.ts";

export const evidence: Guard = {
  name: "evidence",
  ask: ({ proposal, scene }) => {
    const lastGoodAt = scene.evidence.get(proposal.target)?.lastGoodAt ?? null;
    if (proposal.gone || !proposal.destructive || lastGoodAt === null) return ALLOW;
    const until = lastGoodAt + scene.settings.evidence;
    return scene.now >= until ? ALLOW : hold("evidence", `the gateway saw a good page of ${proposal.target} within the last ${formatDuration(scene.settings.evidence)}`, until);
  },
};
