/**
 * How one observer looks at the regions, and asks others what they see.
 *
 * Always by a region's own public origin and its own daemon, never by the name that flips. Nothing here rejects: what
 * could not be learned is a value. Deadlines are the caller's, by the signal.
 */
import type { OutsideSight } from "../core/region/outside.ts";
import type { RegionName } from "../core/region/region.ts";
import type { RegionReport } from "../core/region/report.ts";
import type { Ballot, Reply } from "../core/region/vote.ts";

export interface RegionEyes {
  /**
   * One page of the region's public origin, read to its end; by `Cache-Status` who answered it. An answer that no buyer
   * could use (5xx, cut off) is `failed`; one that says nothing of the region (no route from here, 429) `unknown`.
   */
  look(region: RegionName, signal: AbortSignal): Promise<OutsideSight>;
  /** Whether any reference host answers from here, asked anew; null: none are configured, so nobody can tell. */
  online(signal: AbortSignal): Promise<boolean | null>;
  /** What the region's daemon says of it; null: no answer that could be read and was its. */
  report(region: RegionName, signal: AbortSignal): Promise<RegionReport | null>;
  /** What an observer votes. */
  ask(observer: string, ballot: Pick<Ballot, "nonce" | "about">, signal: AbortSignal): Promise<Reply>;
}
