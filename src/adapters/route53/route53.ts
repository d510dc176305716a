/**
 * The Traffic port on records of Amazon Route 53. To be imported lazily: see sdk.ts.
 *
 * The mark stands in a TXT record beside each record: `_shopkeeper.NAME` (of AAAA: `_shopkeeper-aaaa.NAME`). One batch changes
 * both, over exactly what was read; what comes too late is refused by Route 53. Its API is in one region of AWS,
 * its answers are not: where records with health checks of its own decide (failover, weighted and the like), they are only read, and steered by /health/region.
 *
 * A change is made when Route 53 has accepted it and it was read back. All servers answer so within a minute or so; what is left
 * of TRAFFIC_DEADLINE_MS is spent waiting for them, and an entry whose servers did not all follow says so in its value.
 */
import type { RegionMark } from "../../core/region/mark.ts";
import { shortened } from "../../core/shortened.ts";
import type { Ms } from "../../core/time.ts";
import { sleep } from "../../ports/clock.ts";
import { MAX_ENTRIES, TRAFFIC_DEADLINE_MS, TrafficError } from "../../ports/traffic.ts";
import type { ProviderCall, RightsProof, SwitchOrder, SwitchOutcome, Traffic, TrafficEntry } from "../../ports/traffic.ts";
import { within, type Budget } from "./budget.ts";
import { ATTEMPT_MS, Route53Calls, type CallsOptions } from "./calls.ts";
import { changeXml, switchChanges, type Change } from "./changes.ts";
import { CallError, refusedBatch } from "./failures.ts";
import { checkRecord, companionName, entryOf, nameOf, standingOf, type RecordName, type Route53Record } from "./records.ts";
import { proveRights } from "./rights.ts";

export type { Route53Credentials } from "./calls.ts";
export type { Route53Record, RecordName, RecordType } from "./records.ts";

export type Route53Options = CallsOptions & {
  /** Whose records may be changed. */
  readonly site: string;
  /** 1 to MAX_ENTRIES. */
  readonly records: readonly Route53Record[];
  /** On which rights are proven; null: there is none. */
  readonly shadow: RecordName | null;
};

/** Of a switch: for reading and comparing, for writing, for reading back. Three of them are less than TRAFFIC_DEADLINE_MS. */
const PHASE_MS: Ms = 1_450;
/** Left when we stop asking whether all servers follow. */
const RESERVE_MS: Ms = 150;
const FIRST_PAUSE_MS: Ms = 200;
const LONGEST_PAUSE_MS: Ms = 1_000;
const AWS = "https://route53.amazonaws.com";

/** @throws {TrafficError} `INVALID`: a name or a value that such a record cannot have. */
export function createRoute53(options: Route53Options): Traffic {
  return new Route53(options);
}

class Route53 implements Traffic {
  readonly kind = "route53";
  readonly fencesLateWrites = true;
  readonly #options: Route53Options;
  readonly #calls: Route53Calls;

  constructor(options: Route53Options) {
    if (options.records.length === 0 || options.records.length > MAX_ENTRIES) throw new TrafficError("INVALID", `1 to ${MAX_ENTRIES} records, not ${options.records.length}`);
    options.records.forEach(checkRecord);
    if (options.shadow !== null) checkRecord(options.shadow);
    this.#options = options;
    this.#calls = new Route53Calls(options);
  }

