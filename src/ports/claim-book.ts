/** The claims on workloads' sizes, kept durably by whoever leads; see core/claims.ts. */
import type { Claim, WorkloadClaims } from "../core/claims.ts";
import type { Instant } from "../core/time.ts";
import type { HeldSize } from "./workload-size.ts";

/** Workloads with claims at once; a claim on one more is refused. */
export const MAX_CLAIMED_WORKLOADS = 200;

/** What changes it is durable when it resolves, and otherwise not made. @throws {StateStoreError} */
export interface ClaimBook {
  all(): readonly WorkloadClaims[];
  get(workload: string): WorkloadClaims | null;
  /**
   * Puts a claim in place of its holder's older one. The first on a workload remembers the size it was found with as its base.
   * @throws {RangeError} beyond MAX_CLAIMED_WORKLOADS.
   */
  claim(workload: string, made: Claim, found: HeldSize, now: Instant): Promise<WorkloadClaims>;
  withdraw(workload: string, holder: string): Promise<void>;
  /** The size is ours now. */
  wrote(workload: string, size: number): Promise<void>;
  /** Somebody else wrote over the size that was wanted: it is left to them until another one is wanted. */
  leave(workload: string, left: { readonly wanted: number; readonly manager: string }): Promise<void>;
  forget(workload: string): Promise<void>;
  /**
   * Since when an autoscaler has been short of what it wants, as far as it was asked; null: it is not.
   * Kept in memory only, and forgotten when nobody asks for a minute.
   */
  shortSince(workload: string, short: boolean, now: Instant): Instant | null;
}
