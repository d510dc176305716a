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

/** What makes a plan impossible: which part of it, what is wrong, and what would be right. */
export type RegionFlaw = { readonly about: "regions" | "witnesses" | keyof RegionRules; readonly text: string; readonly expected: string };

/** Why this plan can never work, or would act on too little; empty: it can. */
export function flawsOfRegions(plan: RegionPlan): readonly RegionFlaw[] {
  const { regions, witnesses, rules } = plan;
  const names = [...regions.map((one) => one.name), ...witnesses];
  const flaws: RegionFlaw[] = [];
  if (regions.length < 2 || regions.length > MAX_REGIONS) flaws.push({ about: "regions", text: `there must be 2 to ${MAX_REGIONS} regions`, expected: `2 to ${MAX_REGIONS} of them, the preferred one first` });
  if (witnesses.length > MAX_WITNESSES) flaws.push({ about: "witnesses", text: `there may be at most ${MAX_WITNESSES} witnesses`, expected: `at most ${MAX_WITNESSES}` });
  if (new Set(names).size < names.length) flaws.push({ about: "witnesses", text: "regions and witnesses must have names of their own", expected: "each name once" });
  if (regions.some((one) => !(one.floor >= 1))) flaws.push({ about: "regions", text: "a region's floor must be at least 1 pod", expected: "floor: 1 or more" });
  return [...flaws, ...(regions.length < 2 ? [] : flawsOfQuorum(plan)), ...flawsOfTimes(rules)];
}

/** A region's word on itself is no vote, so the others must be enough. */
function flawsOfQuorum({ regions, witnesses, rules: { quorum } }: RegionPlan): readonly RegionFlaw[] {
  if (!(quorum >= 2)) return [{ about: "quorum", text: "quorum must be at least 2: one observer's view is never enough", expected: "2 or more" }];
  const observers = regions.length - 1 + witnesses.length;
  if (observers >= quorum) return [];
  const watched = observers === 1 ? "1 observer watches it" : `${observers} observers watch it`;
  return [{ about: "quorum", text: `quorum ${quorum} would need the preferred region's own vote: ${watched} from outside`, expected: observers < 2 ? "a witness more, or a third region" : `at most ${observers}, or a witness more` }];
}

function flawsOfTimes({ lookDeadline, lookEvery, fall, rise, tryFor, block }: RegionRules): readonly RegionFlaw[] {
  const flaws: RegionFlaw[] = [];
  const shown = formatDuration;
  if (!(fall >= 1)) flaws.push({ about: "fall", text: "fall must be at least 1", expected: "1 or more" });
  if (!(rise >= 1)) flaws.push({ about: "rise", text: "rise must be at least 1", expected: "1 or more" });
  if (!(lookDeadline > 0 && lookDeadline < lookEvery)) flaws.push({ about: "lookDeadline", text: `a look that may take ${shown(lookDeadline)} would meet the next one, ${shown(lookEvery)} after it`, expected: `less than ${shown(lookEvery)}, the time between two looks` });
  if (!(tryFor > 0 && tryFor <= 60_000)) flaws.push({ about: "tryFor", text: `tries at the provider must end within the minute, not ${shown(tryFor)}`, expected: "at most 1m" });
  if (!(block > tryFor)) flaws.push({ about: "block", text: "the block between flips must be longer than the tries of one", expected: `more than ${shown(tryFor)}` });
  return flaws;
}
