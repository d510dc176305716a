/** What every ledger enforces on an entry, whoever keeps it. */
import type { NewLedgerEntry } from "../core/ledger-entry.ts";
import type { LedgerQuery } from "../ports/ledger.ts";

export const MAX_TEXT_CHARS = 2_000;
export const MAX_DETAILS_CHARS = 16_000;
export const DEFAULT_QUERY_LIMIT = 500;
export const MAX_QUERY_LIMIT = 10_000;
/** Observations that wait to be written; beyond it the oldest are dropped. */
export const MAX_WAITING_OBSERVATIONS = 5_000;

export type LedgerLimits = {
  /** Entries and observations older than this are deleted. */
  readonly maxAgeMs: number;
  /** Bytes kept, about; observations go first, then the oldest entries. */
  readonly maxBytes: number;
};

/** Cuts what is too long; details that are too large are replaced by a word that says so. */
export function bounded(entry: NewLedgerEntry): { readonly entry: NewLedgerEntry; readonly details: string } {
  const text = entry.text.length > MAX_TEXT_CHARS ? `${entry.text.slice(0, MAX_TEXT_CHARS - 1)}…` : entry.text;
  const whole = JSON.stringify(entry.details);
  const kept = whole.length > MAX_DETAILS_CHARS ? { cut: `${whole.length} characters of details` } : entry.details;
  return { entry: { ...entry, text, details: kept }, details: JSON.stringify(kept) };
}

/** How many entries a query gets: 1 to 10,000. */
export function limitOf({ limit = DEFAULT_QUERY_LIMIT }: LedgerQuery): number {
  return Math.min(Math.max(Math.floor(limit), 1), MAX_QUERY_LIMIT);
}
