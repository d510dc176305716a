/**
 * A check that goes to and fro is not fixed by restarting: actions are frozen until it
 * is steady. A crash loop is not flapping, so a process that is gone is not held.
 */
import { lookKey } from "../target.ts";
import type { Guard } from "./guard.ts";
import { ALLOW, hold } from "./guard.ts";

export const flapping: Guard = {
  name: "flapping",
  ask: ({ proposal, scene }) => {
    if (proposal.gone) return ALLOW;
    const check = proposal.evidence.find((name) => scene.flapping.has(lookKey(name, proposal.target)));
    return check === undefined ? ALLOW : hold("flapping", `${check} is flapping at ${proposal.target}: actions are frozen until it is steady`, null);
  },
};
