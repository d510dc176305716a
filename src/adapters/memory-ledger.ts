/** A ledger in memory: a bounded ring, for tests, the simulation and sidecars. */
import type { LedgerEntry, NewLedgerEntry } from "../core/ledger-entry.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ledger, LedgerQuery, ObservationRecord } from "../ports/ledger.ts";
import { StateStoreError } from "../ports/state-store.ts";
import { bounded, limitOf, MAX_WAITING_OBSERVATIONS } from "./ledger-bounds.ts";
import type { LedgerLimits } from "./ledger-bounds.ts";

/** What an entry costs beside its text and details, about. */
const ENTRY_BYTES = 200;

export function createMemoryLedger(clock: Clock, limits: LedgerLimits): Ledger {
  return new MemoryLedger(clock, limits);
}

class MemoryLedger implements Ledger {
  readonly #clock: Clock;
  readonly #limits: LedgerLimits;
  #entries: { entry: LedgerEntry; readonly bytes: number }[] = [];
  #bytes = 0;
  #seq = 0;
  #observations: ObservationRecord[] = [];
  #closed = false;

  constructor(clock: Clock, limits: LedgerLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  async append(added: NewLedgerEntry): Promise<LedgerEntry> {
    this.#check();
    const { entry, details } = bounded(added);
    const newest = this.#entries.findLast((old) => old.entry.kind === entry.kind && old.entry.target === entry.target);
    if (newest !== undefined && entry.foldKey !== "" && newest.entry.foldKey === entry.foldKey) {
      newest.entry = { ...newest.entry, count: newest.entry.count + 1, lastAt: entry.at };
      return newest.entry;
    }
    this.#seq += 1;
    const written = { ...entry, seq: this.#seq, count: 1, lastAt: entry.at };
    const bytes = ENTRY_BYTES + entry.text.length + details.length;
    this.#entries.push({ entry: written, bytes });
    this.#bytes += bytes;
    this.#prune();
    return written;
  }

  async query(query: LedgerQuery): Promise<readonly LedgerEntry[]> {
    this.#check();
    const { since, afterSeq, kinds, target } = query;
    return this.#entries
      .map((kept) => kept.entry)
      .filter((entry) => since === undefined || entry.lastAt >= since)
      .filter((entry) => afterSeq === undefined || entry.seq > afterSeq)
      .filter((entry) => kinds === undefined || kinds.includes(entry.kind))
      .filter((entry) => target === undefined || entry.target === target)
      .slice(-limitOf(query));
  }

  observe(record: ObservationRecord): void {
    if (this.#closed) return;
    this.#observations.push(record);
    if (this.#observations.length > MAX_WAITING_OBSERVATIONS * 2) this.#observations = this.#observations.slice(-MAX_WAITING_OBSERVATIONS);
  }

  async observations({ since, check, limit = 10_000 }: { readonly since: number; readonly check?: string; readonly limit?: number }): Promise<readonly ObservationRecord[]> {
    this.#check();
    return this.#observations.filter((seen) => seen.at >= since && (check === undefined || seen.check === check)).slice(-Math.max(1, limit));
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #prune(): void {
    const oldest = this.#clock.now() - this.#limits.maxAgeMs;
    let gone = 0;
    for (const { entry, bytes } of this.#entries) {
      if (entry.lastAt >= oldest && this.#bytes <= this.#limits.maxBytes) break;
      if (gone === this.#entries.length - 1) break;
      this.#bytes -= bytes;
      gone += 1;
    }
    if (gone > 0) this.#entries = this.#entries.slice(gone);
  }

  #check(): void {
    if (this.#closed) throw new StateStoreError("UNAVAILABLE", "the ledger is closed");
  }
}
