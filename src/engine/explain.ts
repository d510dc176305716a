/**
 * Why a target is as it is, and what happens next: sentences for people.
 */
import type { CheckSpec } from "../core/check.ts";
import type { CheckState } from "../core/check-state.ts";
import type { Pause } from "../core/scene.ts";
import type { HoldView, IntentView, LookView, WhyView } from "../core/snapshot.ts";
import { looksToTurn } from "../core/snapshot.ts";
import type { SiteStatus } from "../core/status.ts";
import type { LookKey, TargetId } from "../core/target.ts";
import { lookKey } from "../core/target.ts";
import type { Instant } from "../core/time.ts";
import { formatDuration } from "../core/time.ts";
import { describeSeen } from "./record.ts";

/** What the gateway saw last of a target's failures. */
export type Trouble = { readonly at: Instant; readonly cause: string };

export function explain(facts: Omit<WhyView, "lines">, checks: readonly CheckSpec[], states: ReadonlyMap<LookKey, CheckState>, trouble: Trouble | null): readonly string[] {
  const { at, target } = facts;
  return [
    describeStatus(target, facts.status),
    ...(trouble === null ? [] : [`the gateway last saw it fail ${ago(trouble.at, at)}: ${trouble.cause}`]),
    ...facts.looks.flatMap((look) => lookLines(look, checks, states, at)),
    ...facts.openIntents.map((intent) => intentLine(intent, at)),
    ...facts.holds.map((hold) => holdLine(hold, at)),
    ...facts.pauses.map((pause) => pauseLine(pause, at)),
    ...facts.acknowledgements.map((ack) => `${ack.by} acknowledged ${ack.check ?? "every check"} ${ago(ack.at, at)}: ${ack.why}${until(ack.until, at)}`),
    ...facts.episodes.map((episode) => `${episode.attempts} attempts for ${episode.cause} in ${formatDuration(at - episode.startedAt)}, ${episode.failed} failed${episode.escalatedAt === null ? "" : `; a person was called ${ago(episode.escalatedAt, at)}`}`),
  ];
}

function describeStatus(target: TargetId, status: SiteStatus): string {
  return `${target} is ${status}`;
}

function lookLines(look: LookView, checks: readonly CheckSpec[], states: ReadonlyMap<LookKey, CheckState>, now: Instant): readonly string[] {
  if (look.inactive !== null) return [`${look.check} is inactive: ${look.inactive}`];
  const lines = [`${look.check} has been ${look.verdict} for ${formatDuration(now - look.since)}${look.last === null ? "; not looked at yet" : `; the last look ${ago(look.last.at, now)} ${describeSeen(look.last)}`}`];
  if (look.suppressedBy !== null) lines.push(`${look.check} is explained by ${look.suppressedBy}, so it does not count and nothing is done about it`);
  if (look.flapping.flapping) lines.push(`${look.check} flaps (${look.flapping.percent}% change), so actions on it are frozen`);
  if (look.unknowns > 0) lines.push(`${look.check} could not be looked at ${look.unknowns} times in a row, which is evidence of nothing`);
  const check = checks.find((one) => one.name === look.check);
  const state = states.get(lookKey(look.check, look.target));
  const turn = check === undefined || state === undefined ? null : looksToTurn(state, check);
  if (turn !== null && turn.missing > 0) lines.push(`${look.check} turns ${turn.to} after ${turn.missing} more of these in a row`);
  if (look.nextLookAt !== null) lines.push(`next look at ${look.check} ${inTime(look.nextLookAt, now)}`);
  return lines;
}

function intentLine(intent: IntentView, now: Instant): string {
  const { action, attempt, who, recordedAt, phase, verifyBy } = intent;
  const waiting = verifyBy === null ? "is under way" : `was done; it has helped if the checks are healthy ${inTime(verifyBy, now)}`;
  return `${action}, attempt ${attempt} by ${who}, begun ${ago(recordedAt, now)} (${phase}), ${waiting}`;
}

function holdLine(hold: HoldView, now: Instant): string {
  return `${hold.policy} holds (${hold.guard}): ${hold.reason}${hold.until === null ? "" : `; asked again ${inTime(hold.until, now)}`}`;
}

function pauseLine(pause: Pause, now: Instant): string {
  const what = pause.scope.kind === "all" ? "everything" : pause.scope.kind === "policy" ? `policy ${pause.scope.policy}` : pause.scope.target;
  return `${pause.by} paused ${what}: ${pause.why}${until(pause.until, now)}`;
}

function until(instant: Instant | null, now: Instant): string {
  return instant === null ? "" : `; ends ${inTime(instant, now)}`;
}

function ago(instant: Instant, now: Instant): string {
  return now - instant < 1 ? "just now" : `${formatDuration(now - instant)} ago`;
}

function inTime(instant: Instant, now: Instant): string {
  return instant <= now ? "now" : `in ${formatDuration(instant - now)}`;
}
