/**
 * Which remedy carries out an action on a kind of target.
 *
 * A policy says what it wants in the words of its author ("restart_pod"); how
 * that is done depends on what the target is. What cannot be done here is said,
 * with the reason, and the policy then only records what it would have done.
 */
import type { TargetKind } from "./target.ts";

/** Every action a policy may name. */
export type ActionName = "restart_pod" | "restart_process" | "run_command" | "alert" | "hold_breaker" | "scale_up" | "failover_dns";

export const ACTION_NAMES: readonly ActionName[] = ["restart_pod", "restart_process", "run_command", "alert", "hold_breaker", "scale_up", "failover_dns"];

/** Remedies of this version; names of the catalogue in `remedies/`. */
export type RemedyName = "restart_process" | "run_command" | "alert" | "hold_breaker";

export type Resolution =
  | { readonly kind: "remedy"; readonly remedy: RemedyName }
  | { readonly kind: "unavailable"; readonly reason: string };

const RESTART: Readonly<Record<TargetKind, Resolution>> = {
  process: { kind: "remedy", remedy: "restart_process" },
  systemd: { kind: "remedy", remedy: "restart_process" },
  pod: { kind: "unavailable", reason: "restarting pods needs a cluster, which this version does not speak to" },
  workload: { kind: "unavailable", reason: "all pods of a workload are not restarted at once" },
  origin: { kind: "unavailable", reason: "the target is only watched: nothing here may restart it" },
};

/** What an action's default mode is decided by: it can take something working away. */
const DESTRUCTIVE: Readonly<Record<ActionName, boolean>> = {
  restart_pod: true,
  restart_process: true,
  run_command: true,
  alert: false,
  hold_breaker: false,
  scale_up: true,
  failover_dns: true,
};

export function isAction(name: string): name is ActionName {
  return ACTION_NAMES.some((action) => action === name);
}

/** Whether the action can take something working away, so that its policy starts in observe mode. */
export function isDestructiveAction(action: ActionName): boolean {
  return DESTRUCTIVE[action];
}

/**
 * @param kind null for the site as a whole (checks that look at something all targets share).
 */
export function resolveAction(action: ActionName, kind: TargetKind | null): Resolution {
  switch (action) {
    case "restart_pod":
    case "restart_process":
      return kind === null ? { kind: "unavailable", reason: "the trigger names no target that could be restarted" } : RESTART[kind];
    case "run_command":
      return { kind: "remedy", remedy: "run_command" };
    case "alert":
      return { kind: "remedy", remedy: "alert" };
    case "hold_breaker":
      return { kind: "remedy", remedy: "hold_breaker" };
    case "scale_up":
      return { kind: "unavailable", reason: "scaling needs a cluster, which this version does not speak to" };
    case "failover_dns":
      return { kind: "unavailable", reason: "failover needs a DNS provider, which this version does not speak to" };
  }
}
