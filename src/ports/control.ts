/**
 * What may be asked of a running daemon: its state, and to carry out a person's orders.
 */
import type { Pause } from "../core/scene.ts";
import type { Snapshot, WhyView } from "../core/snapshot.ts";
import type { TargetId } from "../core/target.ts";
import type { Ms } from "../core/time.ts";

/** What every order carries; it is recorded with who gave it and why. */
export type Order = {
  /** The person, from their token. */
  readonly who: string;
  /** The person's own words; at most 500 characters. */
  readonly why: string;
  /** Say what would happen; change and record nothing. */
  readonly dryRun: boolean;
};

export type PauseScope = Pause["scope"];

/** Why an order was refused. Stable: scripts match on it. */
export type RefusalCode = "UNKNOWN_TARGET" | "UNKNOWN_POLICY" | "UNKNOWN_CHECK" | "NOTHING_TO_DO" | "HELD" | "FAILED";

/** `refused`: nothing was done; `text` says why and what to do. `actionId` is "" where there is no action. */
export type OrderResult =
  | { readonly kind: "done"; readonly text: string; readonly actionId: string }
  | { readonly kind: "would"; readonly text: string }
  | { readonly kind: "refused"; readonly code: RefusalCode; readonly text: string };

export interface Control {
  snapshot(): Snapshot;
  /** null for a target (or "site") that is not watched. */
  why(target: TargetId): WhyView | null;
  /** `check` null: every check of the target. `forMs` null: until healthy. */
  acknowledge(order: Order & { readonly target: TargetId; readonly check: string | null; readonly forMs: Ms | null }): Promise<OrderResult>;
  /** Replaces an older pause of the same scope. `forMs` null: until resumed. */
  pause(order: Order & { readonly scope: PauseScope; readonly forMs: Ms | null }): Promise<OrderResult>;
  resume(order: Order & { readonly scope: PauseScope }): Promise<OrderResult>;
  /** Ignores cool-downs, ladder, pause, windows and modes, never the safety checks. Resolves once the effect is known, not its verification. */
  restart(order: Order & { readonly target: TargetId }): Promise<OrderResult>;
}
