/**
 * The nouns: regions in an order of preference, who watches them from outside, and the times of the rules.
 */
import { formatDuration, type Ms } from "../time.ts";

/** Short enough for a mark; unique in a site. */
export type RegionName = string;

/** Regions of one site. */
export const MAX_REGIONS = 8;
export const MAX_WITNESSES = 8;

export type RegionSpec = {
  readonly name: RegionName;
  /** Pods that must be ready before buyers are led here; at least 1. */
  readonly floor: number;
};

export type RegionRules = {
  /** Observers that must agree, the asker's own view among them; at least 2. */
  readonly quorum: number;
  /** Failed looks in a row that make a region down, and answered ones that make it up again. */
  readonly fall: number;
  readonly rise: number;
  /** Pause between two looks, and the time that one may take. */
  readonly lookEvery: Ms;
  readonly lookDeadline: Ms;
  /** A region that answers with copies alone for this long is left. */
  readonly copiesFor: Ms;
  /** A healthy primary's veto and the observers may differ for this long before a person is called. */
  readonly disagreeFor: Ms;
  /** A more preferred region that says nothing has this long to take over itself. */
  readonly yieldFor: Ms;
  /** Between two flips. */
  readonly block: Ms;
  /** null: only a person leads buyers back. */
  readonly failbackAfter: Ms | null;
  /** From the first try at the provider: within this time it is tried again. */
  readonly tryFor: Ms;
  /** Repairs in an hour; beyond it somebody else insists, and a person decides. */
  readonly repairs: number;
};

export const DEFAULT_REGION_RULES: RegionRules = {
  quorum: 2,
  fall: 3,
  rise: 2,
  lookEvery: 2_000,
  lookDeadline: 1_000,
  copiesFor: 60_000,
  disagreeFor: 60_000,
  yieldFor: 10_000,
  block: 3_600_000,
  failbackAfter: 900_000,
  tryFor: 30_000,
  repairs: 3,
};

export type RegionPlan = {
  readonly site: string;
  /** The most preferred one first; 2 to MAX_REGIONS. */
  readonly regions: readonly RegionSpec[];
  /** Observers outside every region; their names are no region's. */
  readonly witnesses: readonly string[];
  readonly rules: RegionRules;
};

/** Place in the order of preference, 0 the most preferred; -1: no region of ours. */
export function rankOf(plan: RegionPlan, region: RegionName): number {
  return plan.regions.findIndex((one) => one.name === region);
}

export function specOf(plan: RegionPlan, region: RegionName): RegionSpec | undefined {
  return plan.regions.find((one) => one.name === region);
}

/** Regions preferred to this one, the most preferred first. */
export function preferredTo(plan: RegionPlan, region: RegionName): readonly RegionName[] {
  return plan.regions.slice(0, Math.max(0, rankOf(plan, region))).map((one) => one.name);
}

/** Who may vote on a region: every other region, by its own view, and the witnesses. A region's word on itself is no vote. */
export function observersOf(plan: RegionPlan, about: RegionName): readonly string[] {
  return [...plan.regions.filter((one) => one.name !== about).map((one) => one.name), ...plan.witnesses];
}

/** Why this plan can never work, or would act on too little; null: it can. */
export function flawOfRegions(plan: RegionPlan): string | null {
  const { regions, witnesses, rules } = plan;
  const names = [...regions.map((one) => one.name), ...witnesses];
  if (regions.length < 2 || regions.length > MAX_REGIONS) return `there must be 2 to ${MAX_REGIONS} regions`;
  if (witnesses.length > MAX_WITNESSES) return `there may be at most ${MAX_WITNESSES} witnesses`;
  if (new Set(names).size < names.length) return "regions and witnesses must have names of their own";
  if (regions.some((one) => !(one.floor >= 1))) return "a region's floor must be at least 1 pod";
  if (!(rules.quorum >= 2)) return "quorum must be at least 2: one observer's view is never enough";
  const observers = regions.length - 1 + witnesses.length;
  if (observers < rules.quorum) return `quorum ${rules.quorum} would need the primary's own vote: ${observers} watch it from outside; add a witness`;
  return flawOfTimes(rules);
}

function flawOfTimes({ lookDeadline, lookEvery, fall, rise, tryFor, block }: RegionRules): string | null {
  if (!(fall >= 1) || !(rise >= 1)) return "fall and rise must be at least 1";
  if (!(lookDeadline > 0 && lookDeadline < lookEvery)) return "a look's deadline must be below the pause between looks: else it would meet the next one";
  if (!(tryFor > 0 && tryFor <= 60_000)) return `tries at the provider must end within the minute, not ${formatDuration(tryFor)}`;
  if (!(block > tryFor)) return "the block between flips must be longer than the tries of one";
  return null;
}
