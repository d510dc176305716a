/**
 * Which remedy carries out an action on a kind of target.
 *
 * A policy says what it wants in the words of its author ("restart_pod"); how
 * that is done depends on what the target is. What cannot be done here is said,
 * with the reason, and the policy then only records what it would have done.
 */
import type { TargetKind } from "./target.ts";

/** Every action a policy may name. */
export type ActionName =
  | "restart_pod"
  | "restart_process"
  | "quarantine_pod"
  | "rollout_restart"
  | "run_command"
  | "alert"
  | "hold_breaker"
  | "scale_up"
  | "pre_scale"
  | "failover_dns";

/** Remedies of this version; names of the catalogue in `remedies/`. */
export type RemedyName = "restart_process" | "restart_pod" | "quarantine_pod" | "rollout_restart" | "run_command" | "alert" | "hold_breaker" | "scale_up" | "pre_scale";

export type Resolution =
  | { readonly kind: "remedy"; readonly remedy: RemedyName }
  | { readonly kind: "unavailable"; readonly reason: string };

/** `site`: what all targets share, where a trigger names none of them. */
type ByKind = Readonly<Record<TargetKind | "site", Resolution>>;

function by(remedy: RemedyName): Resolution {
  return { kind: "remedy", remedy };
}

function no(reason: string): Resolution {
  return { kind: "unavailable", reason };
}

function anywhere(remedy: RemedyName): ByKind {
  return { process: by(remedy), systemd: by(remedy), pod: by(remedy), workload: by(remedy), origin: by(remedy), site: by(remedy) };
}

const WATCHED_ONLY = no("the target is only watched: nothing here may restart it");
const NO_TARGET = no("the trigger names no target that could be restarted");

const RESTART: ByKind = {
  process: by("restart_process"),
  systemd: by("restart_process"),
  pod: by("restart_pod"),
  workload: no("a workload is restarted as a whole by rollout_restart; restart_pod is for one pod"),
  origin: WATCHED_ONLY,
  site: NO_TARGET,
};

const ONE_HOST = no("the target is one process of a host: that needs pods of a cluster");
const NO_POD = no("the target is only watched: that needs pods of a cluster");

const QUARANTINE: ByKind = {
  process: ONE_HOST,
  systemd: ONE_HOST,
  pod: by("quarantine_pod"),
  workload: no("a workload has no Service's label of its own: quarantine_pod is for one pod"),
  origin: NO_POD,
  site: no("the trigger names no pod that could be quarantined"),
};

const ROLLOUT: ByKind = {
  process: ONE_HOST,
  systemd: ONE_HOST,
  pod: by("rollout_restart"),
  workload: by("rollout_restart"),
  origin: NO_POD,
  site: no("the trigger names no target whose workload could be restarted"),
};

/** For the site as a whole the workload stands in the policy's `params:`. */
function scaling(remedy: RemedyName): ByKind {
  return { process: ONE_HOST, systemd: ONE_HOST, pod: by(remedy), workload: by(remedy), origin: NO_POD, site: by(remedy) };
}

function nowhere(reason: string): ByKind {
  const resolution = no(reason);
  return { process: resolution, systemd: resolution, pod: resolution, workload: resolution, origin: resolution, site: resolution };
}

type Action = {
  readonly on: ByKind;
  /** What its policy's default mode is decided by: it can take something working away. */
  readonly destructive: boolean;
  /** Done to a workload as a whole: once, however many of its pods ask for it. */
  readonly whole: boolean;
};

const ACTIONS: Readonly<Record<ActionName, Action>> = {
  restart_pod: { on: RESTART, destructive: true, whole: false },
  restart_process: { on: RESTART, destructive: true, whole: false },
  quarantine_pod: { on: QUARANTINE, destructive: true, whole: false },
  rollout_restart: { on: ROLLOUT, destructive: true, whole: true },
  run_command: { on: anywhere("run_command"), destructive: true, whole: false },
  alert: { on: anywhere("alert"), destructive: false, whole: false },
  hold_breaker: { on: anywhere("hold_breaker"), destructive: false, whole: false },
  scale_up: { on: scaling("scale_up"), destructive: true, whole: true },
  pre_scale: { on: scaling("pre_scale"), destructive: true, whole: true },
  failover_dns: { on: nowhere("failover needs regions and a provider: regions: and failover: in shopkeeper.yaml"), destructive: true, whole: false },
};

export const ACTION_NAMES: readonly ActionName[] = Object.keys(ACTIONS).filter(isAction);

export function isAction(name: string): name is ActionName {
  return Object.hasOwn(ACTIONS, name);
}

/** Whether the action can take something working away, so that its policy starts in observe mode. */
export function isDestructiveAction(action: ActionName): boolean {
  return ACTIONS[action].destructive;
}

/** Whether it is done to a workload as a whole, so that its pods ask for it together. */
export function isWholeAction(action: ActionName): boolean {
  return ACTIONS[action].whole;
}

/**
 * @param kind null for the site as a whole (checks that look at something all targets share).
 */
export function resolveAction(action: ActionName, kind: TargetKind | null): Resolution {
  return ACTIONS[action].on[kind ?? "site"];
}

/** Every remedy that may carry the action out, whatever the target is; a policy's `params:` are those of all of them. */
export function remediesOf(action: ActionName): readonly RemedyName[] {
  const resolutions = Object.values(ACTIONS[action].on);
  return [...new Set(resolutions.flatMap((one) => (one.kind === "remedy" ? [one.remedy] : [])))];
}
