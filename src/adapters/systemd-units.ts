/**
 * systemd units through systemctl(1), as an argument vector; no shell, no D-Bus library.
 */
import type { Ms } from "../core/time.ts";
import type { CommandResult, Processes } from "../ports/processes.ts";
import { UnitError } from "../ports/units.ts";
import type { UnitActivity, Units, UnitState } from "../ports/units.ts";

const READ_MS: Ms = 2_000;
const MAX_OUTPUT_BYTES = 4_096;
const PROPERTIES = "LoadState,ActiveState,SubState,MainPID,InvocationID";
const ACTIVITIES: readonly UnitActivity[] = ["active", "reloading", "inactive", "failed", "activating", "deactivating", "maintenance", "refreshing"];

export type SystemdParts = {
  readonly processes: Pick<Processes, "run">;
  /** "user": units of our own user's manager. */
  readonly scope?: "system" | "user";
};

export function createSystemdUnits({ processes, scope = "system" }: SystemdParts): Units {
  const systemctl = (args: readonly string[], deadlineMs: Ms, signal?: AbortSignal): Promise<CommandResult> =>
    processes.run({
      command: ["systemctl", `--${scope}`, "--no-ask-password", "--no-pager", ...args],
      cwd: "/",
      // Translated messages would be no use to anybody who searches for them.
      env: { LC_ALL: "C.UTF-8" },
      deadlineMs,
      maxOutputBytes: MAX_OUTPUT_BYTES,
      ...(signal === undefined ? {} : { signal }),
    });
  return {
    state: async (unit, signal) => parseUnit(unit, outputOf(unit, await systemctl(["show", `--property=${PROPERTIES}`, "--", unit], READ_MS, signal))),
    restart: async (unit, deadlineMs, signal) => {
      outputOf(unit, await systemctl(["restart", "--", unit], deadlineMs, signal));
    },
  };
}

/** @throws {UnitError} by systemctl's exit code: 4 no permission, 5 not installed (systemctl(1), after LSB). */
function outputOf(unit: string, result: CommandResult): string {
  switch (result.kind) {
    case "not_started":
      throw new UnitError("UNAVAILABLE", `systemctl cannot be run: ${result.reason}`);
    case "killed":
      throw new UnitError("UNAVAILABLE", `systemctl did not answer about ${unit} within ${Math.round(result.tookMs)} ms`);
    case "exited": {
      if (result.code === 0) return result.output;
      const said = result.output.trim().slice(0, 300);
      if (result.code === 4) throw new UnitError("DENIED", `not allowed to restart ${unit}: ${said}`);
      if (result.code === 5) throw new UnitError("NOT_FOUND", `there is no unit ${unit}`);
      throw new UnitError("UNAVAILABLE", `systemctl ended with ${result.code} on ${unit}: ${said}`);
    }
  }
}

/**
 * Reads the KEY=VALUE lines of `systemctl show`; the order is systemd's own.
 *
 * @throws {UnitError} `NOT_FOUND`: systemd shows units it does not know, as not loaded.
 */
export function parseUnit(unit: string, shown: string): UnitState {
  const values = new Map(
    shown.split("\n").map((line) => {
      const equals = line.indexOf("=");
      return [line.slice(0, Math.max(0, equals)), line.slice(equals + 1).trim()] as const;
    }),
  );
  if (values.get("LoadState") === "not-found") throw new UnitError("NOT_FOUND", `there is no unit ${unit}`);
  const active = values.get("ActiveState");
  if (active === undefined) throw new UnitError("UNAVAILABLE", `systemctl said nothing of ${unit}`);
  return {
    active: ACTIVITIES.find((known) => known === active) ?? "unknown",
    sub: values.get("SubState") ?? "",
    mainPid: Number.parseInt(values.get("MainPID") ?? "0", 10) || 0,
    invocationId: values.get("InvocationID") ?? "",
  };
}
