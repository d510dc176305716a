/**
 * Reads a stored episode back. Stored state is input like any other: it is checked, not cast.
 */
import type { EpisodeMark } from "../core/episode.ts";
import { GUARD_NAMES } from "../core/proposal.ts";
import type { GuardName } from "../core/proposal.ts";
import type { Instant } from "../core/time.ts";
import { isObject, parseObject } from "./stored-json.ts";

/** A person was called on this route, and is told when it is over. */
export type Call = {
  readonly guard: GuardName;
  readonly route: string;
  /** Part of the alert's key: there may be several calls in an episode that a person has re-armed. */
  readonly beganAt: Instant;
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
  return { workload, cause, openedAt, lastFiringAt, escalated: calls, rearmedAt };
}

/** Older ones have no beginning of their own. */
function readCall(value: unknown, mark: EpisodeMark | null): Call | null {
  if (!isObject(value)) return null;
  const { guard, route, beganAt = mark?.openedAt } = value;
  return isGuard(guard) && typeof route === "string" && typeof beganAt === "number" ? { guard, route, beganAt } : null;
}

function isGuard(value: unknown): value is GuardName {
  return GUARD_NAMES.some((name) => name === value);
}
