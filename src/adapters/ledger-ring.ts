/** Ledger entries in memory, bounded by age and size: what the ledgers without a database share. */
import type { LedgerEntry, NewLedgerEntry } from "../core/ledger-entry.ts";
import type { Instant } from "../core/time.ts";
import type { LedgerQuery } from "../ports/ledger.ts";
import { bounded, limitOf } from "./ledger-bounds.ts";
import type { LedgerLimits } from "./ledger-bounds.ts";

/** What an entry costs beside its text and details, about. */
const ENTRY_BYTES = 200;

type Kept = { entry: LedgerEntry; readonly bytes: number };

export class LedgerRing {
  readonly #limits: LedgerLimits;
  #kept: Kept[] = [];
  /** Of each kind and target. */
  readonly #newest = new Map<string, Kept>();
  #bytes = 0;
  #seq = 0;

  constructor(limits: LedgerLimits) {
    this.#limits = limits;
  }

  /** About as many as are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Appends, or counts on the newest entry of the same fold key, kind and target. */
  append(added: NewLedgerEntry, now: Instant): LedgerEntry {
    const { entry } = bounded(added);
    const newest = this.#newest.get(subjectOf(entry));
    if (newest !== undefined && entry.foldKey !== "" && newest.entry.foldKey === entry.foldKey) {
      newest.entry = { ...newest.entry, count: newest.entry.count + 1, lastAt: entry.at };
      return newest.entry;
    }
    const written = { ...entry, seq: this.#seq + 1, count: 1, lastAt: entry.at };
    this.#push(written);
    this.#prune(now);
    return written;
  }

  /** Takes entries in place of all there are, oldest first; numbers go on after the highest ever seen here. */
  replace(entries: readonly LedgerEntry[], now: Instant): void {
    this.#kept = [];
    this.#newest.clear();
    this.#bytes = 0;
    for (const entry of entries) this.#push(entry);
    this.#prune(now);
  }

  /** Oldest first. */
  all(): readonly LedgerEntry[] {
    return this.#kept.map((kept) => kept.entry);
  }

  query(query: LedgerQuery): readonly LedgerEntry[] {
    const { since, afterSeq, kinds, target } = query;
    return this.all()
      .filter((entry) => since === undefined || entry.lastAt >= since)
      .filter((entry) => afterSeq === undefined || entry.seq > afterSeq)
      .filter((entry) => kinds === undefined || kinds.includes(entry.kind))
      .filter((entry) => target === undefined || entry.target === target)
      .slice(-limitOf(query));
  }

  #push(entry: LedgerEntry): void {
    const bytes = ENTRY_BYTES + Buffer.byteLength(entry.text) + Buffer.byteLength(JSON.stringify(entry.details));
    const kept = { entry, bytes };
    this.#kept.push(kept);
    this.#newest.set(subjectOf(entry), kept);
    this.#bytes += bytes;
    this.#seq = Math.max(this.#seq, entry.seq);
  }

  #prune(now: Instant): void {
    const oldest = now - this.#limits.maxAgeMs;
    let gone = 0;
    for (const kept of this.#kept) {
      const { entry, bytes } = kept;
      if (entry.lastAt >= oldest && this.#bytes <= this.#limits.maxBytes) break;
      if (gone === this.#kept.length - 1) break;
      this.#bytes -= bytes;
      if (this.#newest.get(subjectOf(entry)) === kept) this.#newest.delete(subjectOf(entry));
      gone += 1;
    }
    if (gone > 0) this.#kept = this.#kept.slice(gone);
  }
}

function subjectOf({ kind, target }: Pick<NewLedgerEntry, "kind" | "target">): string {
  return `${kind}|${target}`;
}
