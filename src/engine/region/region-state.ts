/** What the leader of a region knows and must not forget, as a value; see region-book.ts for how it is kept. */
import type { RegionIncident } from "../../core/region/incident.ts";
import type { RegionName } from "../../core/region/region.ts";
import type { MarkMemory } from "../../core/region/standing.ts";
import type { Instant } from "../../core/time.ts";

/**
 * An act on the records, from before its first write until its outcome is known. `repair`: over a late write; `complete`: over
 * entries that a flip of this region has not reached yet.
 */
export type RegionIntent = {
  readonly id: string;
  readonly kind: "flip" | "repair" | "complete";
  readonly to: RegionName;
  readonly from: RegionName | null;
  readonly epoch: number;
  readonly cause: string;
  readonly who: string;
};

export type RegionState = {
  readonly memory: MarkMemory | null;
  /** The epoch up to which a person lifted the block; 0: none. */
  readonly acknowledged: number;
  readonly incident: RegionIncident | null;
  readonly repairedAt: readonly Instant[];
  readonly intent: RegionIntent | null;
  /** Alerts that fire, by their reason, with the incident's start that their key was made of. */
  readonly firing: Readonly<Record<string, Instant>>;
};

export const EMPTY_REGION_STATE: RegionState = { memory: null, acknowledged: 0, incident: null, repairedAt: [], intent: null, firing: {} };
