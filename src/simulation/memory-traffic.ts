/**
 * A provider of traffic without a provider: entries in memory, changed by as many writers as ask for a way in. It can
 * fence late writes as Route 53 does, or take them all as Cloudflare does; it fails on command, and writers can be
 * paused between their compare and their write.
 */
import { formatMark, MAX_MARK_CHARACTERS, parseMark, type RegionMark } from "../core/region/mark.ts";
import type { Ms } from "../core/time.ts";
import {
  TrafficError, type ProviderCall, type RightsProof, type SwitchOrder, type SwitchOutcome, type Traffic, type TrafficEntry, type TrafficErrorCode,
} from "../ports/traffic.ts";

export type MemoryEntry = {
  readonly name: string;
  /** By region, the value that leads there. */
  readonly values: Readonly<Record<string, string>>;
  /** What stands in it at first. */
  readonly value: string;
  /** What stands beside it at first; "": nothing. */
  readonly comment: string;
  readonly staleForMs: Ms;
};

export type MemoryFault =
  | { readonly kind: "refused"; readonly code: TrafficErrorCode; readonly retryAfterMs?: Ms }
  /** Of a write: no answer comes. */
  | { readonly kind: "unheard"; readonly landed: boolean }
  /** Of a write: accepted, and not made. */
  | { readonly kind: "lie" };

/** Where a writer stands: between its compare and its write, or between its write and reading it back. */
export type MemoryPoint = "compared" | "written";

export type MemoryProviderOptions = {
  readonly fences: boolean;
  readonly entries: readonly MemoryEntry[];
  /** Waited for by each writer at each point; a simulation lets time pass here. Default: no wait. */
  readonly pause?: (point: MemoryPoint, site: string, signal: AbortSignal) => Promise<void>;
};

type Row = { readonly value: string; readonly comment: string; readonly revision: number };
type Change = { readonly name: string; readonly before: Row; readonly after: Pick<Row, "value" | "comment"> };

export class MemoryProvider {
  readonly #options: MemoryProviderOptions;
  readonly #rows = new Map<string, Row>();
  #faults: { readonly on: "read" | "write"; readonly fault: MemoryFault }[] = [];
  /** Changes that were made, by whomever. */
  writes = 0;

  constructor(options: MemoryProviderOptions) {
    this.#options = options;
    for (const { name, value, comment } of options.entries) this.#rows.set(name, { value, comment, revision: 0 });
  }

  /** A way in, for one site. */
  traffic(site: string): Traffic {
    return new MemoryTraffic(this, this.#options, site);
  }

  /** The next one of these fails so, after those already told to. */
  fail(on: "read" | "write", fault: MemoryFault): void {
    this.#faults.push({ on, fault });
  }

  /** What stands in it. */
  value(name: string): string {
    return this.row(name).value;
  }

  /** By somebody's hand. */
  edit(name: string, changes: Partial<Pick<Row, "value" | "comment">>): void {
    const row = this.row(name);
    this.#rows.set(name, { ...row, ...changes, revision: row.revision + 1 });
    this.writes += 1;
  }

  takeFault(on: "read" | "write"): MemoryFault | null {
    const next = this.#faults.find((one) => one.on === on);
    this.#faults = this.#faults.filter((one) => one !== next);
    return next?.fault ?? null;
  }

  /** @throws {TrafficError} */
  row(name: string): Row {
    const row = this.#rows.get(name);
    if (row === undefined) throw new TrafficError("NOT_FOUND", `there is no ${name}`);
    return row;
  }
}

class MemoryTraffic implements Traffic {
  readonly kind = "memory";
  readonly fencesLateWrites: boolean;
  readonly #provider: MemoryProvider;
  readonly #options: MemoryProviderOptions;
  readonly #site: string;

  constructor(provider: MemoryProvider, options: MemoryProviderOptions, site: string) {
    this.fencesLateWrites = options.fences;
    this.#provider = provider;
    this.#options = options;
    this.#site = site;
  }

  async read(signal: AbortSignal): Promise<readonly TrafficEntry[]> {
    return this.#options.entries.map(({ name }) => this.#entry(name, this.#look(name, signal)));
  }

  async switch(order: SwitchOrder, signal: AbortSignal): Promise<SwitchOutcome> {
    return this.#apply(this.#ordered(order), signal);
  }

  calls(order: SwitchOrder): readonly ProviderCall[] {
    const { name, after } = this.#ordered(order);
    const url = `memory:${encodeURIComponent(name)}`;
    return [{ method: "GET", url, body: null }, { method: "PUT", url, body: JSON.stringify(after) }, { method: "GET", url, body: null }];
  }

  async adopt(entry: TrafficEntry, mark: RegionMark, signal: AbortSignal): Promise<SwitchOutcome> {
    const { known, before } = this.#known(entry);
    if (before.comment !== "") throw new TrafficError("NOT_OURS", `${known.name} bears ${JSON.stringify(before.comment)}`);
    const leadsTo = regionOf(known, before.value);
    if (leadsTo === null) throw new TrafficError("INVALID", `${known.name} leads to no region: ${before.value}`);
    return this.#apply({ name: known.name, before, after: { value: before.value, comment: this.#comment(mark, leadsTo) } }, signal);
  }

