/**
 * Reads a stored episode back. Stored state is input like any other: it is checked, not cast.
 */
import type { EpisodeMark } from "../core/episode.ts";
import { GUARD_NAMES } from "../core/proposal.ts";
import type { GuardName } from "../core/proposal.ts";
import type { TargetId } from "../core/target.ts";
import type { Instant } from "../core/time.ts";
import { isObject, parseObject } from "./stored-json.ts";

/** A person was called on this route, and is told when it is over. */
export type Call = {
  readonly guard: GuardName;
  readonly route: string;
  /** Part of the alert's key: there may be several calls in an episode that a person has re-armed. */
  readonly beganAt: Instant;
  /** Of a call about one pod; it is part of the key too. Absent: it is about the workload. */
  readonly target?: TargetId;
};
export type StoredEpisode = { readonly mark: EpisodeMark; readonly alerts: readonly Call[] };

/** @returns null where the text is not a stored episode. */
export function parseEpisode(text: string): StoredEpisode | null {
  const root = parseObject(text);
  if (root === null || !isObject(root["mark"]) || !Array.isArray(root["alerts"])) return null;
  const mark = readMark(root["mark"]);
  const alerts = root["alerts"].map((value) => readCall(value, mark));
  return mark === null || alerts.includes(null) ? null : { mark, alerts: alerts.filter((call) => call !== null) };
}

function readMark(value: Readonly<Record<string, unknown>>): EpisodeMark | null {
  const { workload, cause, openedAt, lastFiringAt, escalated, rearmedAt } = value;
  if (typeof workload !== "string" || typeof cause !== "string" || typeof openedAt !== "number" || typeof lastFiringAt !== "number") return null;
  if (!isObject(escalated) || (rearmedAt !== null && typeof rearmedAt !== "number")) return null;
  const calls: Partial<Record<GuardName, Instant>> = {};
  for (const [guard, at] of Object.entries(escalated)) {
    if (!isGuard(guard) || typeof at !== "number") return null;
    calls[guard] = at;
  }
  const pods = readPods(value["pods"] ?? {});
  return pods === null ? null : { workload, cause, openedAt, lastFiringAt, escalated: calls, rearmedAt, pods };
}

/** Older ones have none. */
function readPods(value: unknown): EpisodeMark["pods"] | null {
  if (!isObject(value)) return null;
  const isInstant = (at: unknown): at is Instant | null => at === null || typeof at === "number";
  const marks = Object.entries(value).map(([id, mark]) => (isObject(mark) && isInstant(mark["calledAt"]) && isInstant(mark["rearmedAt"]) ? ([id, { calledAt: mark["calledAt"], rearmedAt: mark["rearmedAt"] }] as const) : null));
  return marks.includes(null) ? null : Object.fromEntries(marks.filter((mark) => mark !== null));
}

/** Older ones have no beginning of their own. */
function readCall(value: unknown, mark: EpisodeMark | null): Call | null {
  if (!isObject(value)) return null;
  const { guard, route, beganAt = mark?.openedAt, target } = value;
  if (!isGuard(guard) || typeof route !== "string" || typeof beganAt !== "number" || !(target === undefined || typeof target === "string")) return null;
  return { guard, route, beganAt, ...(target === undefined ? {} : { target }) };
}

function isGuard(value: unknown): value is GuardName {
  return GUARD_NAMES.some((name) => name === value);
}
