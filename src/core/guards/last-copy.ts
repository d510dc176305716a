/** While the Storefront API cannot be reached, a living target that holds copies is what still serves buyers: it is not restarted. */
import type { Guard } from "./guard.ts";
import { ALLOW, hold } from "./guard.ts";

export const lastCopy: Guard = {
  name: "last_copy",
  ask: ({ proposal, scene }) => {
    const copies = scene.evidence.get(proposal.target)?.copies ?? 0;
    if (proposal.gone || !proposal.destructive || copies === 0) return ALLOW;
    const breaker = scene.breakers.find((one) => one.name === "egress:storefront");
    if (breaker === undefined || breaker.effective === "closed") return ALLOW;
    return hold("last_copy", `the Storefront API breaker is ${breaker.effective} and ${proposal.target} holds ${copies} copies`, breaker.hold?.until ?? null);
  },
};