  async proveRights(signal: AbortSignal): Promise<RightsProof> {
    const fault = signal.aborted ? ({ kind: "refused", code: "UNAVAILABLE" } as const) : this.#provider.takeFault("write");
    if (fault?.kind === "refused" && fault.code === "UNAUTHORIZED") return { ok: false, findings: ["it may not write"] };
    if (fault !== null) throw new TrafficError("UNAVAILABLE", "it could not be asked");
    return { ok: true, findings: ["it may write"] };
  }

  async close(): Promise<void> {}

  async #apply(change: Change, signal: AbortSignal): Promise<SwitchOutcome> {
    const { name, before, after } = change;
    const found = this.#look(name, signal);
    if (found.revision !== before.revision) return { kind: "moved", found: this.#entry(name, found) };
    await this.#options.pause?.("compared", this.#site, signal);
    if (signal.aborted) throw new TrafficError("UNAVAILABLE", "the caller gave up");
    const written = this.#write(change);
    if (written === "late") return { kind: "moved", found: this.#entry(name, this.#provider.row(name)) };
    await this.#options.pause?.("written", this.#site, signal);
    const now = this.#lookBack(name, signal);
    const entry = this.#entry(name, now);
    if (now.value === after.value && now.comment === after.comment) return { kind: "switched", entry };
    if (written === "accepted") return { kind: "overwritten", found: entry };
    throw new TrafficError("UNCERTAIN", `nothing says what became of the change; it was read back as ${entry.value}`);
  }

  #write({ name, before, after }: Change): "accepted" | "unheard" | "late" {
    const fault = this.#provider.takeFault("write");
    if (fault?.kind === "refused") throw refusal(fault);
    if (this.#options.fences && this.#provider.row(name).revision !== before.revision) return "late";
    if (fault === null || (fault.kind === "unheard" && fault.landed)) this.#provider.edit(name, after);
    return fault?.kind === "unheard" ? "unheard" : "accepted";
  }

  #look(name: string, signal: AbortSignal): Row {
    if (signal.aborted) throw new TrafficError("UNAVAILABLE", "the caller gave up");
    const fault = this.#provider.takeFault("read");
    if (fault !== null) throw fault.kind === "refused" ? refusal(fault) : new TrafficError("UNAVAILABLE", "no answer");
    return this.#provider.row(name);
  }

  #lookBack(name: string, signal: AbortSignal): Row {
    try {
      return this.#look(name, signal);
    } catch (cause) {
      throw new TrafficError("UNCERTAIN", "a change was sent, and it could not be read back", { cause });
    }
  }

  /** @throws {TrafficError} where the order cannot be one of ours. */
  #ordered({ entry, to, mark }: SwitchOrder): Change {
    const { known, before } = this.#known(entry);
    const standing = parseMark(before.comment);
    if (standing?.site !== this.#site) throw new TrafficError("NOT_OURS", `${known.name} bears ${before.comment === "" ? "no mark" : JSON.stringify(before.comment)}`);
    const value = known.values[to];
    if (value === undefined) throw new TrafficError("INVALID", `${known.name} has nothing that leads to ${to}`);
    return { name: known.name, before, after: { value, comment: this.#comment(mark, to) } };
  }

  #known(entry: TrafficEntry): { readonly known: MemoryEntry; readonly before: Row } {
    const known = this.#options.entries.find(({ name }) => name === entry.name);
    if (known === undefined) throw new TrafficError("INVALID", `${entry.name} was not read here`);
    return { known, before: JSON.parse(entry.version) as Row };
  }

  #comment(mark: RegionMark, leadsTo: string): string {
    const text = formatMark(mark);
    if (mark.site !== this.#site || mark.region !== leadsTo || text.length > MAX_MARK_CHARACTERS) throw new TrafficError("INVALID", `${JSON.stringify(text)} is no mark of ${this.#site} for ${leadsTo}`);
    return text;
  }

  #entry(name: string, row: Row): TrafficEntry {
    const known = this.#options.entries.find((one) => one.name === name);
    const mark = parseMark(row.comment);
    return {
      name, mark, value: row.value, version: JSON.stringify(row),
      leadsTo: known === undefined ? null : regionOf(known, row.value),
      staleForMs: known?.staleForMs ?? 0,
      foreign: mark === null && row.comment !== "" ? row.comment.slice(0, 100) : null,
    };
  }
}

const regionOf = ({ values }: MemoryEntry, value: string): string | null => Object.keys(values).find((region) => values[region] === value) ?? null;

const refusal = ({ code, retryAfterMs = 0 }: Extract<MemoryFault, { kind: "refused" }>): TrafficError => new TrafficError(code, `refused: ${code}`, { retryAfterMs });
