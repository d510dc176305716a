/** After a shared cause nothing living is restarted until it was calm long enough: those that recover last must not be shot. */
import { formatDuration } from "../time.ts";
import type { Guard } from "./guard.ts";
import { ALLOW, hold } from "./guard.ts";

export const storm: Guard = {
  name: "storm",
  ask: ({ proposal, scene }) => {
    if (proposal.gone || !proposal.destructive) return ALLOW;
    const active = scene.storms.filter((one) => one.workload === proposal.workload && scene.now < one.lastSeenAt + scene.settings.stormCalm);
    const last = active.toSorted((a, b) => b.lastSeenAt - a.lastSeenAt)[0];
    if (last === undefined) return ALLOW;
    return hold("storm", `${last.check} failed on many targets of ${last.workload}: no restarts before ${formatDuration(scene.settings.stormCalm)} of calm`, last.lastSeenAt + scene.settings.stormCalm);
  },
};
