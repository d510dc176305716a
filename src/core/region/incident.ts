/**
 * One trouble of the region that buyers are led to, from the first look that failed until it is well or left.
 *
 * What is judged "as of the incident's start", and how long observers have agreed or been contradicted, is kept here. It
 * is stored as lengths of time, so that another daemon, with another clock, goes on from it.
 */
import type { Instant } from "../time.ts";
import type { Parity } from "./fitness.ts";
import { isTroubled, troubleSince, type OutsideView } from "./outside.ts";
import type { RegionName } from "./region.ts";

export type RegionIncident = {
  readonly about: RegionName;
  readonly since: Instant;
  /** Of this region, when the incident began. */
  readonly parity: Parity;
  /** Since when enough observers have agreed without a break; null: they do not. */
  readonly agreedSince: Instant | null;
  /** Since when its healthy daemon has contradicted them; null: it does not. */
  readonly disputedSince: Instant | null;
};

/**
 * Opens, keeps or closes the incident by what is seen of the region in question.
 *
 * @param about the region that buyers are led to; null: not known, and the incident stays as it is.
 * @param me an own region's trouble is others' to judge.
 */
export function followIncident(incident: RegionIncident | null, about: RegionName | null, me: RegionName, view: OutsideView, parity: Parity, now: Instant): RegionIncident | null {
  if (about === null) return incident;
  if (about === me) return null;
  const same = incident !== null && incident.about === about ? incident : null;
  if (isTroubled(view)) return same ?? { about, since: Math.min(troubleSince(view), now), parity, agreedSince: null, disputedSince: null };
  // What cannot be seen is not over.
  return view.blind || view.verdict === "unknown" ? same : null;
}

/** Takes in whether the observers agree against the region, and whether its daemon contradicts them. */
export function followAgreement(incident: RegionIncident, agreed: boolean, disputed: boolean, now: Instant): RegionIncident {
  return {
    ...incident,
    agreedSince: agreed ? (incident.agreedSince ?? now) : null,
    disputedSince: agreed && disputed ? (incident.disputedSince ?? now) : null,
  };
}
