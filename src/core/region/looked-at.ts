/** Whether somebody still has to look at what this region did: a failover, or a late write that it pushed aside. */
import type { Instant } from "../time.ts";
import type { RegionName, RegionPlan } from "./region.ts";
import type { MarkMemory, Standing } from "./standing.ts";

/**
 * @param acknowledged the epoch up to which a person has looked.
 * @returns why nobody needs to any more; null: somebody does.
 */
export function lookedAt(plan: RegionPlan, me: RegionName, standing: Standing, memory: MarkMemory | null, acknowledged: number, now: Instant): string | null {
  if (memory === null || standing.kind !== "ours" || !standing.whole || standing.leadsTo === null) return null;
  if (standing.leadsTo !== me) return `buyers are led to ${standing.leadsTo} now`;
  if (acknowledged >= memory.epoch) return "a person has looked";
  // From where they are to be, nobody leads them back.
  return plan.regions[0]?.name === me && now - memory.since >= plan.rules.block ? `${me} is the preferred region, and has been led to since` : null;
}
