/** The regions as one daemon sees them: what the server, the command line and the status page show. JSON-safe. */
import type { SiteStatus } from "../status.ts";
import type { Instant } from "../time.ts";
import type { Parity } from "./fitness.ts";
import type { OutsideVerdict } from "./outside.ts";
import type { RegionName } from "./region.ts";
import type { Presence } from "./roll.ts";

export type RegionView = {
  readonly name: RegionName;
  /** Instances it needs before buyers are led there. */
  readonly floor: number;
  /** From outside, by this daemon's own looks, and since when. */
  readonly sees: OutsideVerdict;
  readonly since: Instant;
  /** Of the newest look; "" where it was answered. */
  readonly detail: string;
  /** Its own daemon's word; null: not heard. */
  readonly says: { readonly status: SiteStatus; readonly selling: boolean; readonly ready: number; readonly givesUp: string | null; readonly parity: Parity } | null;
};

export type RegionsView = {
  /** The region this daemon is of. */
  readonly here: RegionName;
  /** Where buyers are led; null: to several, or not known. */
  readonly leadsTo: RegionName | null;
  /** What stands at the provider, in one sentence; "" before it was read. */
  readonly standing: string;
  readonly epoch: number | null;
  /** No other failover before, unless a person acknowledges the last one; null: it may follow. */
  readonly blockedUntil: Instant | null;
  /** "cloudflare_dns", "cloudflare_pools", "route53". */
  readonly provider: string;
  /** Why decisions are only recorded; null: they are carried out. */
  readonly onlyRecords: string | null;
  /** The newest decision, in one sentence; "" before the first. */
  readonly decision: string;
  readonly entries: readonly { readonly name: string; readonly leadsTo: RegionName | null; readonly value: string }[];
  /** The preferred one first. */
  readonly regions: readonly RegionView[];
  /** Whom this daemon asks once a minute whether they could speak in an incident: other regions, then witnesses. */
  readonly observers: readonly Presence[];
};
