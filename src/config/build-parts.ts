/** From the files' words to the configuration's: checks and policies, once they are known to be right. */
import { SITE } from "../core/target.ts";
import type { ActionName } from "../core/action.ts";
import type { ProbeKind, Surroundings } from "./catalogue.ts";
import type { CheckConfig, PolicyConfig, TargetConfig } from "./config.ts";
import type { SiteConfig } from "./build-site.ts";
import { isLoopback } from "./loopback.ts";
import { mapOf } from "./part.ts";
import { assertionKind, publishedPath, type ReadCheck } from "./relate-checks.ts";
import { SIDECAR } from "./pod-parts.ts";
import { modeOf, type ReadPolicy } from "./relate-policies.ts";

/** @param disabled names that `disabled:` lists: shown as inactive, so that what depends on them still stands. */
export function buildCheck(check: ReadCheck, site: SiteConfig, disabled: ReadonlySet<string>): CheckConfig | null {
  const { kind, input } = check;
  if (kind === undefined || input === undefined) return null;
  const surroundings: Surroundings = site;
  const targets = targetsOf(kind, input.targets, site);
  const idle = check.assertions.flatMap((assertion) => {
    const reason = assertionKind(kind, assertion.name)?.inactiveWhen?.(surroundings, check.settings) ?? null;
    return reason === null ? [] : [{ name: assertion.name, reason }];
  });
  const active = check.assertions.filter((assertion) => !idle.some((one) => one.name === assertion.name));
  const nothingLeft = idle.length > 0 && active.length === 0 ? idle.map((one) => `${one.name}: ${one.reason}`).join("; ") : null;
  return {
    name: check.name,
    probe: kind.name,
    settings: check.settings,
    assertions: active,
    inactiveAssertions: idle,
    endpoint: input.endpoint ?? null,
    published: publishedPath(check),
    ofWhole: kind.scope === "workload",
    ...lookedAtBy(kind, targets, site),
    file: check.part.source.file,
    filled: check.part.filled,
    targets,
    cadence: { interval: input.interval, fast: Math.min(input.fast, input.interval), down: Math.min(input.down, input.interval), timeout: input.timeout },
    thresholds: { fall: input.fall, rise: input.rise },
    critical: input.critical,
    dependsOn: input.depends_on,
    inactive: (disabled.has(check.name) ? "disabled in shopkeeper.yaml" : null) ?? check.idle ?? kind.inactiveWhen(surroundings) ?? nothingLeft ?? (targets.length === 0 ? "there is no target it can look at" : null),
    remote: isRemote(kind, check, targets, surroundings),
  };
}

function targetsOf(kind: ProbeKind, named: readonly string[] | undefined, site: SiteConfig): readonly string[] {
  if (kind.scope === "site") return [SITE];
  const able = site.targets.filter((target) => isAble(kind, target));
  return able.map((target) => target.id).filter((id) => named === undefined || named.includes(id));
}

function lookedAtBy(kind: ProbeKind, targets: readonly string[], site: SiteConfig): Pick<CheckConfig, "by"> {
  const sidecars = site.targets.some(({ id, pods }) => targets.includes(id) && pods?.sidecarPort != null);
  if (kind.scope !== "target" || !sidecars) return {};
  return { by: kind.name === SIDECAR ? "sidecar" : "relay" };
}

/** Pods with a sidecar are looked at through it, whatever the kind of look. */
function isAble({ scope, targetKinds }: ProbeKind, { kind, pods }: TargetConfig): boolean {
  if (scope === "workload") return pods !== null;
  if (pods !== null && pods.sidecarPort !== null) return true;
  return targetKinds === undefined || targetKinds.includes(pods === null ? kind : "pod");
}

function isRemote(kind: ProbeKind, check: ReadCheck, targets: readonly string[], site: Surroundings): boolean {
  // An address of its own counts instead of the target's.
  const url = mapOf(check.settings)["url"];
  if (url !== undefined) return !isLoopback(url);
  const remote = typeof kind.remote === "function" ? kind.remote(site, check.settings) : kind.remote;
  if (!remote || kind.scope === "site") return remote;
  return site.targets.some((target) => targets.includes(target.id) && !isLoopback(target.url));
}

const MINUTE = 60_000;
const COOLDOWN: Readonly<Record<ActionName, number>> = {
  restart_pod: MINUTE,
  restart_process: MINUTE,
  quarantine_pod: MINUTE,
  rollout_restart: 10 * MINUTE,
  run_command: MINUTE,
  alert: MINUTE,
  hold_breaker: MINUTE / 2,
  scale_up: 2 * MINUTE,
  pre_scale: 2 * MINUTE,
  failover_dns: 60 * MINUTE,
};

/** Another pod has to be scheduled, started and ready, and its looks to agree: a minute is for a process. */
const POD_VERIFY = 3 * MINUTE;

function verifyWithin({ part }: ReadPolicy, stated: number, site: SiteConfig): number {
  const pods = site.targets.some((target) => target.pods !== null);
  return pods && part.value["verify_within"] === undefined ? POD_VERIFY : stated;
}

export function buildPolicy(policy: ReadPolicy, site: SiteConfig): PolicyConfig | null {
  const { input, trigger, action } = policy;
  if (input === undefined || trigger === undefined || action === undefined) return null;
  return {
    name: policy.name,
    trigger,
    triggerText: input.trigger,
    action,
    mode: modeOf(policy, input, action),
    // What the shipped file says is our caution, not the operator's wish.
    modeGiven: !policy.part.shipped && input.mode !== undefined,
    unavailable: policy.unavailable,
    cooldown: input.cooldown ?? COOLDOWN[action],
    escalation: input.escalation === undefined ? null : { afterFailed: input.escalation.after, within: input.escalation.within, alert: input.escalation.alert },
    verifyWithin: verifyWithin(policy, input.verify_within, site),
    params: policy.params,
    windows: site.windows.filter((window) => input.windows === undefined || input.windows.includes(window.name)),
    file: policy.part.source.file,
  };
}
