/**
 * What is watched and acted on.
 */

/** Name of a target, unique in a site: "app", "pod/storefront-7f9c". */
export type TargetId = string;

/** The target of checks that look at something all targets share (the Storefront API, Redis). */
export const SITE: TargetId = "site";

/**
 * What a target is, which decides how an action on it is carried out. `pod`: its id is "pod/NAME", its workload the Deployment's name.
 * `workload`: a Deployment as a whole, by the name the configuration gives it; its workload is the Deployment's name.
 */
export type TargetKind = "process" | "systemd" | "pod" | "workload" | "origin";

export type Target = {
  readonly id: TargetId;
  readonly kind: TargetKind;
  /** Targets of one workload are replicas of each other; blast radius and ladder count per workload. */
  readonly workload: string;
  readonly zone?: string;
  readonly region?: string;
};

const POD = "pod/";

/** The name in the cluster of a target that is a pod; null for any other. */
export function podName(target: TargetId): string | null {
  return target.startsWith(POD) ? target.slice(POD.length) : null;
}

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
