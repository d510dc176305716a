/** Maintenance windows that a policy obeys: nothing destructive within them. */
import { windowRemaining } from "../local-time.ts";
import type { Guard } from "./guard.ts";
import { ALLOW, hold } from "./guard.ts";

export const window: Guard = {
  name: "window",
  ask: ({ proposal, policy, scene }) => {
    if (!proposal.destructive) return ALLOW;
    let name = "";
    let longest = 0;
    for (const one of policy.windows) {
      const remaining = windowRemaining(one, scene.wall) ?? 0;
      if (remaining > longest) [name, longest] = [one.name, remaining];
    }
    return longest === 0 ? ALLOW : hold("window", `maintenance window ${name}`, scene.now + longest);
  },
};