  read(signal: AbortSignal): Promise<readonly TrafficEntry[]> {
    const { clock, records } = this.#options;
    return within(clock, TRAFFIC_DEADLINE_MS, signal, (budget) => Promise.all(records.map((record) => this.#read(record, budget))));
  }

  async switch(order: SwitchOrder, signal: AbortSignal): Promise<SwitchOutcome> {
    const record = this.#recordOf(order.entry);
    const changes = this.#changesOf(record, order);
    return within(this.#options.clock, TRAFFIC_DEADLINE_MS, signal, (budget) => this.#apply(record, order, changes, budget));
  }

  async adopt(entry: TrafficEntry, mark: RegionMark, signal: AbortSignal): Promise<SwitchOutcome> {
    const record = this.#recordOf(entry);
    if (entry.leadsTo === null) throw new TrafficError("INVALID", `${entry.name} leads to no region: ${entry.value}`);
    if (entry.mark !== null || entry.foreign !== null) throw new TrafficError("NOT_OURS", `${entry.name} ${markedBy(entry)}`);
    this.#checkMark(entry, entry.leadsTo, mark);
    const changes = switchChanges(record, standingOf(entry), null, mark);
    return within(this.#options.clock, TRAFFIC_DEADLINE_MS, signal, (budget) => this.#apply(record, { entry, to: mark.region, mark }, changes, budget));
  }

  calls(order: SwitchOrder): readonly ProviderCall[] {
    const record = this.#recordOf(order.entry);
    const base = `${this.#options.endpoint ?? AWS}/2013-04-01`;
    const rrset = `${base}/hostedzone/${this.#options.zoneId}/rrset`;
    const get = (url: string): ProviderCall => ({ method: "GET", url, body: null });
    const reads = [
      get(`${rrset}?maxitems=3&name=${record.name}&type=${record.type}`),
      get(`${rrset}?maxitems=3&name=${companionName(record)}&type=TXT`),
    ];
    return [...reads, { method: "POST", url: rrset, body: changeXml(this.#changesOf(record, order)) }, ...reads, get(`${base}/change/CHANGE`)];
  }

  proveRights(signal: AbortSignal): Promise<RightsProof> {
    const { clock, records, shadow, site } = this.#options;
    return within(clock, TRAFFIC_DEADLINE_MS, signal, (budget) => proveRights(this.#calls, { records, shadow, site }, budget));
  }

  async close(): Promise<void> {
    this.#calls.close();
  }

  #recordOf(entry: TrafficEntry): Route53Record {
    const record = this.#options.records.find((one) => nameOf(one) === entry.name);
    if (record === undefined) throw new TrafficError("INVALID", `${entry.name} is none of the records configured`);
    if (entry.steered !== undefined) throw new TrafficError("INVALID", `${entry.name} is decided by Route 53's own health checks: they are steered through /health/region, and the record is never switched`);
    return record;
  }

  #changesOf(record: Route53Record, { entry, to, mark }: SwitchOrder): readonly Change[] {
    if (entry.mark === null || entry.mark.site !== this.#options.site) throw new TrafficError("NOT_OURS", `${entry.name} ${markedBy(entry)}`);
    this.#checkMark(entry, to, mark);
    const value = record.values[to];
    if (value === undefined) throw new TrafficError("INVALID", `${entry.name} has no value for the region "${to}"`);
    return switchChanges(record, standingOf(entry), value, mark);
  }

  #checkMark({ name }: TrafficEntry, to: string, mark: RegionMark): void {
    if (mark.site !== this.#options.site || mark.region !== to) throw new TrafficError("INVALID", `${name}: a mark of the site "${mark.site}" for the region "${mark.region}", where "${this.#options.site}" and "${to}" are due`);
  }

  async #read(record: Route53Record, budget: Budget): Promise<TrafficEntry> {
    const [sets, companions] = await Promise.all([
      this.#calls.list(record.name, record.type, budget),
      this.#calls.list(companionName(record), "TXT", budget),
    ]);
    return entryOf(record, sets, companions);
  }

  async #apply(record: Route53Record, order: SwitchOrder, changes: readonly Change[], budget: Budget): Promise<SwitchOutcome> {
    const phase = <T>(run: (part: Budget) => Promise<T>): Promise<T> => within(this.#options.clock, PHASE_MS, budget.signal, run);
    const read = (): Promise<TrafficEntry> => phase((part) => this.#read(record, part));
    const before = await read();
    if (before.version !== order.entry.version) return { kind: "moved", found: before };
    try {
      const { id, everywhere } = await phase((part) => this.#calls.change(`change ${order.entry.name}`, changes, part));
      return await this.#accepted(order, id, everywhere, read, budget);
    } catch (error) {
      if (error instanceof CallError && error.maybeDone) return await readAfterSilence(order, error, read);
      if (error instanceof CallError && error.code === "INVALID") return await readAfterRefusal(order, error, read);
      throw error;
    }
  }

  async #accepted(order: SwitchOrder, id: string, everywhere: boolean, read: () => Promise<TrafficEntry>, budget: Budget): Promise<SwitchOutcome> {
    const found = await read().catch((error: unknown) => {
      throw new TrafficError("UNCERTAIN", `${order.entry.name}: Route 53 has accepted the change (${id}), and then could not be read: ${wordsOf(error)}`);
    });
    if (!isAsOrdered(found, order)) return { kind: "overwritten", found };
    const followed = everywhere || (await this.#waitForServers(id, budget));
    return { kind: "switched", entry: followed ? found : { ...found, value: shortened(`${found.value}, not yet on all servers of Route 53`, 199) } };
  }

  async #waitForServers(id: string, budget: Budget): Promise<boolean> {
    for (let pause = FIRST_PAUSE_MS; budget.leftMs() > pause + RESERVE_MS; pause = Math.min(LONGEST_PAUSE_MS, pause * 2)) {
      await sleep(this.#options.clock, pause, budget.signal);
      const left = budget.leftMs() - RESERVE_MS;
      if (left > 0 && (await within(this.#options.clock, Math.min(left, ATTEMPT_MS), budget.signal, (part) => this.#calls.everywhere(id, part)))) return true;
    }
    return false;
  }
}

/** The write was sent, and nothing came back that says what became of it. */
async function readAfterSilence(order: SwitchOrder, error: CallError, read: () => Promise<TrafficEntry>): Promise<SwitchOutcome> {
  let found: TrafficEntry;
  try {
    found = await read();
  } catch (second) {
    throw new TrafficError("UNCERTAIN", `${error.message}; nor could it be read: ${wordsOf(second)}`);
  }
  if (isAsOrdered(found, order)) return { kind: "switched", entry: found };
  const now = found.version === order.entry.version ? "it had not landed when it was read afterwards" : `what stands there is neither as it was nor as ordered: ${found.value}`;
  throw new TrafficError("UNCERTAIN", `${error.message}; ${now}`);
}

/** Refused: over what no longer stands, or for what it says. Which of them, only reading tells. */
async function readAfterRefusal(order: SwitchOrder, error: CallError, read: () => Promise<TrafficEntry>): Promise<SwitchOutcome> {
  const found = await read().catch(() => null);
  if (found === null || found.version === order.entry.version) throw error;
  // Not Route 53's own word, then, but that of something between: it was carried out.
  if (!refusedBatch(error) && isAsOrdered(found, order)) return { kind: "switched", entry: found };
  return { kind: "moved", found };
}

function isAsOrdered({ leadsTo, mark }: TrafficEntry, order: SwitchOrder): boolean {
  return leadsTo === order.to && mark !== null && mark.site === order.mark.site && mark.region === order.mark.region && mark.epoch === order.mark.epoch && mark.flippedAt === order.mark.flippedAt;
}

function markedBy({ mark, foreign }: TrafficEntry): string {
  if (mark !== null) return `is marked by the site "${mark.site}"`;
  return foreign === null ? "bears no mark of ours: adopt it first" : `bears somebody's words beside it: ${foreign}`;
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
