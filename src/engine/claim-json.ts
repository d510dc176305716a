/**
 * Reads stored claims. What an older or foreign version wrote is checked, never cast unchecked.
 */
import type { Claim, WorkloadClaims } from "../core/claims.ts";
import { isObject, parseObject } from "./stored-json.ts";

/** @returns null where the text is no claims we understand. */
export function parseClaims(json: string): WorkloadClaims | null {
  const value = parseObject(json);
  if (value === null) return null;
  const { workload, claims, of, name, written, left } = value;
  if (typeof workload !== "string" || typeof name !== "string" || !isSize(written)) return null;
  if ((of !== "autoscaler" && of !== "deployment") || !Array.isArray(claims)) return null;
  const read = claims.map(parseClaim);
  const leftTo = parseLeft(left);
  if (leftTo === undefined || !read.every((one) => one !== null)) return null;
  return { workload, claims: read, of, name, written, left: leftTo };
}

function parseClaim(value: unknown): Claim | null {
  if (!isObject(value)) return null;
  const { holder, size, until, why } = value;
  if (typeof holder !== "string" || !isSize(size) || typeof why !== "string") return null;
  return until === null || typeof until === "number" ? { holder, size, until, why } : null;
}

function parseLeft(value: unknown): WorkloadClaims["left"] | undefined {
  if (value === null) return null;
  if (!isObject(value)) return undefined;
  const { wanted, manager } = value;
  return isSize(wanted) && typeof manager === "string" ? { wanted, manager } : undefined;
}

function isSize(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}
