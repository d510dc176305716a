/**
 * Every check that speaks for the action depends on something that is unhealthy, which
 * explains its failing. Only declared dependencies count: Redis being down freezes
 * nothing that does not need it. A process that is gone is explained by no dependency.
 */
import { unhealthyDependency } from "../status.ts";
import { specOf } from "../scene.ts";
import type { Guard } from "./guard.ts";
import { ALLOW, hold } from "./guard.ts";

export const suppressed: Guard = {
  name: "suppressed",
  ask: ({ proposal, scene }) => {
    if (proposal.gone || proposal.evidence.length === 0) return ALLOW;
    const byName = new Map(scene.specs.map((spec) => [spec.name, spec]));
    let explained = "";
    for (const check of proposal.evidence) {
      const spec = specOf(scene, check);
      const cause = spec === undefined ? null : unhealthyDependency(spec, proposal.target, byName, scene.checks);
      if (cause === null) return ALLOW;
      explained = `${check} depends on ${cause}, which is unhealthy`;
    }
    return hold("suppressed", explained, null);
  },
};
