/**
 * Leader election over one record that all candidates read, and that each replaces only as it read it
 * (a Kubernetes Lease; anything with compare-and-set).
 *
 * After client-go's `leaderelection`, whose first sentence holds here too: this does not fence. A leader
 * that was paused may still believe that it leads; so whoever acts asks `mayAct` just before, and every
 * write carries a precondition of its own. Expiry is judged by the own monotonic clock since the record was
 * last *seen to change*: the times written in it come from other machines' clocks and are never read.
 */
import type { Instant, Ms } from "./time.ts";

export type LeaseTimes = {
  /** A record unchanged for this long is nobody's. */
  readonly duration: Ms;
  /** A leader that could not renew for this long leads no more. Below `duration`. */
  readonly renewWithin: Ms;
  /** Pause between two tries. */
  readonly retry: Ms;
};

export const LEASE_TIMES: LeaseTimes = { duration: 15_000, renewWithin: 10_000, retry: 2_000 };

/** Highest that anybody may lead under: `leaseTransitions` is an int32, and the one after it must still be one. */
export const MAX_EPOCH = 2 ** 31 - 2;

/** The record as it was read. */
export type LeaseRecord = {
  /** "": released. */
  readonly holder: string;
  /** Grows each time the holder changes (`leaseTransitions`); it stands in every ledger entry and DNS comment. */
  readonly epoch: number;
  /** Changes with every write (`resourceVersion`); compared, never ordered. */
  readonly version: string;
};

/** What this process knows of the record. */
export type LeaseView = {
  /** null: there is none yet. */
  readonly record: LeaseRecord | null;
  /** When this version was first seen, by the own clock. */
  readonly since: Instant;
};

/** What a candidate does next. */
export type LeaseMove =
  | { readonly kind: "create" }
  /** Replaces `over`, which has expired or was released. */
  | { readonly kind: "take"; readonly over: LeaseRecord; readonly epoch: number }
  | { readonly kind: "renew"; readonly over: LeaseRecord }
  | { readonly kind: "wait"; readonly until: Instant };

/** A leadership that was won and is kept by renewals. */
export type Leadership = {
  readonly epoch: number;
  readonly since: Instant;
  /** When the last write that succeeded was *sent*: others count from later than that. */
  readonly renewedAt: Instant;
};

/** Takes in what was read. Only another version starts the time of expiry anew. */
export function seeLease(view: LeaseView | null, record: LeaseRecord | null, now: Instant): LeaseView {
  if (view !== null && view.record?.version === record?.version) return view;
  return { record, since: now };
}

/**
 * What to do now.
 *
 * @param me identity of this very process, never used by another one: a record of an earlier life under the
 *   same name is somebody else's.
 */
export function nextLeaseMove({ record, since }: LeaseView, me: string, now: Instant, { duration, retry }: LeaseTimes): LeaseMove {
  if (record === null) return { kind: "create" };
  if (record.holder === me) return { kind: "renew", over: record };
  const expiresAt = since + duration;
  if (record.holder === "" || now >= expiresAt) return { kind: "take", over: record, epoch: record.epoch + 1 };
  return { kind: "wait", until: Math.min(now + retry, expiresAt) };
}

/** Still certain to lead: nobody else can hold the lease before `duration` has passed, and this is well below it. */
export function mayAct(leadership: Leadership | null, now: Instant, { renewWithin }: LeaseTimes): boolean {
  return leadership !== null && now - leadership.renewedAt < renewWithin;
}

/** Why these times cannot work; null: they can. A renewal must have several tries before it is too late, and others must wait longer than the leader hopes. */
export function flawOfLeaseTimes({ duration, renewWithin, retry }: LeaseTimes): string | null {
  if (!(retry > 0)) return "retry must be above 0";
  if (!(renewWithin > retry * 2)) return "renew_within must be more than twice retry";
  if (!(duration > renewWithin)) return "duration must be above renew_within: else two may lead at once";
  return null;
}
