/**
 * A policy's condition over check states, at one instant: for which targets it is
 * true, since when, and by what evidence.
 */
import type { CheckSpec } from "./check.ts";
import type { CheckState } from "./check-state.ts";
import { failsInARow } from "./check-state.ts";
import { cronMatches, parseCron } from "./cron.ts";
import type { LookSample } from "./look-window.ts";
import { ERROR_RATE_WINDOW_MS } from "./look-window.ts";
import type { PolicySpec, Trigger } from "./policy.ts";
import { looksOf } from "./roster-index.ts";
import type { Scene } from "./scene.ts";
import type { TargetId } from "./target.ts";
import { SITE } from "./target.ts";
import type { Instant, Ms } from "./time.ts";
import { formatDuration } from "./time.ts";

/** What a trigger reads. */
export type TriggerScene = Pick<Scene, "now" | "wall" | "timeZone" | "specs" | "checks" | "looks" | "regions">;

/** The condition is true for this target. */
export type Firing = {
  /** SITE when it is about what all targets share. */
  readonly target: TargetId;
  readonly since: Instant;
  /** Checks that made it true, each once. */
  readonly evidence: readonly string[];
  /** One sentence, without a full stop. */
  readonly why: string;
};

/** Looks of the last minute that an error rate needs, so that one bad look is not 100 %. */
export const ERROR_RATE_LOOKS = 3;

/** Share of the expected samples that a sustained condition needs; a gap is no evidence. */
export const SUSTAINED_SHARE = 0.8;
/** Longest sustained condition. */
export const MAX_SUSTAINED_MS: Ms = 3_600_000;

/** At most one firing per target. Never throws. */
export function evaluate(trigger: Trigger, scene: TriggerScene): readonly Firing[] {
  switch (trigger.kind) {
    case "fails":
      return looks(scene, trigger.check, (state, spec, target) => failing(state, spec, target, trigger.times));
    case "sustained":
      return looks(scene, null, (_state, spec, target, samples) => sustained(samples, spec, target, trigger, scene.now));
    case "error_rate":
      return looks(scene, trigger.check, (state, spec, target, samples) => (isWell(state, spec) ? null : errorRate(samples, spec, target, trigger.overPercent, scene.now)));
    case "region":
      return region(trigger.region, scene);
    case "cron":
      return cron(trigger.expression, scene);
    case "and":
      return trigger.all.map((part) => evaluate(part, scene)).reduce(both);
    case "or":
      return trigger.any.map((part) => evaluate(part, scene)).reduce(either);
  }
}

/**
 * What cool-downs and ladders of a policy count by: the check's name where the
 * trigger is about one check, else its text, so that it stays the same while an
 * incident spreads from one check of an `or` to the next.
 */
export function causeOf(policy: Pick<PolicySpec, "trigger" | "triggerText">): string {
  const { trigger } = policy;
  return trigger.kind === "fails" || trigger.kind === "error_rate" ? trigger.check : policy.triggerText;
}

type Judge = (state: CheckState, spec: CheckSpec, target: TargetId, samples: readonly LookSample[]) => Firing | null;

function looks(scene: TriggerScene, check: string | null, judge: Judge): readonly Firing[] {
  const firings = new Map<TargetId, Firing>();
  for (const spec of scene.specs) {
    if (spec.inactive !== null || (check !== null && spec.name !== check)) continue;
    for (const { key, target } of looksOf(spec)) {
      const state = scene.checks.get(key);
      // A look that broke is evidence of nothing, so nothing is done on what was known before it.
      if (state?.last == null || state.last.kind === "unknown") continue;
      const firing = judge(state, spec, target, scene.looks.get(key) ?? []);
      const other = firings.get(target);
      if (firing !== null) firings.set(target, other === undefined ? firing : merge(other, firing, Math.min(other.since, firing.since)));
    }
  }
  return [...firings.values()];
}

