/**
 * State and ledger in one SQLite file, in a thread of its own: SQLite is synchronous, and
 * each durable write waits for the disk.
 */
import type { LedgerEntry, NewLedgerEntry } from "../core/ledger-entry.ts";
import type { Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ledger, LedgerQuery, ObservationRecord } from "../ports/ledger.ts";
import type { StateStore, Stored } from "../ports/state-store.ts";
import { MAX_WAITING_OBSERVATIONS } from "./ledger-bounds.ts";
import type { LedgerLimits } from "./ledger-bounds.ts";
import { SqliteThread } from "./sqlite-thread.ts";
import { checkKey, checkValue } from "./state-bounds.ts";

/** Observations are written together this often, or when a batch is full. */
const BATCH_EVERY_MS: Ms = 1_000;
const BATCH = 500;

export type SqliteParts = {
  /** The database file; its folder is made. */
  readonly file: string;
  /** The thread's entry: `new URL("./sqlite-worker.ts", import.meta.url)` of src, or its bundle. */
  readonly workerUrl: URL;
  readonly clock: Clock;
  readonly limits: LedgerLimits;
  /** What went wrong beside a request: the thread died, observations were dropped. */
  readonly problem: (text: string) => void;
  /** The file was found damaged while it was in use: the new one holds a row under `LOSS_PREFIX`, as after opening. */
  readonly lost?: () => void;
};

export type SqliteStores = {
  readonly state: StateStore;
  readonly ledger: Ledger;
  /** Where a corrupt file was moved, and what was wrong with it; null: it was sound or new. */
  readonly moved: { readonly to: string; readonly problem: string } | null;
  /** Observations dropped since the start. */
  dropped(): number;
  /** Closes both; closing either port alone closes both too. */
  close(): Promise<void>;
};

/**
 * Opens the file, or begins it.
 *
 * @throws {StateStoreError} `UNAVAILABLE`: another daemon has it, no right, or a newer version wrote it.
 */
export async function openSqlite(parts: SqliteParts): Promise<SqliteStores> {
  const { file, workerUrl, clock, limits, problem, lost = () => undefined } = parts;
  const thread = new SqliteThread({ workerUrl, settings: { file, limits }, clock, problem, lost });
  const { movedTo, problem: wrong } = await thread.open();
  const ledger = new SqliteLedger(thread, clock, problem);
  const close = (): Promise<void> => ledger.close();
  return {
    state: new SqliteStateStore(thread, close),
    ledger,
    moved: movedTo === null ? null : { to: movedTo, problem: wrong },
    dropped: () => ledger.dropped,
    close,
  };
}

class SqliteStateStore implements StateStore {
  readonly #thread: SqliteThread;
  readonly #close: () => Promise<void>;

  constructor(thread: SqliteThread, close: () => Promise<void>) {
    this.#thread = thread;
    this.#close = close;
  }

  async get(key: string): Promise<Stored | null> {
    checkKey(key);
    return this.#thread.request("get", { key });
  }

  async list(prefix: string, limit = 1_000): Promise<readonly Stored[]> {
    checkKey(prefix);
    return this.#thread.request("list", { prefix, limit });
  }

  async put(key: string, value: string, ifRevision?: number): Promise<number | "conflict"> {
    checkKey(key);
    checkValue(key, value);
    return this.#thread.request("put", { key, value, ifRevision: ifRevision ?? null });
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    await this.#thread.request("delete", { key });
  }

  close(): Promise<void> {
    return this.#close();
  }
}

class SqliteLedger implements Ledger {
  readonly #thread: SqliteThread;
  readonly #clock: Clock;
  readonly #problem: (text: string) => void;
  #waiting: ObservationRecord[] = [];
  #cancelBatch: (() => void) | null = null;
  #flushing: Promise<void> = Promise.resolve();
  dropped = 0;

  constructor(thread: SqliteThread, clock: Clock, problem: (text: string) => void) {
    this.#thread = thread;
    this.#clock = clock;
    this.#problem = problem;
  }

  append(entry: NewLedgerEntry): Promise<LedgerEntry> {
    return this.#thread.request("append", { entry, now: this.#clock.now() });
  }

  query(query: LedgerQuery): Promise<readonly LedgerEntry[]> {
    return this.#thread.request("query", { query });
  }

  observe(record: ObservationRecord): void {
    this.#waiting.push(record);
    if (this.#waiting.length > MAX_WAITING_OBSERVATIONS) {
      // Cut by a batch at once: shifting one by one costs the whole array each time.
      this.#drop(this.#waiting.splice(0, BATCH).length);
    }
    if (this.#waiting.length === BATCH) void this.#flush();
    this.#cancelBatch ??= this.#clock.after(BATCH_EVERY_MS, () => {
      this.#cancelBatch = null;
      void this.#flush();
    });
  }

  async observations({ since, check, limit = 10_000 }: { readonly since: number; readonly check?: string; readonly limit?: number }): Promise<readonly ObservationRecord[]> {
    await this.#flush();
    return this.#thread.request("observations", { since, check: check ?? null, limit });
  }

  async close(): Promise<void> {
    this.#cancelBatch?.();
    await this.#flush();
    await this.#thread.close();
  }

  /** Batches go one after the other; what a failed one held is lost and counted. */
  #flush(): Promise<void> {
    this.#flushing = this.#flushing.then(async () => {
      while (this.#waiting.length > 0) {
        const records = this.#waiting.splice(0, BATCH);
        await this.#thread.request("observe", { records: JSON.stringify(records), now: this.#clock.now() }).catch(() => this.#drop(records.length));
      }
    });
    return this.#flushing;
  }

  #drop(count: number): void {
    if (this.dropped === 0) this.#problem("the ledger is behind: observations are dropped");
    this.dropped += count;
  }
}
