/**
 * One line of the ledger: what was seen, decided, done, and why not.
 */
import type { Instant } from "./time.ts";
import type { TargetId } from "./target.ts";

/** Closed set of what the ledger records. */
export const LEDGER_KINDS = [
  "verdict",
  "status",
  "decision",
  "hold",
  "intent",
  "outcome",
  "verified",
  "failed_verification",
  "escalation",
  "alert",
  "breaker",
  "quarantine",
  "worker_lost",
  "manual",
  "note",
] as const;

export type LedgerKind = (typeof LEDGER_KINDS)[number];

export type NewLedgerEntry = {
  readonly at: Instant;
  readonly kind: LedgerKind;
  readonly target: TargetId;
  /** Policy, check or breaker it is about; empty where none is. */
  readonly subject: string;
  /** One sentence for people: what and why. */
  readonly text: string;
  /** Who: "shopkeeper" or the person of a manual command. */
  readonly who: string;
  /** Joins intent, outcome and verification of one action; empty where there is no action. */
  readonly actionId: string;
  /** Bounded, JSON-safe details; never secrets. */
  readonly details: Readonly<Record<string, unknown>>;
  /**
   * Same non-empty key as the newest entry of this kind and target: counted on that
   * entry instead of written again (a hold repeated every 2 s is one entry with a count).
   */
  readonly foldKey: string;
};

export type LedgerEntry = NewLedgerEntry & {
  /** Grows by one for each entry; unique in a ledger. */
  readonly seq: number;
  /** How often it happened; 1 unless folded. */
  readonly count: number;
  /** When it happened last; equals `at` unless folded. */
  readonly lastAt: Instant;
};
