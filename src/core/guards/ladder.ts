/**
 * The restart ladder: after so many failed attempts of one episode a person is called,
 * once, and living targets are left alone until that person acts or the episode ends.
 * A process that is gone is started on, under its back-off: that harms nobody.
 */
import { failedAttempts } from "../episode.ts";
import { targetIn } from "../roster-index.ts";
import { formatDuration } from "../time.ts";
import type { Guard } from "./guard.ts";
import { ALLOW, episodeOf, hold } from "./guard.ts";

export const ladder: Guard = {
  name: "ladder",
  ask: (question) => {
    const { proposal, policy, scene } = question;
    const episode = episodeOf(question);
    if (policy.escalation === null || episode === undefined) return ALLOW;
    const { afterFailed, within } = policy.escalation;
    const isPod = targetIn(scene.targets, proposal.target)?.kind === "pod";
    const failed = failedAttempts(episode, proposal.target, within, scene.now, isPod ? (scene.startedAt.get(proposal.target) ?? null) : null);
    if (failed >= afterFailed && episode.escalated.ladder === undefined) {
      return { kind: "page", guard: "ladder", reason: `${failed} failed attempts within ${formatDuration(within)}` };
    }
    // Once a person was called, attempts growing too old to count do not begin the ladder anew.
    if (episode.escalated.ladder === undefined || proposal.gone) return ALLOW;
    return hold("ladder", `escalated after ${afterFailed} failed attempts: held until a person acts or ${formatDuration(scene.settings.relapse)} pass without failing`, null);
  },
};
