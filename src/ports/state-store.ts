/** Durable state: intents, cool-downs, episodes, pauses. Small, few writes, none may be lost. */
import type { Instant } from "../core/time.ts";

export type Stored = {
  readonly key: string;
  /** JSON text. */
  readonly value: string;
  /** Grows with each write of this key; starts at 1. */
  readonly revision: number;
};

export interface StateStore {
  get(key: string): Promise<Stored | null>;
  /** Keys that start with `prefix`, in byte order, at most `limit` (default 1000). */
  list(prefix: string, limit?: number): Promise<readonly Stored[]>;
  /**
   * Durable when it resolves (fsynced).
   * `ifRevision`: writes only over that very revision (0: only when absent).
   * @returns the new revision, or "conflict" when `ifRevision` did not match.
   * @throws {SupersededError} from a store that was opened under an epoch, once a newer leader has opened it.
   */
  put(key: string, value: string, ifRevision?: number): Promise<number | "conflict">;
  /** Deleting what is not there is no error. */
  delete(key: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Where a store that was found damaged, and had to begin anew, says so: one row for each time, written together with
 * the new store, so that it is told even if the process that found it died at once. Whoever has told it deletes it.
 */
export const LOSS_PREFIX = "loss/";

/** What such a row holds, as JSON. */
export type StateLoss = {
  /** When it was found. */
  readonly at: Instant;
  /** Where the damaged store is kept. */
  readonly keptAs: string;
  /** What was wrong with it. */
  readonly problem: string;
  /** What of it was still in memory and was written into the new store: "pauses: 1, modes: 0"; absent: nothing was known any more. */
  readonly kept?: string;
};

/** Largest value in bytes; keys at most 512 bytes. Beyond: StateStoreError TOO_LARGE. */
export const MAX_STATE_VALUE_BYTES = 256 * 1024;

export type StateStoreErrorCode = "TOO_LARGE" | "UNAVAILABLE" | "CORRUPT" | "SUPERSEDED";

export class StateStoreError extends Error {
  override readonly name = "StateStoreError";
  readonly code: StateStoreErrorCode;
  constructor(code: StateStoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Another leader has begun since: what this one still writes is refused, and nothing of it is kept. */
export class SupersededError extends StateStoreError {
  /** Of the newest leader. */
  readonly epoch: number;
  constructor(epoch: number) {
    super("SUPERSEDED", `a newer leader writes the state, of epoch ${epoch}`);
    this.epoch = epoch;
  }
}
