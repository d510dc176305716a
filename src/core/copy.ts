/**
 * A stored copy of a rendered page, without its bytes: what is needed to decide and to serve.
 */
import type { Instant, Ms } from "./time.ts";

export type CopyMeta = {
  /** The cache key; see cache-key.ts. */
  readonly key: string;
  readonly route: string;
  /** The path it was fetched from, for people and refills. */
  readonly url: string;
  readonly status: number;
  /** Header fields to serve, lower-case names, already stripped of what is personal. */
  readonly headers: readonly (readonly [string, string])[];
  readonly bytes: number;
  /** When the fill that made it started: the page is at least as new as this. */
  readonly filledAt: Instant;
  readonly ttl: Ms;
  readonly staleWhileRevalidate: Ms;
  readonly staleIfError: Ms;
  /** The nonce's length and the byte offsets of the renderer's own nonce attributes; empty when the page has none. */
  readonly nonceLength: number;
  readonly nonceOffsets: readonly number[];
  /** Byte offset at which the preset's neutralising style is put in for buyers with a cart; null: the page has no place for it. */
  readonly neutraliseAt: number | null;
  /** The build that rendered it: hash in the name of its manifest; "" where unknown. */
  readonly buildId: string;
  /** Kept in the segment of canonical pages (no query), which a query explosion cannot evict. */
  readonly canonical: boolean;
};
