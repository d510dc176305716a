/** The ledger: append-only for people, bounded by age and size. */
import type { LedgerEntry, LedgerKind, NewLedgerEntry } from "../core/ledger-entry.ts";
import type { Instant } from "../core/time.ts";

export type LedgerQuery = {
  readonly since?: Instant;
  /** Entries with a greater `seq`, for following. */
  readonly afterSeq?: number;
  readonly kinds?: readonly LedgerKind[];
  readonly target?: string;
  /** Newest kept when there are more; 1 to 10,000; default 500. */
  readonly limit?: number;
};

/** A verdict-bearing look, kept in batches for reports; lossy when the ledger is behind. */
export type ObservationRecord = {
  readonly at: Instant;
  readonly check: string;
  readonly target: string;
  readonly kind: "pass" | "warn" | "fail" | "unknown";
  readonly tookMs: number;
};

export interface Ledger {
  /**
   * Appends, or counts on the newest entry with the same non-empty `foldKey`, kind and target.
   * Durable when it resolves.
   */
  append(entry: NewLedgerEntry): Promise<LedgerEntry>;
  /** Oldest first. */
  query(query: LedgerQuery): Promise<readonly LedgerEntry[]>;
  /** Batched; never waits, drops the oldest beyond its bound and counts what it dropped. */
  observe(record: ObservationRecord): void;
  observations(query: { readonly since: Instant; readonly check?: string; readonly limit?: number }): Promise<readonly ObservationRecord[]>;
  close(): Promise<void>;
}
