/**
 * Back-off of starts: the first start of an exited process comes at once, the next
 * after 1 s, 2 s, 4 s … 60 s. A process that ran for ten times the longest wait begins anew,
 * as the kubelet has it. A start that was refused (no such file) counts: trying again at once would not help. Never longer than the longest wait, so an exited process is always started in the end.
 */
import type { PastAction } from "../episode.ts";
import type { GuardSettings } from "../scene.ts";
import type { Instant, Ms } from "../time.ts";
import { formatDuration } from "../time.ts";
import type { Guard } from "./guard.ts";
import { ALLOW, hold } from "./guard.ts";

/** Running this many times the longest wait makes earlier starts forgotten. */
const FORGET_FACTOR = 10;

export const backoff: Guard = {
  name: "backoff",
  ask: ({ proposal, scene }) => {
    if (!proposal.gone) return ALLOW;
    const starts = scene.actions.filter((action) => action.target === proposal.target && action.policy === proposal.policy);
    const run = recentStarts(starts, scene.now, scene.settings.backoffTo * FORGET_FACTOR);
    const last = run.at(-1);
    if (last === undefined) return ALLOW;
    const wait = waitAfter(run.length, scene.settings);
    const until = startedAt(last) + wait;
    return scene.now >= until ? ALLOW : hold("backoff", `start ${run.length + 1} of ${proposal.target} waits ${formatDuration(wait)}`, until);
  },
};

function recentStarts(starts: readonly PastAction[], now: Instant, forget: Ms): readonly PastAction[] {
  let next = now;
  const from = starts.findLastIndex((start) => {
    const ranOn = next - startedAt(start) >= forget;
    next = startedAt(start);
    return ranOn;
  });
  return starts.slice(from + 1);
}

function waitAfter(starts: number, { backoffFrom, backoffTo }: GuardSettings): Ms {
  return Math.min(backoffTo, backoffFrom * 2 ** Math.min(starts - 1, 30));
}

function startedAt(action: PastAction): Instant {
  return action.doneAt ?? action.at;
}
