/** The closed set of messages between the main thread and the database's own thread. */
import type { LedgerEntry, NewLedgerEntry } from "../core/ledger-entry.ts";
import type { LedgerQuery, ObservationRecord } from "../ports/ledger.ts";
import type { Stored, StateStoreErrorCode } from "../ports/state-store.ts";
import type { LedgerLimits } from "./ledger-bounds.ts";

/** Handed to the thread when it starts. */
export type SqliteSettings = {
  readonly file: string;
  readonly limits: LedgerLimits;
  /** Wall time, names the file a corrupt database is moved to. */
  readonly wall: number;
  /** It was found damaged in use, so every page and every index is checked when it is opened. */
  readonly suspect: boolean;
};

/** Each operation: what it takes and what it answers. */
export type SqliteOperations = {
  readonly get: { readonly takes: { readonly key: string }; readonly gives: Stored | null };
  readonly list: { readonly takes: { readonly prefix: string; readonly limit: number }; readonly gives: readonly Stored[] };
  readonly put: { readonly takes: { readonly key: string; readonly value: string; readonly ifRevision: number | null }; readonly gives: number | "conflict" };
  readonly delete: { readonly takes: { readonly key: string }; readonly gives: null };
  readonly append: { readonly takes: { readonly entry: NewLedgerEntry; readonly now: number }; readonly gives: LedgerEntry };
  readonly query: { readonly takes: { readonly query: LedgerQuery }; readonly gives: readonly LedgerEntry[] };
  /** `records`: ObservationRecord[] as JSON; objects one by one cost both threads several times as much. */
  readonly observe: { readonly takes: { readonly records: string; readonly now: number }; readonly gives: null };
  readonly observations: { readonly takes: { readonly since: number; readonly check: string | null; readonly limit: number }; readonly gives: readonly ObservationRecord[] };
  readonly close: { readonly takes: null; readonly gives: null };
};

export type OperationName = keyof SqliteOperations;

/** One request; `id` 1 and up. */
export type SqliteRequest = { readonly [Name in OperationName]: { readonly id: number; readonly name: Name; readonly takes: SqliteOperations[Name]["takes"] } }[OperationName];

export type SqliteReply =
  /** First message: the file is open. `movedTo`: where the corrupt one was put; null: it was sound or new. */
  | { readonly kind: "opened"; readonly movedTo: string | null; readonly problem: string }
  | { readonly kind: "not_opened"; readonly code: StateStoreErrorCode; readonly message: string }
  | { readonly kind: "done"; readonly id: number; readonly value: SqliteOperations[OperationName]["gives"] }
  | { readonly kind: "failed"; readonly id: number; readonly code: StateStoreErrorCode; readonly message: string };
