/**
 * Which rights a singleton needs in its namespace, what each is for, and which of them it has.
 *
 * What is missing is said, and takes away only what it was for: a recovery without its right is recorded and not done.
 */
import type { Config, PolicyConfig } from "../config/config.ts";
import type { RemedyName } from "../core/action.ts";
import { isAction, remediesOf } from "../core/action.ts";
import type { Cluster, Right } from "../ports/cluster.ts";

/** `leading`, `seeing`: nothing works without. Others take away what they name. */
export type RightPurpose = "leading" | "seeing" | "state" | "events" | "cpu" | RemedyName;

export type RightNeed = { readonly right: Right; readonly for: RightPurpose };
export type RightFound = RightNeed & { readonly allowed: boolean; readonly reason: string };

const LOOK = ["get", "list", "watch"] as const;

function each(verbs: readonly string[], right: Omit<Right, "verb">, purpose: RightPurpose): readonly RightNeed[] {
  return verbs.map((verb) => ({ right: { verb, ...right }, for: purpose }));
}

/** In the order in which they are told. @param autoscalers names of those that size the configured workloads; null: they cannot be seen, so nobody knows what would be written. */
export function neededRights(config: Config, autoscalers: readonly string[] | null): readonly RightNeed[] {
  const { cluster } = config;
  if (cluster === null) return [];
  const pods = config.targets.filter((target) => target.pods !== null);
  const workloads = [...new Set(pods.map((target) => target.workload))];
  const remedies = new Set(config.policies.flatMap(({ action }) => (isAction(action) ? remediesOf(action) : [])));
  const own = [
    ...each(["create"], { group: "coordination.k8s.io", resource: "leases" }, "leading"),
    ...each(["get", "update"], { group: "coordination.k8s.io", resource: "leases", name: cluster.lease.name }, "leading"),
    ...(config.stores.state.kind === "kubernetes" ? stateRights(cluster.state, cluster.ledger) : []),
    ...each(["create"], { group: "events.k8s.io", resource: "events" }, "events"),
  ];
  if (pods.length === 0) return own;
  return [
    ...own,
    ...each(LOOK, { group: "", resource: "pods" }, "seeing"),
    ...each(LOOK, { group: "discovery.k8s.io", resource: "endpointslices" }, "seeing"),
    ...each(LOOK, { group: "apps", resource: "deployments" }, "seeing"),
    ...each(LOOK, { group: "autoscaling", resource: "horizontalpodautoscalers" }, "seeing"),
    ...each(LOOK, { group: "policy", resource: "poddisruptionbudgets" }, "seeing"),
    ...each(["list"], { group: "metrics.k8s.io", resource: "pods" }, "cpu"),
    ...[...remedies].flatMap((remedy) => remedyRights(remedy, config.policies, workloads, autoscalers)),
  ];
}

function stateRights(...names: readonly string[]): readonly RightNeed[] {
  const named = names.flatMap((name) => each(["get", "update"], { group: "", resource: "configmaps", name }, "state"));
  return [...each(["create"], { group: "", resource: "configmaps" }, "state"), ...named];
}

function remedyRights(remedy: RemedyName, policies: readonly PolicyConfig[], workloads: readonly string[], autoscalers: readonly string[] | null): readonly RightNeed[] {
  switch (remedy) {
    case "restart_pod":
      return methodsOf(policies).flatMap((method) => (method === "delete" ? each(["delete"], { group: "", resource: "pods" }, remedy) : each(["create"], { group: "", resource: "pods", subresource: "eviction" }, remedy)));
    case "quarantine_pod":
      return each(["patch"], { group: "", resource: "pods" }, remedy);
    case "rollout_restart":
      return workloads.flatMap((name) => each(["patch"], { group: "apps", resource: "deployments", name }, remedy));
    case "scale_up":
    case "pre_scale":
      if (autoscalers === null) return [];
      if (autoscalers.length > 0) return autoscalers.flatMap((name) => each(["patch"], { group: "autoscaling", resource: "horizontalpodautoscalers", name }, remedy));
      return workloads.flatMap((name) => each(["patch"], { group: "apps", resource: "deployments", subresource: "scale", name }, remedy));
    case "restart_process":
    case "run_command":
    case "alert":
    case "hold_breaker":
      return [];
  }
}

/** How pods are taken by the policies that take any. */
function methodsOf(policies: readonly PolicyConfig[]): readonly string[] {
  const restarting = policies.filter(({ action }) => remediesOfText(action).includes("restart_pod"));
  return [...new Set(restarting.map(({ params }) => (params["method"] === "delete" ? "delete" : "evict")))];
}

function remediesOfText(action: string): readonly RemedyName[] {
  return isAction(action) ? remediesOf(action) : [];
}

/** Asks; tries nothing. @throws {ClusterError} */
export async function findRights(config: Config, cluster: Cluster, signal: AbortSignal): Promise<readonly RightFound[]> {
  const workloads = new Set(config.targets.flatMap((target) => (target.pods === null ? [] : [target.workload])));
  const autoscalers = await cluster.autoscalers(signal).catch(() => null);
  const names = autoscalers === null ? null : autoscalers.filter(({ target }) => target.kind === "Deployment" && workloads.has(target.name)).map(({ name }) => name);
  const needs = neededRights(config, names);
  const answers = await cluster.canI(needs.map(({ right }) => right), signal);
  return needs.map((need, index) => ({ ...need, allowed: answers[index]?.allowed ?? false, reason: answers[index]?.reason ?? "" }));
}

/** "create pods/eviction", "patch deployments.apps storefront". */
export function rightText({ verb, group, resource, subresource, name }: Right): string {
  const kind = `${resource}${group === "" || group === "apps" ? "" : `.${group}`}${subresource === undefined ? "" : `/${subresource}`}`;
  return `${verb} ${kind}${name === undefined ? "" : ` ${name}`}`;
}

/** Policies whose recovery lacks a right only record; the reason names it. */
export function withoutMissing(policies: readonly PolicyConfig[], found: readonly RightFound[]): readonly PolicyConfig[] {
  return policies.map((policy) => {
    const missing = found.find(({ allowed, right, for: purpose }) => !allowed && isOf(policy, purpose, right));
    return missing === undefined || policy.unavailable !== null ? policy : { ...policy, unavailable: `missing right: ${rightText(missing.right)}` };
  });
}

function isOf({ action, params }: PolicyConfig, purpose: RightPurpose, right: Right): boolean {
  if (!remediesOfText(action).some((remedy) => remedy === purpose)) return false;
  return purpose !== "restart_pod" || (right.verb === "delete") === (params["method"] === "delete");
}
