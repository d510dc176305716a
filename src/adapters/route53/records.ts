/**
 * Our records as Route 53 has them, and what is to be thought of them. Pure.
 *
 * Beside each record stands a TXT record, its companion, with the mark. Both change in one batch that deletes them exactly as
 * they were read, so Route 53 itself refuses a change that was decided on what no longer stands.
 */
import { isIPv4, isIPv6 } from "node:net";
import type { ResourceRecordSet } from "@aws-sdk/client-route-53";
import { parseMark, type RegionMark } from "../../core/region/mark.ts";
import { shortened } from "../../core/shortened.ts";
import { TrafficError, type TrafficEntry } from "../../ports/traffic.ts";
import { textOfTxt } from "./txt.ts";

export type RecordType = "A" | "AAAA" | "CNAME";

export type RecordName = {
  /** In any case, with or without the dot at its end; no wildcard. */
  readonly name: string;
  readonly type: RecordType;
};

export type Route53Record = RecordName & {
  /** By region: the one address or host name that leads to it. */
  readonly values: Readonly<Record<string, string>>;
};

/** A record set without any routing policy. */
export type PlainSet = { readonly ttl: number; readonly values: readonly string[] };

/** What a change is compared with, and what its batch deletes. */
export type Standing = { readonly record: PlainSet; readonly companion: PlainSet | null };

const MAX_VALUE = 200;
const MAX_FOREIGN = 100;
const HOST_NAME = /^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;

export const nameOf = ({ name, type }: RecordName): string => `${canonicalName(name)} ${type}`;

/** A and AAAA of one name are changed apart, so each has a companion of its own. */
export const companionName = ({ name, type }: RecordName): string => `${type === "AAAA" ? "_shopkeeper-aaaa" : "_shopkeeper"}.${canonicalName(name)}`;

export const canonicalName = (name: string): string => name.toLowerCase().replace(/\.$/, "");

/** @throws {TrafficError} `INVALID`, for a name or a value that Route 53 could not hold in such a record. */
export function checkRecord(record: RecordName & { readonly values?: Readonly<Record<string, string>> }): void {
  if (!HOST_NAME.test(canonicalName(record.name))) throw new TrafficError("INVALID", `"${shortened(record.name, 100)}" is not the name of a record, or it is a wildcard`);
  for (const [region, value] of Object.entries(record.values ?? {})) {
    const fits = record.type === "A" ? isIPv4(value) : record.type === "AAAA" ? isIPv6(value) : HOST_NAME.test(canonicalName(value));
    if (!fits) throw new TrafficError("INVALID", `${nameOf(record)}: "${shortened(value, 100)}", which is to lead to ${region}, is no value of such a record`);
    if (regionOf({ ...record, values: record.values ?? {} }, value) !== region) throw new TrafficError("INVALID", `${nameOf(record)}: "${value}" is to lead to two regions`);
  }
}

/**
 * @param sets of the record's name and type; none: there is no such record.
 * @param companions of the companion's name, TXT.
 * @throws {TrafficError} `NOT_FOUND`; `INVALID` for records of a kind that we do not change: alias records, routing policies.
 */
export function entryOf(record: Route53Record, sets: readonly ResourceRecordSet[], companions: readonly ResourceRecordSet[]): TrafficEntry {
  const [first] = sets;
  if (first === undefined) throw new TrafficError("NOT_FOUND", `${nameOf(record)}: there is no such record in the zone`);
  const beside = markOf(companions);
  if (sets.some((set) => set.Failover !== undefined) || sets.some((set) => set.SetIdentifier !== undefined && isChecked(set))) return { ...steeredEntry(record, sets), ...beside };
  const why = whyNotPlain(first);
  if (why !== null) throw new TrafficError("INVALID", `${nameOf(record)} ${why}`);
  const standing: Standing = { record: plainSet(first), companion: companions[0] === undefined ? null : plainSet(companions[0]) };
  const { ttl, values } = standing.record;
  return {
    name: nameOf(record),
    leadsTo: values.length === 1 ? regionOf(record, values[0]) : null,
    value: shortened(`${values.join(", ")}, TTL ${ttl} s`, MAX_VALUE - 1),
    staleForMs: ttl * 1_000,
    ...beside,
    version: versionOf(standing),
  };
}

