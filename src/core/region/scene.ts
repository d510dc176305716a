/**
 * Everything a decision on regions is made of: one daemon's knowledge at one instant, as a value.
 */
import type { Instant } from "../time.ts";
import type { OwnState } from "./fitness.ts";
import type { RegionIncident } from "./incident.ts";
import type { OutsideVerdict, OutsideView } from "./outside.ts";
import { copiesFor, initialOutside, verdictOf } from "./outside.ts";
import type { HoldReason } from "./reason.ts";
import type { RegionName, RegionPlan } from "./region.ts";
import type { Heard } from "./report.ts";
import type { MarkMemory, Standing } from "./standing.ts";
import type { Tries } from "./tries.ts";
import { countVotes, findingOf, type Ballot, type Finding, type Tally, type Vote } from "./vote.ts";
import { gaveUp } from "./report.ts";

/** A person's command. */
export type ManualOrder = { readonly id: string; readonly to: RegionName; readonly by: string };

export type RegionScene = {
  readonly now: Instant;
  readonly plan: RegionPlan;
  readonly me: RegionName;
  /** This daemon leads its region, and renewed that a moment ago. */
  readonly leads: boolean;
  readonly standing: Standing;
  readonly memory: MarkMemory | null;
  /** The epoch up to which a person has lifted the block; 0: none. */
  readonly acknowledged: number;
  /** An act whose outcome is not known yet. */
  readonly unsettled: string | null;
  readonly tries: Tries;
  /** When repairs of the last hour were made. */
  readonly repairedAt: readonly Instant[];
  /** Own views from outside, of every region, the own one too. */
  readonly views: ReadonlyMap<RegionName, OutsideView>;
  readonly heard: ReadonlyMap<RegionName, Heard>;
  readonly ballot: Ballot | null;
  readonly votes: readonly Vote[];
  readonly own: OwnState;
  /** Since when the own application and Storefront API checks have been healthy without a break; null: they are not. */
  readonly sellingSince: Instant | null;
  /** Since when this region has been fit in every respect; null: it is not. */
  readonly fitSince: Instant | null;
  readonly incident: RegionIncident | null;
  readonly order: ManualOrder | null;
};

export const FLIP_CAUSES = ["down", "copies-only", "failback", "manual"] as const;
export type FlipCause = (typeof FLIP_CAUSES)[number];

export type RegionDecision =
  /** Nothing is wrong that this daemon could mend. */
  | { readonly kind: "stay"; readonly why: string }
  | {
      readonly kind: "flip";
      readonly to: RegionName;
      readonly from: RegionName | null;
      readonly epoch: number;
      readonly cause: FlipCause;
      /** Observers that agree; empty for a person's command. */
      readonly by: readonly string[];
      readonly warns: readonly string[];
      /** "shopkeeper", or the person. */
      readonly who: string;
    }
  /** Own marks are put back over a late write, or a flip that reached only a part of the entries is completed. */
  | { readonly kind: "repair"; readonly to: RegionName; readonly epoch: number; readonly over: readonly string[] }
  | { readonly kind: "hold"; readonly about: "takeover" | "failback" | "repair" | "order" | "records"; readonly reasons: readonly HoldReason[] };

export function viewOf({ views, now }: RegionScene, region: RegionName): OutsideView {
  return views.get(region) ?? initialOutside(now);
}

/** What this daemon itself sees of a region. */
export function sees(scene: RegionScene, region: RegionName): OutsideVerdict {
  return verdictOf(viewOf(scene, region), scene.now, scene.plan.rules);
}

export function tallyOf(scene: RegionScene, about: RegionName): Tally {
  const own = { observer: scene.me, says: sees(scene, about), copiesForMs: copiesFor(viewOf(scene, about), scene.now) };
  return countVotes(scene.plan, about, scene.ballot, own, scene.votes, scene.now);
}

export function findingOn(scene: RegionScene, about: RegionName): Finding {
  return findingOf(tallyOf(scene, about), scene.plan.rules.quorum, gaveUp(scene.heard.get(about) ?? null) !== null);
}

/** Where buyers are led now, as far as it is known; null: not. */
export function ledTo({ standing }: RegionScene): RegionName | null {
  return standing.kind === "ours" ? (standing.leadsTo ?? standing.right.region) : null;
}
