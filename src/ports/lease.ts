/** One record by which candidates elect a leader; see core/lease.ts. */
import type { LeaseRecord } from "../core/lease.ts";

export type LeaseDraft = Pick<LeaseRecord, "holder" | "epoch">;

export interface Lease {
  /** null: there is no record yet. @throws {LeaseError} */
  read(signal: AbortSignal): Promise<LeaseRecord | null>;
  /**
   * Writes the record over the version given; over null only where there is none.
   *
   * @returns the record with its new version, or "conflict" when it has changed meanwhile: nothing was written.
   * @throws {LeaseError} `UNAVAILABLE` when no answer came: it may have been written.
   */
  write(draft: LeaseDraft, over: string | null, signal: AbortSignal): Promise<LeaseRecord | "conflict">;
}

/** `FORBIDDEN`: trying again cannot help until somebody grants the right. */
export type LeaseErrorCode = "UNAVAILABLE" | "FORBIDDEN";

export class LeaseError extends Error {
  override readonly name = "LeaseError";
  readonly code: LeaseErrorCode;
  constructor(code: LeaseErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
