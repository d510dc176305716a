/** One kind of recovery. `src/remedies/index.ts` is the catalogue. */
import type { Intent } from "../core/intent.ts";
import type { Precondition, Wait } from "../core/proposal.ts";
import type { Target } from "../core/target.ts";
import type { Ms } from "../core/time.ts";

/** Errors that end an action. `REFUSED`: nothing happened and repeating cannot help. `UNCERTAIN`: it may have happened. */
export type ActionErrorCode = "REFUSED" | "UNCERTAIN";

/** An action that cannot be shown to have happened. `code` is stable; `message` is for people. */
export class ActionError extends Error {
  override readonly name = "ActionError";
  readonly code: ActionErrorCode;
  constructor(code: ActionErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What a remedy finds when it prepares an action: what must still be true when it acts, and how hard it is on the target. */
export type Prepared = {
  readonly precondition: Precondition;
  /** Takes something working away. */
  readonly destructive: boolean;
  /** The target is known to be gone. */
  readonly gone: boolean;
  /** Why it should not be done now: a hold, not an attempt. Found by the fence, it refuses. */
  readonly wait?: Wait;
};

/** Did an interrupted action land? `unreadable`: this effect leaves nothing to read. */
export type ReadBack =
  | { readonly kind: "landed"; readonly effect: Readonly<Record<string, unknown>> }
  | { readonly kind: "not_landed" }
  | { readonly kind: "unreadable"; readonly reason: string };

export interface Remedy {
  /**
   * What shows that it worked. `checks` (default): the target's failing checks turn healthy in time.
   * `replacement`: the target is gone for good, and what comes up in its place turns healthy in time. `workload`: these checks turn
   * healthy in all of the target's workload. `effect`: done is done (an alert sent, a hold set).
   */
  readonly verifiedBy?: "checks" | "effect" | "replacement" | "workload";
  /**
   * What `prepare` always answers, where it asks somebody over a network: the guards are then asked first, so that
   * nothing is read for a proposal that they would hold in any case. Absent: only `prepare` knows.
   */
  readonly foreseen?: Pick<Prepared, "destructive" | "gone">;
  /** Carrying it out again changes nothing (receivers deduplicate), so an interrupted one is simply repeated. Default false. */
  readonly repeatable?: boolean;
  /**
   * What became of it can be read at any later time, and landing late it does no second harm: its precondition names the one
   * thing it is about. While it cannot be read it stays open, for a quarter of an hour, instead of being given up as uncertain. Default false.
   */
  readonly readableLater?: boolean;
  /** Time an action may take beyond the 5 s each has: a graceful stop, a command's own deadline. Default 0. */
  extraMs?(target: Target, params: Readonly<Record<string, unknown>>): Ms;
  /** Reads the world, changes nothing. */
  prepare(target: Target, params: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<Prepared>;
  /**
   * Carries the intent out, checking its precondition as close to the effect as can be.
   * @returns what was done, for the ledger; bounded, JSON-safe, no secrets.
   * @throws {ActionError}
   */
  execute(intent: Intent, target: Target, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>>;
  /**
   * Takes back at once what was to last only while the trouble does (a hold); asked once every check of the policy's
   * trigger is well again. Absent: nothing of it lasts. Doing it again changes nothing.
   * @returns whether there was anything to take back.
   */
  lift?(policy: string, params: Readonly<Record<string, unknown>>): Promise<boolean>;
  /** For an intent found without an outcome after a crash. */
  readBack(intent: Intent, target: Target, signal: AbortSignal): Promise<ReadBack>;
}
