/**
 * Stored pages in memory, by key. Lossy: it may forget anything at any time, and
 * being empty is a miss, never an error. Synchronous, for it stands on the request path.
 */
import type { Instant } from "../core/time.ts";
import type { SharedCopy } from "./gateway-link.ts";

export type { SharedCopy } from "./gateway-link.ts";

/** `too_large`: the body exceeds the limit per entry, nothing was kept. Evicted keys are gone from this store. */
export type PutResult =
  | { readonly kind: "stored"; readonly evicted: readonly string[] }
  | { readonly kind: "too_large"; readonly limitBytes: number };

export type CopySummary = {
  readonly count: number;
  /** Bytes of bodies and metadata, as counted against the bounds. */
  readonly bytes: number;
  readonly canonical: number;
  /** When the oldest and the newest copy were filled; null while empty. */
  readonly oldestFilledAt: Instant | null;
  readonly newestFilledAt: Instant | null;
  /** Copies by route name. */
  readonly byRoute: Readonly<Record<string, number>>;
};

export interface CopyStore {
  /** Counts as a use: what is served often stays. */
  get(key: string): SharedCopy | null;
  /** Does not count as a use. */
  has(key: string): boolean;
  /**
   * Keeps a copy, replacing the one under its key. Bodies are kept by reference and must not be
   * changed afterwards. Canonical pages and others live in segments of their own, each bounded
   * in bytes, so that a flood of queries evicts no page of the catalogue.
   */
  put(copy: SharedCopy): PutResult;
  /** Forgetting what is not there is no error. */
  delete(key: string): void;
  /** Copies held now. Constant time. */
  size(): number;
  /** All of them, least recently used first within each segment. */
  all(): readonly SharedCopy[];
  /** Walks every copy: not for the request path. */
  summary(): CopySummary;
}

/** Bounds of a store. */
export type CopyStoreLimits = {
  /** Bytes of both segments together; at least 1 MiB. */
  readonly totalBytes: number;
  /** Largest body in bytes. */
  readonly entryBytes: number;
  /** Share of `totalBytes` for canonical pages, 0 to 1; default 0.75. */
  readonly canonicalShare?: number;
};
