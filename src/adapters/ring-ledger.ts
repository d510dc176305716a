/**
 * The ledger of a daemon without a disk of its own: a JSON line per entry for whoever collects its output, and the newest
 * entries as a ring kept elsewhere, so that the next leader and the command line can read them.
 *
 * An entry is kept when its line is written: nothing that is done waits for the ring's home. The ring follows in
 * batches, since each write sends all of it: a second later, while it was not written a moment ago; a large one that is
 * written on and on rests for some seconds, and what only counts on an entry waits for half a minute. A daemon
 * that is killed loses so much of the ring, never of the lines.
 */
import type { LedgerEntry, NewLedgerEntry } from "../core/ledger-entry.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ledger, LedgerQuery, ObservationRecord } from "../ports/ledger.ts";
import { StateStoreError } from "../ports/state-store.ts";
import type { LedgerLimits } from "./ledger-bounds.ts";
import type { Merged } from "./ledger-merge.ts";
import { LedgerRing } from "./ledger-ring.ts";
import { ObservationRing } from "./observation-ring.ts";

const FLUSH_MS: Ms = 1_000;
/** How long a mere count waits: a hold that is repeated at every step is no news. */
const COUNT_MS: Ms = 30_000;
/** After a write the ring rests, in times of its size: 8 s when it is full. */
const BYTES_PER_MS = 64;
const MAX_FLUSH_MS: Ms = 60_000;
/** How old what others wrote may be in an answer. */
const REFRESH_MS: Ms = 2_000;

/** Where a ring is kept. Both calls have deadlines of their own, and reject where it cannot be reached. */
export interface RingHome {
  /** Oldest first. */
  read(): Promise<readonly LedgerEntry[]>;
  /** Puts our entries over what is there, as `mergeEntries` has it; durable when it resolves. */
  save(ours: readonly LedgerEntry[], savedSeq: number): Promise<Merged>;
  /** What is under way may be given up. */
  close(): void;
}

/** What a ledger tells while it is open. */
export type LedgerVoice = {
  /** Takes one line of JSON, without a line break, per entry; repeated holds that are counted on an entry are not told again. */
  readonly line: (text: string) => void;
  /** The ring cannot be written or read; once until it can. */
  readonly problem: (text: string) => void;
};

export type RingLedgerOptions = LedgerVoice & { readonly home: RingHome; readonly clock: Clock; readonly limits: LedgerLimits };

/** Reads what is there; begins empty, and says so, where it cannot. */
export async function openRingLedger(options: RingLedgerOptions): Promise<Ledger> {
  const ledger = new RingLedger(options);
  await ledger.refresh();
  return ledger;
}

class RingLedger implements Ledger {
  readonly #options: RingLedgerOptions;
  readonly #ring: LedgerRing;
  readonly #observations = new ObservationRing();
  #savedSeq = 0;
  /** What the ring's home does not have yet. */
  #unsaved: "nothing" | "counts" | "entries" = "nothing";
  #saving: Promise<void> | null = null;
  #flush: { readonly at: Instant; readonly cancel: () => void } | null = null;
  #flushMs = FLUSH_MS;
  #restUntil: Instant = -Infinity;
  #readAt: Instant = -Infinity;
  #troubled = false;
  #closed = false;

  constructor(options: RingLedgerOptions) {
    this.#options = options;
    this.#ring = new LedgerRing(options.limits);
  }

  async append(added: NewLedgerEntry): Promise<LedgerEntry> {
    this.#check();
    const written = this.#ring.append(added, this.#now());
    if (written.count === 1) {
      this.#options.line(JSON.stringify(written));
      this.#unsaved = "entries";
    } else if (this.#unsaved === "nothing") this.#unsaved = "counts";
    this.#flushLater();
    return written;
  }

  async query(query: LedgerQuery): Promise<readonly LedgerEntry[]> {
    this.#check();
    if (this.#unsaved === "nothing" && this.#saving === null && this.#now() - this.#readAt >= REFRESH_MS) await this.refresh();
    return this.#ring.query(query);
  }

  observe(record: ObservationRecord): void {
    if (!this.#closed) this.#observations.add(record);
  }

  async observations(query: Parameters<Ledger["observations"]>[0]): Promise<readonly ObservationRecord[]> {
    this.#check();
    return this.#observations.query(query);
  }

  /** Writes what is left to write; gives up after one try. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#flush?.cancel();
    await this.#saving;
    if (this.#unsaved !== "nothing") await this.#save();
    this.#options.home.close();
  }

  /** Takes in what others wrote. */
  async refresh(): Promise<void> {
    this.#readAt = this.#now();
    try {
      const entries = await this.#options.home.read();
      // What was appended meanwhile comes together with it when it is saved.
      if (this.#unsaved !== "nothing" || this.#saving !== null) return;
      this.#take(entries);
      this.#troubled = false;
    } catch (error) {
      this.#trouble("read", error);
    }
  }

  /** Plans a write; an earlier plan stands. */
  #flushLater(): void {
    if (this.#unsaved === "nothing" || this.#saving !== null || this.#closed) return;
    const at = Math.max(this.#now() + (this.#unsaved === "counts" ? COUNT_MS : this.#flushMs), this.#restUntil);
    if (this.#flush !== null && this.#flush.at <= at) return;
    this.#flush?.cancel();
    const cancel = this.#options.clock.after(at - this.#now(), () => {
      this.#flush = null;
      this.#saving = this.#save().finally(() => {
        this.#saving = null;
        this.#flushLater();
      });
    });
    this.#flush = { at, cancel };
  }

  async #save(): Promise<void> {
    const ours = this.#ring.all();
    this.#unsaved = "nothing";
    this.#restUntil = this.#now() + this.#ring.bytes / BYTES_PER_MS;
    try {
      this.#saved(await this.#options.home.save(ours, this.#savedSeq), ours.at(-1)?.seq ?? 0);
    } catch (error) {
      this.#unsaved = "entries";
      this.#flushMs = Math.min(this.#flushMs * 2, MAX_FLUSH_MS);
      this.#trouble("write", error);
    }
  }

  #saved({ entries, shift }: Merged, upTo: number): void {
    this.#flushMs = FLUSH_MS;
    this.#troubled = false;
    if (shift === 0) {
      this.#savedSeq = Math.max(this.#savedSeq, upTo);
      return;
    }
    const later = this.#ring.all().filter(({ seq }) => seq > upTo);
    this.#take(entries);
    this.#ring.replace([...entries, ...later.map((entry) => ({ ...entry, seq: entry.seq + shift }))], this.#now());
  }

  #take(entries: readonly LedgerEntry[]): void {
    this.#ring.replace(entries, this.#now());
    this.#savedSeq = Math.max(this.#savedSeq, entries.at(-1)?.seq ?? 0);
  }

  #trouble(what: "read" | "write", error: unknown): void {
    if (this.#troubled) return;
    this.#troubled = true;
    this.#options.problem(`cannot ${what} the ledger's ring: ${error instanceof Error ? error.message : String(error)}`);
  }

  #now(): Instant {
    return this.#options.clock.now();
  }

  #check(): void {
    if (this.#closed) throw new StateStoreError("UNAVAILABLE", "the ledger is closed");
  }
}
