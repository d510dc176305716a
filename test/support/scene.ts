/** A quiet scene, and the small pieces that tests put into it. */
import type { CheckSpec } from "../../src/core/check.ts";
import type { CheckState } from "../../src/core/check-state.ts";
import type { Asked } from "../../src/core/decide.ts";
import type { Episode, EpisodeMark, PastAction } from "../../src/core/episode.ts";
import { episodeKey, withAttempts } from "../../src/core/episode.ts";
import type { PolicySpec } from "../../src/core/policy.ts";
import type { Proposal } from "../../src/core/proposal.ts";
import type { Acknowledgement, Scene } from "../../src/core/scene.ts";
import { DEFAULT_GUARD_SETTINGS } from "../../src/core/scene.ts";
import type { Target, TargetId } from "../../src/core/target.ts";
import { lookKey } from "../../src/core/target.ts";
import { replay } from "./notation.ts";

/** Monday noon, UTC. */
export const NOW = Date.UTC(2026, 0, 5, 12, 0, 0);

export function web(count: number): readonly Target[] {
  return Array.from({ length: count }, (_, index) => ({ id: `web-${index + 1}`, kind: "process", workload: "web" }));
}

export function checkSpec(name: string, targets: readonly TargetId[], dependsOn: readonly string[] = []): CheckSpec {
  return { name, targets, dependsOn, cadence: { interval: 10_000, fast: 2_000, down: 5_000, timeout: 5_000 }, thresholds: { fall: 3, rise: 2 }, critical: true, inactive: null, remote: false };
}

/** The state a run in the notation leads to. */
export function after(run: string): CheckState {
  return replay(run);
}

export const RESTART: PolicySpec = {
  name: "pod_restart", trigger: { kind: "fails", check: "page", times: 3 }, triggerText: "page fails 3 consecutive times", action: "restart_pod", mode: "act",
  unavailable: null, cooldown: 60_000, escalation: { afterFailed: 5, within: 3_600_000, alert: "on_call" }, verifyWithin: 60_000, params: {}, windows: [],
};

export function restart(target: TargetId, more: Partial<Proposal> = {}): Proposal {
  return {
    policy: "pod_restart", action: "restart_pod", remedy: "restart_process", target, workload: "web", cause: "page", evidence: ["page"], since: NOW - 10_000,
    why: "page failed 3 times in a row", destructive: true, gone: false, precondition: { kind: "process", pid: 7, startTime: "1" }, params: {}, ...more,
  };
}

/** The start of a process that has exited. */
export function start(target: TargetId, more: Partial<Proposal> = {}): Proposal {
  return restart(target, { destructive: false, gone: true, precondition: { kind: "no_process" }, ...more });
}

export function asked(proposal: Proposal, policy: Partial<PolicySpec> = {}): Asked {
  return { proposal, policy: { ...RESTART, ...policy } };
}

export function past(target: TargetId, at: number, phase: PastAction["phase"] = "not_verified", more: Partial<PastAction> = {}): PastAction {
  const open = phase === "intended" || phase === "awaiting_verification";
  return { intentId: `${target}@${at}`, policy: "pod_restart", target, workload: "web", cause: "page", destructive: true, at, phase, doneAt: at, endedAt: open ? null : at + 60_000, ...more };
}

export function mark(more: Partial<EpisodeMark> = {}): EpisodeMark {
  return { workload: "web", cause: "page", openedAt: NOW - 3_000_000, lastFiringAt: NOW, escalated: {}, rearmedAt: null, pods: {}, ...more };
}

/** Of every check, now, unless said otherwise. */
export function ack(target: TargetId, more: Partial<Acknowledgement> = {}): Acknowledgement {
  return { workload: "web", target, check: null, at: NOW, by: "ann", ...more };
}

/** Actions, and the episode that they make. */
export function history(actions: readonly PastAction[], more: Partial<EpisodeMark> = {}): Pick<Scene, "actions" | "episodes"> {
  const episode: Episode = withAttempts(mark(more), actions);
  return { actions, episodes: new Map([[episodeKey("web", "page"), episode]]) };
}

/** Five replicas, of which `failing` have failed `page` three times. */
export function scene(failing: readonly TargetId[] = ["web-1"], more: Partial<Scene> = {}): Scene {
  const targets = more.targets ?? web(5);
  const ids = targets.map((target) => target.id);
  const checks = new Map(ids.map((id) => [lookKey("page", id), after(failing.includes(id) ? "xxx" : "...")]));
  checks.set(lookKey("shopify_api", "site"), after("......"));
  return {
    now: NOW, wall: NOW, timeZone: "UTC", settings: DEFAULT_GUARD_SETTINGS, actionsPerMinute: 10, actFrom: Number.NEGATIVE_INFINITY, targets, startupGrace: new Map(), startedAt: new Map(),
    specs: [checkSpec("page", ids, ["shopify_api"]), checkSpec("shopify_api", ["site"])], checks, flapping: new Set(), looks: new Map(), regions: new Map(),
    evidence: new Map(), breakers: [], pauses: [], acknowledgements: [], episodes: new Map(), actions: [], openActions: [], storms: [], ...more,
  };
}
