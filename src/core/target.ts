/**
 * What is watched and acted on.
 */

/** Name of a target, unique in a site: "app", "pod/storefront-7f9c". */
export type TargetId = string;

/** The target of checks that look at something all targets share (the Storefront API, Redis). */
export const SITE: TargetId = "site";

/** What a target is, which decides how an action on it is carried out. `workload`: all pods of one, as a whole. */
export type TargetKind = "process" | "systemd" | "pod" | "workload" | "origin";

export type Target = {
  readonly id: TargetId;
  readonly kind: TargetKind;
  /** Targets of one workload are replicas of each other; blast radius and ladder count per workload. */
  readonly workload: string;
  readonly zone?: string;
  readonly region?: string;
};

/** One check on one target: the unit that has a state. Written "check@target". */
export type LookKey = string;

export function lookKey(check: string, target: TargetId): LookKey {
  return `${check}@${target}`;
}

/** Takes a key apart again; check names never hold "@". */
export function splitLookKey(key: LookKey): { readonly check: string; readonly target: TargetId } {
  const at = key.indexOf("@");
  return { check: key.slice(0, at), target: key.slice(at + 1) };
}
