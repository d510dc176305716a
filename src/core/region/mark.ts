/**
 * What stands beside a record that we may change: whose it is, which region it leads to, who set it so, and when.
 *
 * Regions share no store. What they know of each other's failovers is this text: a comment at Cloudflare, a companion TXT at Route 53.
 */

import { MAX_EPOCH } from "../lease.ts";

/** Of the text, in characters: what a free zone's comment holds. */
export const MAX_MARK_CHARACTERS = 100;
/** Of a site's or a region's name within it; a longer one's tail would not tell two apart. */
export const MAX_MARKED_NAME = 22;

export type RegionMark = {
  readonly site: string;
  /** The region that the record was made to lead to. */
  readonly region: string;
  /** Grows with each change of this record, whoever makes it; of two writers the higher one is right. 0 to MAX_EPOCH. */
  readonly epoch: number;
  /** Wall time of the change in whole seconds since the Unix epoch, by the clock of whoever made it. Only told, never compared with one of ours. */
  readonly flippedAt: number;
};

const MARK = /^shopkeeper site=([a-z][a-z0-9_-]*) region=([a-z][a-z0-9_-]*) epoch=(\d{1,10}) at=(\d{1,11})$/;

/** @returns at most MAX_MARK_CHARACTERS characters on one line, for names of at most MAX_MARKED_NAME. */
export function formatMark({ site, region, epoch, flippedAt }: RegionMark): string {
  return `shopkeeper site=${site} region=${region} epoch=${epoch} at=${flippedAt}`;
}

/** @returns null where the text is not such a mark, whole: a comment somebody has added to is theirs. */
export function parseMark(text: string): RegionMark | null {
  const found = MARK.exec(text);
  if (found === null) return null;
  const [, site = "", region = "", epoch = "", at = ""] = found;
  const mark = { site, region, epoch: Number(epoch), flippedAt: Number(at) };
  return mark.epoch <= MAX_EPOCH && site.length <= MAX_MARKED_NAME && region.length <= MAX_MARKED_NAME ? mark : null;
}
