/** Durable state: intents, cool-downs, episodes, pauses. Small, few writes, none may be lost. */
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
   */
  put(key: string, value: string, ifRevision?: number): Promise<number | "conflict">;
  /** Deleting what is not there is no error. */
  delete(key: string): Promise<void>;
  close(): Promise<void>;
}

/** Largest value in bytes; keys at most 512 bytes. Beyond: StateStoreError TOO_LARGE. */
export const MAX_STATE_VALUE_BYTES = 256 * 1024;

export type StateStoreErrorCode = "TOO_LARGE" | "UNAVAILABLE" | "CORRUPT";

export class StateStoreError extends Error {
  override readonly name = "StateStoreError";
  readonly code: StateStoreErrorCode;
  constructor(code: StateStoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
