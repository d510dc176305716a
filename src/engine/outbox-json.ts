/** Reads a stored alert. What an older version wrote is checked, never cast unchecked. */
import type { Alert } from "../core/alert.ts";

/** An alert that waits to be sent. */
export type Waiting = { readonly route: string; readonly alert: Alert };

/** @returns null where the text is no waiting alert. */
export function parseWaiting(json: string): Waiting | null {
  try {
    const value: unknown = JSON.parse(json);
    if (!isFields(value) || typeof value["route"] !== "string") return null;
    const alert = parseAlert(value["alert"]);
    return alert === null ? null : { route: value["route"], alert };
  } catch {
    return null;
  }
}

function parseAlert(value: unknown): Alert | null {
  if (!isFields(value)) return null;
  const { key, state, severity, site, target, reason, summary, startedAt, at, runbook, details } = value;
  if (state !== "firing" && state !== "resolved") return null;
  if (severity !== "page" && severity !== "notify" && severity !== "info") return null;
  if (typeof startedAt !== "number" || typeof at !== "number" || !isFields(details)) return null;
  if (typeof key !== "string" || typeof site !== "string" || typeof target !== "string") return null;
  if (typeof reason !== "string" || typeof summary !== "string" || typeof runbook !== "string") return null;
  return { key, state, severity, site, target, reason, summary, startedAt, at, runbook, details };
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
