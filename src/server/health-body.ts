/**
 * The health listener's bodies: `application/health+json` (draft-inadarei-api-health-check-06).
 *
 * Without the peer token only status words leave this process; with it, all details. What is ours and
 * not the draft's (§4.11 allows it) is read back by core/sidecar-report.ts: instants there are milliseconds
 * since the epoch, words are those of our own verdicts.
 */
import type { BreakerView } from "../core/breaker.ts";
import type { Level } from "../core/observation.ts";
import type { LookView, Snapshot } from "../core/snapshot.ts";
import { healthWord, type SiteStatus } from "../core/status.ts";
import type { Instant, Ms } from "../core/time.ts";

export type HealthWord = "pass" | "warn" | "fail";

export type HealthBody = {
  readonly status: HealthWord;
  readonly version?: string;
  readonly serviceId?: string;
  readonly notes?: readonly string[];
  readonly checks?: Readonly<Record<string, readonly (LookBody | MeasureBody)[]>>;
};

/** The whole site, with details. */
export type SiteBody = HealthBody & {
  /** Where the draft's words say "warn" of both degraded and unknown. */
  readonly verdict?: SiteStatus;
  readonly ready?: boolean;
  /** Pages that could be served in an outage. */
  readonly copies?: number;
  /** How long ago the gateway last saw a whole rendered page; absent: it saw none. An age, since the reader has another clock. */
  readonly lastGoodMsAgo?: Ms;
  readonly breakers?: readonly { readonly name: BreakerView["name"]; readonly state: BreakerView["effective"]; readonly since: Instant }[];
};

/** One look (draft §4). `componentType` "component" is what the check looks at. */
export type LookBody = {
  readonly componentId: string;
  readonly componentType: "component";
  readonly status: HealthWord;
  readonly time?: string;
  readonly output?: string;
  readonly observedValue?: number;
  readonly observedUnit?: "ms";
  readonly verdict: LookView["verdict"];
  readonly inactive?: string;
  readonly run?: NonNullable<LookView["run"]>;
  /** What the newest observation was, and why it was no pass. */
  readonly seen?: Level;
  readonly cause?: string;
  readonly at?: Instant;
  readonly facts?: Readonly<Record<string, number>>;
};

/** A measure under one of the draft's own names, such as "cpu:utilization" (draft §4.1), told by one look. */
export type MeasureBody = {
  readonly componentId: string;
  readonly componentType: "system";
  readonly status: HealthWord;
  readonly time: string;
  readonly observedValue: number;
  readonly observedUnit: "percent";
};

/** What the snapshot does not know. */
export type Standing = { readonly version: string; readonly ready: boolean } & GatewayStanding;

/** `lastGoodMsAgo` null: no whole rendered page was seen. */
export type GatewayStanding = { readonly copies: number; readonly lastGoodMsAgo: Ms | null };

/** 200 for pass and warn, 503 for fail: a degraded pod keeps its traffic. */
export function httpStatusOf(status: HealthWord): 200 | 503 {
  return status === "fail" ? 503 : 200;
}

/** The whole site. @param details null: for a stranger. */
export function siteBody(snapshot: Snapshot, details: Standing | null): SiteBody {
  const status = healthWord(snapshot.status);
  if (details === null) return { status };
  const { version, ready, copies, lastGoodMsAgo } = details;
  const good = lastGoodMsAgo === null ? {} : { lastGoodMsAgo };
  const notes = snapshot.causes.map((cause) => `${cause.check} at ${cause.target} is ${cause.verdict}`);
  const breakers = snapshot.breakers.map(({ name, effective, since }) => ({ name, state: effective, since }));
  return { status, version, serviceId: snapshot.site, notes, verdict: snapshot.status, ready, copies, ...good, breakers, checks: checksOf(snapshot) };
}

function checksOf({ looks }: Snapshot): Readonly<Record<string, readonly (LookBody | MeasureBody)[]>> {
  const checks: Record<string, (LookBody | MeasureBody)[]> = {};
  for (const look of looks) (checks[look.check] ??= []).push(lookBody(look));
  for (const look of looks) for (const [name, measure] of measuresOf(look)) (checks[name] ??= []).push(measure);
  return checks;
}

/** One check at all its targets; null when there is none of that name. The worst counted look decides. */
export function checkBody(snapshot: Snapshot, check: string, details: boolean): HealthBody | null {
  const looks = snapshot.looks.filter((look) => look.check === check);
  if (looks.length === 0) return null;
  const words = looks.map((look) => (look.inactive === null ? healthWord(look.verdict) : "pass"));
  const status = words.includes("fail") ? "fail" : words.includes("warn") ? "warn" : "pass";
  return details ? { status, serviceId: snapshot.site, checks: { [check]: looks.map(lookBody) } } : { status };
}

function lookBody(look: LookView): LookBody {
  const status = look.inactive === null ? healthWord(look.verdict) : "pass";
  const base = { componentId: look.target, componentType: "component", status, verdict: look.verdict } as const;
  if (look.inactive !== null) return { ...base, output: `inactive: ${look.inactive}`, inactive: look.inactive };
  const { last, run } = look;
  if (last === null) return { ...base, output: "no look yet" };
  return {
    ...base,
    time: new Date(last.at).toISOString(),
    observedValue: Math.round(last.tookMs),
    observedUnit: "ms",
    ...(run === null ? {} : { run }),
    seen: last.kind,
    ...(last.kind === "pass" ? {} : { output: last.detail, cause: last.cause }),
    at: last.at,
    ...(last.kind === "unknown" ? {} : { facts: last.facts }),
  };
}

/** Measured facts that the draft has a name for. */
const MEASURES = { cpu_usage: "cpu:utilization", memory_usage: "memory:utilization" } as const;

function measuresOf({ last, target, inactive }: LookView): readonly (readonly [string, MeasureBody])[] {
  if (last === null || last.kind === "unknown" || inactive !== null) return [];
  return Object.entries(MEASURES).flatMap(([fact, name]) => {
    const observedValue = last.facts[fact];
    if (observedValue === undefined) return [];
    const level = last.findings.find((finding) => finding.assertion === fact)?.level ?? "pass";
    const status = level === "unknown" ? "warn" : level;
    return [[name, { componentId: target, componentType: "system", status, time: new Date(last.at).toISOString(), observedValue, observedUnit: "percent" }] as const];
  });
}
