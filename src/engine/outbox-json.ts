/** Reads a stored alert. What an older version wrote is checked, never cast unchecked. */
import type { Alert } from "../core/alert.ts";
import { isObject, parseObject } from "./stored-json.ts";

/** An alert that waits to be sent. */
export type Waiting = { readonly route: string; readonly alert: Alert };

/** @returns null where the text is no waiting alert. */
export function parseWaiting(json: string): Waiting | null {
  const value = parseObject(json);
  if (value === null || typeof value["route"] !== "string") return null;
  const alert = parseAlert(value["alert"]);
  return alert === null ? null : { route: value["route"], alert };
}

function parseAlert(value: unknown): Alert | null {
  if (!isObject(value)) return null;
  const { key, state, severity, site, target, reason, summary, startedAt, at, runbook, details } = value;
  if (state !== "firing" && state !== "resolved") return null;
  if (severity !== "page" && severity !== "notify" && severity !== "info") return null;
  if (typeof startedAt !== "number" || typeof at !== "number" || !isObject(details)) return null;
  if (typeof key !== "string" || typeof site !== "string" || typeof target !== "string") return null;
  if (typeof reason !== "string" || typeof summary !== "string" || typeof runbook !== "string") return null;
  return { key, state, severity, site, target, reason, summary, startedAt, at, runbook, details };
}
