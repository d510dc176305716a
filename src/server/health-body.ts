/**
 * The health listener's bodies: `application/health+json` (draft-inadarei-api-health-check-06).
 *
 * Without the peer token only status words leave this process; with it, all details.
 */
import type { LookView, Snapshot } from "../core/snapshot.ts";
import { healthWord } from "../core/status.ts";

export type HealthWord = "pass" | "warn" | "fail";

export type HealthBody = {
  readonly status: HealthWord;
  readonly version?: string;
  readonly serviceId?: string;
  readonly notes?: readonly string[];
  readonly checks?: Readonly<Record<string, readonly HealthCheckBody[]>>;
};

/** One look (draft §4). `componentType` "component" is what the check looks at. */
export type HealthCheckBody = {
  readonly componentId: string;
  readonly componentType: "component";
  readonly status: HealthWord;
  readonly time?: string;
  readonly output?: string;
  readonly observedValue?: number;
  readonly observedUnit?: "ms";
};

/** 200 for pass and warn, 503 for fail: a degraded pod keeps its traffic. */
export function httpStatusOf(status: HealthWord): 200 | 503 {
  return status === "fail" ? 503 : 200;
}

/** The whole site. */
export function siteBody(snapshot: Snapshot, version: string, details: boolean): HealthBody {
  const status = healthWord(snapshot.status);
  if (!details) return { status };
  const checks: Record<string, HealthCheckBody[]> = {};
  for (const look of snapshot.looks) (checks[look.check] ??= []).push(lookBody(look));
  const notes = snapshot.causes.map((cause) => `${cause.check} at ${cause.target} is ${cause.verdict}`);
  return { status, version, serviceId: snapshot.site, notes, checks };
}

/** One check at all its targets; null when there is none of that name. The worst counted look decides. */
export function checkBody(snapshot: Snapshot, check: string, details: boolean): HealthBody | null {
  const looks = snapshot.looks.filter((look) => look.check === check);
  if (looks.length === 0) return null;
  const words = looks.map((look) => (look.inactive === null ? healthWord(look.verdict) : "pass"));
  const status = words.includes("fail") ? "fail" : words.includes("warn") ? "warn" : "pass";
  return details ? { status, serviceId: snapshot.site, checks: { [check]: looks.map(lookBody) } } : { status };
}

function lookBody(look: LookView): HealthCheckBody {
  const status = look.inactive === null ? healthWord(look.verdict) : "pass";
  const base = { componentId: look.target, componentType: "component", status } as const;
  if (look.inactive !== null) return { ...base, output: `inactive: ${look.inactive}` };
  const { last } = look;
  if (last === null) return { ...base, output: "no look yet" };
  const output = last.kind === "pass" ? undefined : last.detail;
  return {
    ...base,
    time: new Date(last.at).toISOString(),
    observedValue: Math.round(last.tookMs),
    observedUnit: "ms",
    ...(output === undefined ? {} : { output }),
  };
}
