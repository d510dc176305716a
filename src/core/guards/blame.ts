/**
 * Whose fault is it? Asked before anything living is taken away.
 *
 * Shared cause: a declared dependency is failing, or at least 4 targets and half of
 * the workload fail the same check. Then nothing is restarted. With fewer failing, and
 * more than one, a single canary is restarted first: if that helped, the rest may
 * follow; if not, a person is called.
 */
import type { CheckState } from "../check-state.ts";
import type { Episode } from "../episode.ts";
import type { Proposal } from "../proposal.ts";
import type { Scene } from "../scene.ts";
import { specOf } from "../scene.ts";
import { isShared, workloadShares } from "../storm.ts";
import type { TargetId } from "../target.ts";
import { lookKey, SITE } from "../target.ts";
import type { Answer, Guard } from "./guard.ts";
import { ALLOW, episodeOf, hold } from "./guard.ts";

export const blame: Guard = {
  name: "blame",
  ask: (question) => {
    const { proposal, scene } = question;
    if (proposal.gone || !proposal.destructive) return ALLOW;
    const episode = episodeOf(question);
    for (const check of proposal.evidence) {
      const dependency = failingDependency(check, proposal.target, scene);
      if (dependency !== null) return hold("blame", `shared cause: ${check} depends on ${dependency}, which is failing`, null);
      const unasked = unaskedDependency(check, proposal.target, scene);
      if (unasked !== null) return hold("blame", `${check} depends on ${unasked}, which has not been looked at since ${check} began to fail`, null);
      const answer = fleetAnswer(check, proposal, scene, episode);
      if (answer.kind !== "allow") return answer;
    }
    return ALLOW;
  },
};

/** A declared dependency whose failures have begun, even if its verdict has not turned yet: a moment later it may explain everything. */
function failingDependency(check: string, target: TargetId, scene: Scene): string | null {
  return activeDependencies(check, target, scene).find(({ state }) => state !== undefined && (state.verdict === "unhealthy" || state.failing.count > 0))?.name ?? null;
}

/**
 * A declared dependency that was last looked at before the failing began: it may have gone since, and its
 * cadence is slower than ours. A look that could not see (`unknown`) will do: blindness must not
 * keep a sick process for ever.
 */
function unaskedDependency(check: string, target: TargetId, scene: Scene): string | null {
  const failing = scene.checks.get(lookKey(check, target))?.failing;
  if (failing === undefined || failing.count === 0) return null;
  const asked = (state: CheckState | undefined): boolean => state?.last != null && state.last.at - state.last.tookMs >= failing.since;
  return activeDependencies(check, target, scene).find(({ state }) => !asked(state))?.name ?? null;
}

function activeDependencies(check: string, target: TargetId, scene: Scene): readonly { readonly name: string; readonly state: CheckState | undefined }[] {
  return (specOf(scene, check)?.dependsOn ?? []).flatMap((name) => {
    const spec = specOf(scene, name);
    if (spec === undefined || spec.inactive !== null) return [];
    return [{ name, state: scene.checks.get(lookKey(name, spec.targets.includes(target) ? target : SITE)) }];
  });
}

function fleetAnswer(check: string, proposal: Proposal, scene: Scene, episode: Episode | undefined): Answer {
  const of = (early: boolean) => workloadShares(scene, check, early).find((share) => share.name === proposal.workload);
  const judged = of(false);
  if (judged !== undefined && isShared(judged, scene.settings)) {
    const reason = `shared cause: ${judged.failing.length} of ${judged.judged} targets of ${proposal.workload} fail ${check}, so restarting them would not help`;
    return episode?.escalated.blame === undefined ? { kind: "page", guard: "blame", reason } : hold("blame", reason, null);
  }
  const early = of(true);
  if (early === undefined) return ALLOW;
  if (isShared(early, scene.settings)) return hold("blame", `${early.failing.length} of ${early.judged} targets of ${proposal.workload} are failing ${check}: waiting to see whether the cause is shared`, null);
  return early.failing.length < 2 ? ALLOW : canaryAnswer(check, early.failing, proposal, scene, episode);
}

/** Several fail, too few for a storm: what did the first restart of this incident do? */
function canaryAnswer(check: string, failing: readonly TargetId[], proposal: Proposal, scene: Scene, episode: Episode | undefined): Answer {
  const open = scene.openActions.find((action) => action.workload === proposal.workload && action.cause === proposal.cause && action.target !== proposal.target);
  if (open !== undefined) return hold("blame", `${open.target} is the canary for ${check}: waiting to see whether its restart helps`, open.until);
  const canary = episode?.attempts.findLast((attempt) => attempt.destructive && attempt.phase !== "refused" && attempt.at >= begunElsewhere(check, failing, attempt.target, scene));
  if (canary === undefined || canary.phase === "verified") return ALLOW;
  const reason = `restarting the canary ${canary.target} did not help: ${failing.length} targets of ${proposal.workload} fail ${check}`;
  return episode?.escalated.blame === undefined ? { kind: "page", guard: "blame", reason } : hold("blame", reason, null);
}

/** When the failing of the other targets began: an older restart was no canary of this incident. */
function begunElsewhere(check: string, failing: readonly TargetId[], canary: TargetId, scene: Scene): number {
  const others = failing.filter((target) => target !== canary);
  return Math.min(...others.map((target) => scene.checks.get(lookKey(check, target))?.failing.since ?? Infinity));
}
