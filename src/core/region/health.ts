/** Regions as triggers know them: `region NAME is unhealthy`. */
import type { RegionHealth } from "../scene.ts";
import type { Instant } from "../time.ts";
import { verdictOf, verdictSince, type OutsideVerdict, type OutsideView } from "./outside.ts";
import type { RegionName, RegionPlan } from "./region.ts";

/**
 * By this place's own looks from outside; under the region's own name, and the first two also as `primary` and `secondary`.
 *
 * @param views of a region that nobody has looked at yet, none.
 */
export function regionHealths(plan: RegionPlan, views: ReadonlyMap<RegionName, OutsideView>, now: Instant): ReadonlyMap<string, RegionHealth> {
  const named = plan.regions.flatMap(({ name }, rank) => {
    const view = views.get(name);
    if (view === undefined) return [];
    const health: RegionHealth = { health: HEALTH[verdictOf(view, now, plan.rules)], since: verdictSince(view) };
    const role = REGION_ROLES[rank];
    return [[name, health] as const, ...(role === undefined ? [] : [[role, health] as const])];
  });
  return new Map(named);
}

/** What triggers call the first two regions. */
export const REGION_ROLES: readonly string[] = ["primary", "secondary"];

/** Copies cannot sell. */
const HEALTH: Readonly<Record<OutsideVerdict, RegionHealth["health"]>> = { up: "healthy", down: "unhealthy", "copies-only": "unhealthy", unknown: "unknown" };
