/**
 * One trouble of the region that buyers are led to, from the first look that failed until it is well or left.
 *
 * What is judged "as of the incident's start", and for how long this region could have taken over, is kept here. It is
 * stored as lengths of time, so that another daemon, with another clock, goes on from it.
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
  /** Since when nothing but a more preferred region stands before this one without a break; null: something else does. */
  readonly readySince: Instant | null;
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
  if (isTroubled(view)) return same ?? { about, since: Math.min(troubleSince(view), now), parity, readySince: null };
  // What cannot be seen is not over.
  return view.blind || view.verdict === "unknown" ? same : null;
}

/** Takes in whether this region could take over now, but for those that are preferred to it. */
export function followReadiness(incident: RegionIncident, ready: boolean, now: Instant): RegionIncident {
  const readySince = ready ? (incident.readySince ?? now) : null;
  return readySince === incident.readySince ? incident : { ...incident, readySince };
}
