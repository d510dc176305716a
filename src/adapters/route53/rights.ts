/**
 * Whether the credentials may do what a switch does, before it is needed.
 *
 * On the shadow record by deleting and creating the same again. On the others by a batch that Route 53 refuses for its content:
 * it looks at the rights first, and a policy may grant them name by name.
 */
import type { HealthCheck, ResourceRecordSet } from "@aws-sdk/client-route-53";
import { proofOf, TrafficError, type RightsProof, type TrafficEntry } from "../../ports/traffic.ts";
import type { Budget } from "./budget.ts";
import type { Route53Calls } from "./calls.ts";
import { neverHolds, sameAgain } from "./changes.ts";
import { refusedBatch } from "./failures.ts";
import { companionName, entryOf, isChecked, nameOf, standingOf, type RecordName, type Route53Record } from "./records.ts";

type Asked = { readonly records: readonly Route53Record[]; readonly shadow: RecordName | null; readonly site: string };
type Finding = { readonly ok: boolean; readonly sentence: string };

const HEALTH_PATH = "/health/region";

/** @throws {TrafficError} what proves nothing either way: `RATE_LIMITED`, `UNAVAILABLE`. */
export async function proveRights(calls: Route53Calls, { records, shadow, site }: Asked, budget: Budget): Promise<RightsProof> {
  const findings: Finding[] = [];
  const plain: Route53Record[] = [];
  for (const record of records) {
    const read = await readOne(calls, record, budget);
    findings.push(read.finding);
    if (read.entry?.steered !== undefined) findings.push(...(await healthChecks(calls, record, read.sets, budget)));
    else if (read.entry !== null) plain.push(record);
  }
  if (plain.length > 0) findings.push(await mayChange(calls, plain, budget));
  if (shadow !== null) findings.push(await shadowAgain(calls, shadow, site, budget));
  return proofOf(findings.map(({ ok, sentence: text }) => ({ ok, text })));
}

type ReadOne = { readonly finding: Finding; readonly entry: TrafficEntry | null; readonly sets: readonly ResourceRecordSet[] };

async function readOne(calls: Route53Calls, record: Route53Record, budget: Budget): Promise<ReadOne> {
  try {
    const [sets, companions] = await Promise.all([calls.list(record.name, record.type, budget), calls.list(companionName(record), "TXT", budget)]);
    const entry = entryOf(record, sets, companions);
    return { finding: { ok: true, sentence: `It may read ${nameOf(record)}.` }, entry, sets };
  } catch (error) {
    return { finding: unproven(error), entry: null, sets: [] };
  }
}

async function mayChange(calls: Route53Calls, records: readonly Route53Record[], budget: Budget): Promise<Finding> {
  const names = records.map(nameOf).join(", ");
  try {
    await calls.change(`ask for the rights on ${names}`, records.flatMap(neverHolds), budget);
    return { ok: true, sentence: `It may change ${names} and what stands beside: a batch that changes nothing was accepted.` };
  } catch (error) {
    if (refusedBatch(error)) return { ok: true, sentence: `It may change ${names} and what stands beside: a batch over what never stood there was refused for that alone.` };
    return unproven(error);
  }
}

async function shadowAgain(calls: Route53Calls, shadow: RecordName, site: string, budget: Budget): Promise<Finding> {
  try {
    const [sets, companions] = await Promise.all([calls.list(shadow.name, shadow.type, budget), calls.list(companionName(shadow), "TXT", budget)]);
    const entry = entryOf({ ...shadow, values: {} }, sets, companions);
    if (entry.mark?.site !== site) return { ok: false, sentence: `The shadow record ${nameOf(shadow)} bears no mark of this site, so it was left alone.` };
    await calls.change(`write the shadow record ${nameOf(shadow)}`, sameAgain(shadow, standingOf(entry)), budget);
    return { ok: true, sentence: `It wrote the shadow record ${nameOf(shadow)} as it was.` };
  } catch (error) {
    return unproven(error);
  }
}

async function healthChecks(calls: Route53Calls, record: Route53Record, sets: readonly ResourceRecordSet[], budget: Budget): Promise<readonly Finding[]> {
  const found: Finding[] = unchecked(record, sets);
  for (const id of new Set(sets.flatMap(({ HealthCheckId }) => HealthCheckId ?? []))) {
    try {
      found.push(healthFinding(record, id, await calls.healthCheck(id, budget)));
    } catch (error) {
      found.push(unproven(error));
    }
  }
  return found;
}

/** The last resort of a failover pair needs none. */
function unchecked(record: Route53Record, sets: readonly ResourceRecordSet[]): Finding[] {
  const bare = sets.filter((set) => set.Failover !== "SECONDARY" && !isChecked(set)).map(({ SetIdentifier = "" }) => SetIdentifier);
  return bare.length === 0 ? [] : [{ ok: false, sentence: `${nameOf(record)} has no health check for ${bare.join(", ")}: Route 53 leads buyers there though the region is gone.` }];
}

function healthFinding(record: Route53Record, id: string, check: HealthCheck | undefined): Finding {
  const { ResourcePath = "", Disabled, Inverted, RequestInterval = 30, FailureThreshold = 3, FullyQualifiedDomainName, IPAddress } = check?.HealthCheckConfig ?? {};
  const where = `${FullyQualifiedDomainName ?? IPAddress ?? "nowhere"}${ResourcePath}`;
  const told = `${nameOf(record)}: Route 53's health check ${id} asks ${where} every ${RequestInterval} s, and gives up after ${FailureThreshold} failures`;
  if (ResourcePath !== HEALTH_PATH) return { ok: false, sentence: `${told}; it is not steered by ${HEALTH_PATH}.` };
  if (Disabled === true || Inverted === true) return { ok: false, sentence: `${told}; but it is ${Disabled === true ? "disabled" : "inverted"}.` };
  return { ok: true, sentence: `${told}.` };
}

function unproven(error: unknown): Finding {
  if (!(error instanceof TrafficError) || error.code === "RATE_LIMITED" || error.code === "UNAVAILABLE") throw error;
  return { ok: false, sentence: `${error.message}.` };
}
