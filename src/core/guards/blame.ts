/**
 * Whose fault is it? Asked before anything living is taken away.
 *
 * Shared cause: a declared dependency is failing, or half of a workload of at least 4
 * targets fails the same check. Then nothing is restarted. With fewer failing, and
 * more than one, a single canary is restarted first: if that helped, the rest may
 * follow; if not, a person is called.
 */
import type { CheckSpec } from "../check.ts";
import { doubtOf } from "../explanation.ts";
import { targetIn } from "../roster-index.ts";
import type { Scene } from "../scene.ts";
import { specOf } from "../scene.ts";
import { isShared, workloadShares } from "../storm.ts";
import type { TargetId } from "../target.ts";
import { lookKey } from "../target.ts";
import type { Answer, Guard, Question } from "./guard.ts";
import { ALLOW, callOnce, episodeOf, hold } from "./guard.ts";

export const blame: Guard = {
  name: "blame",
  ask: (question) => {
    const { proposal, scene } = question;
    if (proposal.gone || !proposal.destructive) return ALLOW;
    const byName = new Map(scene.specs.map((spec) => [spec.name, spec]));
    for (const check of proposal.evidence) {
      const doubt = doubtAbout(check, proposal.target, scene, byName);
      if (doubt !== null) return hold("blame", doubt, null);
      const answer = fleetAnswer(check, question);
      if (answer.kind !== "allow") return answer;
    }
    return ALLOW;
  },
};

function doubtAbout(check: string, target: TargetId, scene: Scene, byName: ReadonlyMap<string, CheckSpec>): string | null {
  const spec = byName.get(check);
  const doubt = spec === undefined ? null : doubtOf(spec, target, byName, scene.checks);
  if (doubt === null) return null;
  switch (doubt.kind) {
    case "failing":
      return `shared cause: ${check} depends on ${doubt.dependency}, which is failing`;
    case "throttled":
      // Has a guard of its own, which was asked before.
      return null;
    case "unasked":
      return `${check} depends on ${doubt.dependency}, which has not been looked at since ${check} began to fail`;
    case "unconfirmed":
      return `${check} depends on ${doubt.dependency}, which passes: waiting to see whether ${check} still fails`;
  }
}

function fleetAnswer(check: string, question: Question): Answer {
  const { proposal, scene } = question;
  const of = (early: boolean) => workloadShares(scene, check, early).find((share) => share.name === proposal.workload);
  const judged = of(false);
  if (judged !== undefined && isShared(judged, scene.settings)) {
    const reason = `shared cause: ${judged.failing.length} of ${judged.judged} targets of ${proposal.workload} fail ${check}, so restarting them would not help`;
    return callOnce("blame", reason, judged.failing, question);
  }
  const early = of(true);
  if (early === undefined) return ALLOW;
  const unsure = siblingsUnsure(check, question, early.judged);
  if (unsure !== null) return unsure;
  if (isShared(early, scene.settings)) return hold("blame", `${early.failing.length} of ${early.judged} targets of ${proposal.workload} are failing ${check}: waiting to see whether the cause is shared`, null);
  return early.failing.length < 2 ? ALLOW : canaryAnswer(check, early.failing, question);
}

/**
 * Pods are judged by their own sidecars, each in its own time, and turn one after the other though they fail at once:
 * a cycle of the check, and the looks that turn a verdict, are waited for from the first failure.
 */
function siblingsUnsure(check: string, { proposal, scene }: Question, judged: number): Answer | null {
  const spec = specOf(scene, check);
  const failing = scene.checks.get(lookKey(check, proposal.target))?.failing;
  const kind = targetIn(scene.targets, proposal.target)?.kind;
  if (spec?.by !== "relay" || failing === undefined || failing.count === 0 || kind !== "pod" || judged < 2) return null;
  const until = failing.since + spec.cadence.interval + spec.thresholds.fall * spec.cadence.fast;
  return scene.now < until ? hold("blame", `waiting to see whether other pods of ${proposal.workload} fail ${check} too`, until) : null;
}

/** Several fail, too few for a storm: what did the first restart of this incident do? */
function canaryAnswer(check: string, failing: readonly TargetId[], question: Question): Answer {
  const { proposal, scene } = question;
  const open = scene.openActions.find((action) => action.workload === proposal.workload && action.cause === proposal.cause && action.target !== proposal.target);
  if (open !== undefined) return hold("blame", `${open.target} is the canary for ${check}: waiting to see whether its restart helps`, open.until);
  const canary = episodeOf(question)?.attempts.findLast((attempt) => attempt.destructive && attempt.phase !== "refused" && attempt.at >= begunElsewhere(check, failing, attempt.target, scene));
  if (canary === undefined || canary.phase === "verified") return ALLOW;
  const reason = `restarting the canary ${canary.target} did not help: ${failing.length} targets of ${proposal.workload} fail ${check}`;
  return callOnce("blame", reason, [canary.target, ...failing], question);
}

/** When the failing of the other targets began: an older restart was no canary of this incident. */
function begunElsewhere(check: string, failing: readonly TargetId[], canary: TargetId, scene: Scene): number {
  const others = failing.filter((target) => target !== canary);
  return Math.min(...others.map((target) => scene.checks.get(lookKey(check, target))?.failing.since ?? Infinity));
}
