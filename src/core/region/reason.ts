/**
 * Why nothing is flipped: a closed set of codes, each with when a person is called because of it.
 */
import type { UnfitCode } from "./fitness.ts";
import type { Instant, Ms } from "../time.ts";

export type HoldCode =
  | UnfitCode
  /** Another daemon of this region leads. */
  | "not_leader"
  /** Of the provider: not read yet; not ours to write; an act whose end is not known; tries that wait, or are over. */
  | "records_unread"
  | "records_not_ours"
  /** The provider's own health checks decide. */
  | "steered"
  | "unsettled"
  | "provider_wait"
  | "provider_down"
  /** No reference host answers from here. */
  | "blind"
  /** The own region's public path tells nothing, so buyers could not be led to it. */
  | "blind_here"
  /** It has just begun to answer again. */
  | "recovering"
  /** Too few observers agree, or as many see the opposite. */
  | "quorum"
  | "disagree"
  | "veto"
  | "copies_wait"
  /** A more preferred region takes over, or has a moment to say so. */
  | "not_preferred"
  | "yielding"
  | "block"
  | "failback_manual"
  | "failback_wait"
  /** A late write that is another region's to push aside, or that came back too often. */
  | "late_write"
  | "repairs_spent"
  /** No region that could take over is fit. */
  | "all_bad"
  /** Of a person's order: another region's daemon carries it out. */
  | "not_target"
  /** The policy only records. */
  | "observe";

export type HoldReason = {
  readonly code: HoldCode;
  /** One sentence for people. */
  readonly text: string;
  /** When it ends by itself; null: nobody knows. */
  readonly until: Instant | null;
};

/** When a person is called, from when the reason began to hold: at once, after a while, never. */
const PAGE_AFTER: Readonly<Record<HoldCode, Ms | null>> = {
  unfit_unseen: 60_000,
  unfit_checks: 0,
  unfit_path: 0,
  unfit_degraded: 0,
  unfit_capacity: 0,
  unfit_parity: 0,
  unfit_gave_up: 0,
  not_leader: null,
  records_unread: 60_000,
  records_not_ours: 0,
  steered: 60_000,
  unsettled: 60_000,
  provider_wait: null,
  provider_down: 0,
  blind: 60_000,
  blind_here: 60_000,
  recovering: null,
  quorum: 60_000,
  disagree: 60_000,
  veto: 60_000,
  copies_wait: null,
  not_preferred: null,
  yielding: null,
  block: 0,
  failback_manual: null,
  failback_wait: null,
  late_write: 60_000,
  repairs_spent: 0,
  all_bad: 0,
  not_target: null,
  observe: 0,
};

export const HOLD_CODES = Object.keys(PAGE_AFTER) as readonly HoldCode[];

export function pageAfter(code: HoldCode, disagreeFor: Ms): Ms | null {
  return code === "veto" ? disagreeFor : PAGE_AFTER[code];
}

export function because(code: HoldCode, text: string, until: Instant | null = null): HoldReason {
  return { code, text, until };
}
