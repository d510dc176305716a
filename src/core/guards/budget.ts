/** At most so many actions a minute for the whole site, whatever the policies say. */
import type { Guard } from "./guard.ts";
import { ALLOW, hold } from "./guard.ts";

const MINUTE = 60_000;

export const budget: Guard = {
  name: "budget",
  ask: ({ scene }) => {
    const recent = scene.actions.filter((action) => action.at > scene.now - MINUTE && action.phase !== "refused");
    const oldest = recent.at(-scene.actionsPerMinute);
    if (oldest === undefined || scene.actionsPerMinute < 1) return scene.actionsPerMinute < 1 ? hold("budget", "no actions are allowed", null) : ALLOW;
    return hold("budget", `${recent.length} actions within the last minute, at most ${scene.actionsPerMinute} are allowed`, oldest.at + MINUTE);
  },
};
