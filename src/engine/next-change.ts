/**
 * When time alone may change what was decided: the end of a hold, of a pause, of a verification, of an episode, the next minute of a calendar.
 */
import type { Asked } from "../core/decide.ts";
import type { EpisodeMark } from "../core/episode.ts";
import { leaves } from "../core/look-window.ts";
import type { PolicySpec } from "../core/policy.ts";
import type { Decision } from "../core/proposal.ts";
import type { Scene } from "../core/scene.ts";
import type { Instant, Ms } from "../core/time.ts";

const MINUTE: Ms = 60_000;

export type Decided = {
  readonly decisions: readonly Decision[];
  /** The scene they were made in. */
  readonly scene: Scene;
  readonly asked: readonly Asked[];
  readonly marks: readonly EpisodeMark[];
  readonly policies: readonly PolicySpec[];
};

/** The first such instant after the scene's; null when only an event can change anything. */
export function nextChange({ decisions, scene, asked, marks, policies }: Decided): Instant | null {
  const instants = [
    ...decisions.flatMap((decision) => (decision.kind === "hold" && decision.until !== null ? [decision.until] : [])),
    ...scene.openActions.map((action) => action.until),
    ...marks.map((mark) => mark.lastFiringAt + scene.settings.relapse),
    ...minute(scene, policies),
    ...(asked.length > 0 ? scene.pauses.flatMap((pause) => (pause.until === null ? [] : [pause.until])) : []),
  ].filter((instant) => instant > scene.now);
  return instants.length === 0 ? null : Math.min(...instants);
}

/** Calendars change by the minute, where any policy has one. */
function minute(scene: Scene, policies: readonly PolicySpec[]): readonly Instant[] {
  const calendars = policies.some((policy) => leaves(policy.trigger).some((leaf) => leaf.kind === "cron"));
  return calendars ? [scene.now + MINUTE - (scene.wall % MINUTE)] : [];
}