function failing(state: CheckState, spec: CheckSpec, target: TargetId, times: number): Firing | null {
  if (!failsInARow(state, times)) return null;
  const last = state.lastEvidence?.kind === "fail" ? `: ${state.lastEvidence.detail}` : "";
  const run = state.failing.certain ? "its process exited" : `failed ${state.failing.count} times in a row`;
  const why = `${spec.name} ${state.failing.certain ? "fails, " : ""}${run}${last}`;
  return { target, since: state.failing.since, evidence: [spec.name], why };
}

function sustained(samples: readonly LookSample[], spec: CheckSpec, target: TargetId, { metric, over, forMs }: Extract<Trigger, { kind: "sustained" }>, now: Instant): Firing | null {
  const from = now - forMs;
  const values = samples.filter((look) => look.at > from && look.facts[metric] !== undefined);
  if (values.length === 0 || values.some((look) => (look.facts[metric] ?? 0) <= over)) return null;
  // Slots of one interval, so that a burst of fast looks cannot make up for a gap.
  const expected = Math.max(1, Math.floor(forMs / spec.cadence.interval));
  const width = forMs / expected;
  const slots = new Set(values.map((look) => Math.ceil((look.at - from) / width)));
  if (slots.size < SUSTAINED_SHARE * expected) return null;
  const newest = values.at(-1)?.facts[metric] ?? 0;
  return { target, since: values[0]?.at ?? now, evidence: [spec.name], why: `${metric} above ${over}% for ${formatDuration(forMs)} (now ${Math.round(newest)}%)` };
}

/** Healthy, and passing for long enough to turn healthy: what failed earlier in the minute is over. */
export function isWell(state: CheckState, spec: CheckSpec): boolean {
  return state.verdict === "healthy" && state.passing.count >= spec.thresholds.rise;
}

function errorRate(samples: readonly LookSample[], spec: CheckSpec, target: TargetId, overPercent: number, now: Instant): Firing | null {
  const judged = samples.filter((look) => look.at > now - ERROR_RATE_WINDOW_MS && look.level !== "unknown");
  const failed = judged.filter((look) => look.level === "fail");
  const percent = (failed.length * 100) / Math.max(1, judged.length);
  if (judged.length < ERROR_RATE_LOOKS || percent <= overPercent) return null;
  return {
    target,
    since: failed[0]?.at ?? now,
    evidence: [spec.name],
    why: `${spec.name} failed ${failed.length} of ${judged.length} looks of the last minute (${Math.round(percent)}%)`,
  };
}

function region(name: string, scene: TriggerScene): readonly Firing[] {
  const known = scene.regions.get(name);
  return known?.health === "unhealthy" ? [{ target: SITE, since: known.since, evidence: [], why: `region ${name} is unhealthy` }] : [];
}

function cron(expression: string, scene: TriggerScene): readonly Firing[] {
  const fields = parseCron(expression);
  if (fields === undefined || !cronMatches(fields, scene.wall, scene.timeZone)) return [];
  return [{ target: SITE, since: scene.now - (scene.wall % 60_000), evidence: [], why: `it is time by "${expression}"` }];
}

/** Both must be true for a target; what is true for the site is true for each of its targets. */
function both(left: readonly Firing[], right: readonly Firing[]): readonly Firing[] {
  const pairs = left.flatMap((one) => {
    const others = right.filter((other) => other.target === one.target || other.target === SITE || one.target === SITE);
    return others.map((other) => ({ ...merge(one, other, Math.max(one.since, other.since)), target: one.target === SITE ? other.target : one.target }));
  });
  const byTarget = new Map(pairs.map((pair) => [pair.target, pair]));
  return [...byTarget.values()];
}

function either(left: readonly Firing[], right: readonly Firing[]): readonly Firing[] {
  const firings = new Map(left.map((firing) => [firing.target, firing]));
  for (const firing of right) {
    const other = firings.get(firing.target);
    firings.set(firing.target, other === undefined ? firing : merge(other, firing, Math.min(other.since, firing.since)));
  }
  return [...firings.values()];
}

function merge(one: Firing, other: Firing, since: Instant): Firing {
  const evidence = [...new Set([...one.evidence, ...other.evidence])];
  return { target: one.target, since, evidence, why: `${one.why}; ${other.why}` };
}
