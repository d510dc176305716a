/** Standing orders as they are stored, and their reading back. */
import type { Mode } from "../core/proposal.ts";
import type { Pause } from "../core/scene.ts";
import type { AcknowledgementView } from "../core/snapshot.ts";
import type { Instant } from "../core/time.ts";
import { isObject, parseObject } from "./stored-json.ts";

export function parsePause(text: string): Pause | null {
  const value = parseObject(text);
  if (value === null) return null;
  const scope = scopeOf(value["scope"]);
  const { until, by, why } = value;
  if (scope === null || !isUntil(until) || typeof by !== "string" || typeof why !== "string") return null;
  return { scope, until, by, why };
}

export function parseAcknowledgement(text: string): AcknowledgementView | null {
  const value = parseObject(text);
  if (value === null) return null;
  const { target, check, workload, at, by, why, until } = value;
  if (typeof target !== "string" || typeof workload !== "string" || typeof by !== "string" || typeof why !== "string") return null;
  if ((check !== null && typeof check !== "string") || typeof at !== "number" || !isUntil(until)) return null;
  return { target, check, workload, at, by, why, until };
}

export function parseMode(text: string): Mode | null {
  const mode = parseObject(text)?.["mode"];
  return mode === "act" || mode === "observe" ? mode : null;
}

function scopeOf(value: unknown): Pause["scope"] | null {
  if (!isObject(value)) return null;
  const { kind, policy, target } = value;
  if (kind === "all") return { kind };
  if (kind === "policy" && typeof policy === "string") return { kind, policy };
  if (kind === "target" && typeof target === "string") return { kind, target };
  return null;
}

function isUntil(value: unknown): value is Instant | null {
  return value === null || typeof value === "number";
}
