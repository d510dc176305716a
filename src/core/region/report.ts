/**
 * What a region's daemon says of its own region (`/health/region`), and when its word stops a failover.
 *
 * A daemon that is reachable and reports healthy may know better than those who look from outside: a veto. But it can be
 * wrong about what buyers meet, so its word counts only while its own public path passes its own probe from outside. It
 * is bounded: after a minute of disagreement a person is called. To override is that person's command, never ours.
 */
import type { Instant } from "../time.ts";
import type { OwnState } from "./fitness.ts";
import type { OutsideVerdict } from "./outside.ts";
import type { RegionName } from "./region.ts";

export type RegionReport = OwnState & {
  readonly region: RegionName;
  /** What its own probe sees of its own public path. */
  readonly outside: OutsideVerdict;
  /** The mark it takes for the right one, and for how long it has seen it stand, by its own clock; null: it has read none. */
  readonly mark: { readonly region: RegionName; readonly epoch: number; readonly seenForMs: number } | null;
};

/** A report as it was heard; null: no answer to the newest question. */
export type Heard = { readonly report: RegionReport; readonly at: Instant } | null;

export function vetoes(heard: Heard): boolean {
  return heard !== null && heard.report.status === "healthy" && heard.report.outside === "up" && heard.report.givesUp === null;
}

/** The marks that others take for the right one. */
export function toldMarks(heard: ReadonlyMap<RegionName, Heard>): readonly NonNullable<RegionReport["mark"]>[] {
  return [...heard.values()].flatMap((one) => (one?.report.mark == null ? [] : [one.report.mark]));
}

/** Why it gives itself up; null: it does not, or was not heard. */
export function gaveUp(heard: Heard): string | null {
  return heard?.report.givesUp ?? null;
}
