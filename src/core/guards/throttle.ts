/**
 * A dependency turns our looks away for asking too much, and the application's requests likely too: Hydrogen makes
 * 404s and errors of that. So nobody can tell whose fault a failing page is. It answers, so it is not down; it may be
 * throttling for hours. A restart would not help if it is the cause, and costs the process's own copies; if it is not, it would.
 *
 * Held for a bounded time, since most throttling is over in minutes; then a person is asked, who can see more. Never
 * restarted by ourselves.
 */
import { doubtOf } from "../explanation.ts";
import type { TargetId } from "../target.ts";
import { lookKey } from "../target.ts";
import { formatDuration } from "../time.ts";
import type { Guard, Question } from "./guard.ts";
import { ALLOW, callOnce, episodeOf, hold } from "./guard.ts";

export const throttle: Guard = {
  name: "throttle",
  ask: (question) => {
    const { proposal, scene } = question;
    if (proposal.gone || !proposal.destructive) return ALLOW;
    const byName = new Map(scene.specs.map((spec) => [spec.name, spec]));
    for (const check of proposal.evidence) {
      const spec = byName.get(check);
      const doubt = spec === undefined ? null : doubtOf(spec, proposal.target, byName, scene.checks);
      if (doubt?.kind !== "throttled") continue;
      const why = `${doubt.dependency} throttles our looks, so nobody can tell whose fault it is that ${check} fails`;
      // A person who acted gets the whole time again.
      const until = Math.max(proposal.since, doubt.since, episodeOf(question)?.rearmedAt ?? -Infinity) + scene.settings.throttled;
      if (scene.now < until) return hold("throttle", `${why}: a person is called unless it ends within ${formatDuration(scene.settings.throttled)}`, until);
      return callOnce("throttle", `${why}; if ${doubt.dependency} is well, restart by hand: shopkeeper restart ${proposal.target} --why "..."`, failingToo(check, question), question);
    }
    return ALLOW;
  },
};

/** Replicas that fail the same check meanwhile: one call is made for all of them. */
function failingToo(check: string, { proposal, scene }: Question): readonly TargetId[] {
  const others = scene.targets.filter(({ id, workload }) => workload === proposal.workload && (scene.checks.get(lookKey(check, id))?.failing.count ?? 0) > 0);
  return [proposal.target, ...others.map(({ id }) => id)];
}
