/** systemd units, where a target is one. */
import type { Ms } from "../core/time.ts";

/** ActiveState of systemd, closed; `unknown` for a word we have not met. */
export type UnitActivity = "active" | "reloading" | "inactive" | "failed" | "activating" | "deactivating" | "maintenance" | "refreshing" | "unknown";

export type UnitState = {
  readonly active: UnitActivity;
  /** "running", "exited", "auto-restart": systemd's finer word, for people. */
  readonly sub: string;
  /** 0 when no main process runs. */
  readonly mainPid: number;
  /** Changes with every start of the unit; "" when it was never started. */
  readonly invocationId: string;
};

/** `NOT_FOUND`: there is no such unit. `DENIED`: no right to do it. `UNAVAILABLE`: systemd cannot be asked. */
export type UnitErrorCode = "NOT_FOUND" | "DENIED" | "UNAVAILABLE";

export class UnitError extends Error {
  override readonly name = "UnitError";
  readonly code: UnitErrorCode;
  constructor(code: UnitErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface Units {
  /**
   * Reads a unit, changes nothing.
   * @throws {UnitError}
   */
  state(unit: string, signal?: AbortSignal): Promise<UnitState>;
  /**
   * Stops and starts it, or starts it when it is not active. Resolves when systemd's job is done, or after `deadlineMs` at the latest.
   * @throws {UnitError} `UNAVAILABLE` also when no answer came in time: the job may still run, so read the state.
   */
  restart(unit: string, deadlineMs: Ms, signal?: AbortSignal): Promise<void>;
}
