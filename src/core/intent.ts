/**
 * One action's life, as it is stored. An intent without an outcome is the first
 * question of the next process (or the next leader).
 */
import type { Proposal } from "./proposal.ts";
import type { Instant, Ms } from "./time.ts";

export type IntentState =
  /** Recorded, not known to have been carried out. */
  | { readonly phase: "intended" }
  /** Carried out (or found carried out); the target's check must turn healthy before `verifyBy`. */
  | { readonly phase: "awaiting_verification"; readonly doneAt: Instant; readonly verifyBy: Instant; readonly effect: Readonly<Record<string, unknown>> }
  /** `effect`: of what is done once it is done; absent where a check has shown that it helped. */
  | { readonly phase: "verified"; readonly doneAt: Instant; readonly verifiedAt: Instant; readonly effect?: Readonly<Record<string, unknown>> }
  | { readonly phase: "not_verified"; readonly doneAt: Instant; readonly endedAt: Instant; readonly reason: string }
  /** The world refused it, or its precondition no longer held: nothing happened. */
  | { readonly phase: "refused"; readonly endedAt: Instant; readonly reason: string }
  /** Cannot be shown to have happened or not. Never repeated; alerted. */
  | { readonly phase: "uncertain"; readonly endedAt: Instant; readonly reason: string };

export type Intent = {
  /** Unique, and carried by the effect where it can be (environment of a child, id of an event). */
  readonly id: string;
  readonly proposal: Proposal;
  /** 1 for the first attempt of an episode. */
  readonly attempt: number;
  readonly recordedAt: Instant;
  readonly verifyWithin: Ms;
  /** Who asked: "shopkeeper", or a person by a manual command. */
  readonly who: string;
  readonly state: IntentState;
};