function versionOf({ record, companion }: Standing): string {
  return JSON.stringify({ record, companion });
}

/** @throws {TrafficError} `INVALID`, for a version that was not read here. */
export function standingOf(entry: TrafficEntry): Standing {
  try {
    const parsed = JSON.parse(entry.version) as Partial<Standing>;
    if (parsed.record !== undefined && parsed.companion !== undefined) return { record: parsed.record, companion: parsed.companion };
  } catch {
    // Said below.
  }
  throw new TrafficError("INVALID", `${entry.name}: its version was not read from a plain record of Route 53`);
}

function plainSet(set: ResourceRecordSet): PlainSet {
  return { ttl: set.TTL ?? 0, values: (set.ResourceRecords ?? []).map(({ Value }) => Value ?? "").toSorted() };
}

function whyNotPlain(set: ResourceRecordSet): string | null {
  if (set.AliasTarget !== undefined) return `is an alias record, which has no address and no TTL of its own: make it a plain record, or let Route 53's health checks decide it (failover records)`;
  if (set.TrafficPolicyInstanceId !== undefined) return "belongs to a traffic policy, which would change it back";
  if (set.SetIdentifier !== undefined) return `has a routing policy (${policyOf(set)}): make it a plain record, or give it health checks of its own, which then decide it`;
  return null;
}

function policyOf(set: ResourceRecordSet): string {
  if (set.Failover !== undefined) return "failover";
  if (set.Weight !== undefined) return "weighted";
  if (set.Region !== undefined) return "latency";
  if (set.GeoLocation !== undefined || set.GeoProximityLocation !== undefined) return "by place";
  if (set.MultiValueAnswer !== undefined) return "several answers";
  return "by the visitor's network";
}

/** Whether Route 53 stops answering with it once it is unwell. */
export function isChecked({ HealthCheckId, AliasTarget }: ResourceRecordSet): boolean {
  return HealthCheckId !== undefined || AliasTarget?.EvaluateTargetHealth === true;
}

function steeredEntry(record: Route53Record, sets: readonly ResourceRecordSet[]): Omit<TrafficEntry, "mark" | "foreign"> {
  const primary = sets.find((set) => set.Failover === "PRIMARY");
  const told = sets.map((set) => `${set.Failover ?? policyOf(set)} ${targetOf(set)}${set.HealthCheckId === undefined ? "" : ` (health check ${set.HealthCheckId})`}`);
  const idle = primary !== undefined && !isChecked(primary);
  return {
    name: nameOf(record),
    leadsTo: primary === undefined ? null : regionOf(record, targetOf(primary)),
    value: shortened(`by Route 53's health checks: ${told.join(", ")}${idle ? "; PRIMARY has no health check, so it never fails over" : ""}`, MAX_VALUE - 1),
    staleForMs: Math.max(...sets.map((set) => set.TTL ?? ALIAS_TTL_S)) * 1_000,
    version: JSON.stringify(sets),
    steered: idle ? "unchecked" : "checked",
  };
}

/** What alias records to AWS's own load balancers are answered with. */
const ALIAS_TTL_S = 60;

function targetOf({ AliasTarget, ResourceRecords }: ResourceRecordSet): string {
  return AliasTarget?.DNSName ?? (ResourceRecords ?? []).map(({ Value }) => Value ?? "").join(" ");
}

function regionOf(record: Route53Record, value: string | undefined): string | null {
  if (value === undefined) return null;
  const wanted = canonicalValue(value);
  return Object.entries(record.values).find(([, leads]) => canonicalValue(leads) === wanted)?.[0] ?? null;
}

function canonicalValue(value: string): string {
  return isIPv6(value) ? new URL(`http://[${value}]`).hostname : canonicalName(value);
}

function markOf(companions: readonly ResourceRecordSet[]): { readonly mark: RegionMark | null; readonly foreign: string | null } {
  if (companions.length === 0) return { mark: null, foreign: null };
  const text = companions.flatMap((set) => plainSet(set).values.map(textOfTxt)).join(" | ");
  const simple = companions.length === 1 && companions[0]?.SetIdentifier === undefined;
  const mark = simple ? parseMark(text) : null;
  return mark === null ? { mark, foreign: shortened(text, MAX_FOREIGN - 1) } : { mark, foreign: null };
}
