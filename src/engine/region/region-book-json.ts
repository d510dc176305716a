/** Reads the stored state of the regions. What an older or foreign version wrote is checked, never cast unchecked. */
import type { RegionIncident } from "../../core/region/incident.ts";
import type { MarkMemory } from "../../core/region/standing.ts";
import type { Instant } from "../../core/time.ts";
import { isObject, parseObject } from "../stored-json.ts";
import type { RegionIntent, RegionState } from "./region-state.ts";

/** @returns null where the text is no state we understand. */
export function parseBook(json: string, now: Instant): RegionState | null {
  const value = parseObject(json);
  if (value === null) return null;
  const { acknowledged, repairedAgoMs, firing } = value;
  const memory = orNull(value["memory"], (one) => parseMemory(one, now));
  const incident = orNull(value["incident"], (one) => parseIncident(one, now));
  const intent = orNull(value["intent"], parseIntent);
  if (memory === undefined || incident === undefined || intent === undefined) return null;
  if (!isLength(acknowledged) || !Array.isArray(repairedAgoMs) || !repairedAgoMs.every(isLength)) return null;
  if (!isObject(firing) || !Object.values(firing).every((at) => typeof at === "number")) return null;
  return { memory, acknowledged, incident, intent, repairedAt: repairedAgoMs.map((ago) => now - ago), firing: firing as Readonly<Record<string, Instant>> };
}

/** undefined: it is there and not understood. */
function orNull<T>(value: unknown, parse: (value: Readonly<Record<string, unknown>>) => T | undefined): T | null | undefined {
  if (value === null) return null;
  return isObject(value) ? parse(value) : undefined;
}

function parseMemory({ region, epoch, forMs, found }: Readonly<Record<string, unknown>>, now: Instant): MarkMemory | undefined {
  if (typeof region !== "string" || !isLength(epoch) || !isLength(forMs) || typeof found !== "boolean") return undefined;
  return { region, epoch, since: now - forMs, found };
}

function parseIncident({ about, forMs, parity, readyForMs }: Readonly<Record<string, unknown>>, now: Instant): RegionIncident | undefined {
  if (typeof about !== "string" || !isLength(forMs)) return undefined;
  if (parity !== "proven" && parity !== "failed" && parity !== "not_measured") return undefined;
  const readySince = sinceOf(readyForMs, now);
  return readySince === undefined ? undefined : { about, since: now - forMs, parity, readySince };
}

function parseIntent({ id, kind, to, from, epoch, cause, who }: Readonly<Record<string, unknown>>): RegionIntent | undefined {
  if (kind !== "flip" && kind !== "repair" && kind !== "complete") return undefined;
  if (typeof id !== "string" || typeof to !== "string" || (typeof from !== "string" && from !== null)) return undefined;
  if (!isLength(epoch) || typeof cause !== "string" || typeof who !== "string") return undefined;
  return { id, kind, to, from, epoch, cause, who };
}

function sinceOf(length: unknown, now: Instant): Instant | null | undefined {
  if (length === null) return null;
  return isLength(length) ? now - length : undefined;
}

function isLength(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
