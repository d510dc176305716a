/**
 * The ledger of a daemon in a cluster: a JSON line per entry for whoever collects its output, and the newest
 * entries as a ring in a ConfigMap, so that the next leader and the command line can read them.
 *
 * An entry is kept when its line is written: nothing that is done waits for the API server. The ring follows
 * in batches, a second later; a daemon that is killed loses that second of the ring, never of the lines.
 */
import type { LedgerEntry, NewLedgerEntry } from "../core/ledger-entry.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { Ledger, LedgerQuery, ObservationRecord } from "../ports/ledger.ts";
import { StateStoreError } from "../ports/state-store.ts";
import type { KubernetesClient } from "./kubernetes/client.ts";
import { ConfigMapDocument } from "./kubernetes/config-map.ts";
import type { Content } from "./kubernetes/config-map.ts";
import { mergeEntries, parseEntries, printEntries } from "./kubernetes/ledger-merge.ts";
import type { Merged } from "./kubernetes/ledger-merge.ts";
import type { LedgerLimits } from "./ledger-bounds.ts";
import { LedgerRing } from "./ledger-ring.ts";
import { ObservationRing } from "./observation-ring.ts";

/** Half of what a ConfigMap holds: a write sends all of it. */
export const MAX_RING_BYTES = 512 * 1024;
const FLUSH_MS: Ms = 1_000;
const MAX_FLUSH_MS: Ms = 60_000;
/** How old what others wrote may be in an answer. */
const REFRESH_MS: Ms = 2_000;
const KEY = "entries.jsonl";

export type KubernetesLedgerOptions = {
  readonly client: KubernetesClient;
  /** Of the ConfigMap; made at the first write. */
  readonly name: string;
  /** `maxBytes` counts up to MAX_RING_BYTES. */
  readonly limits: LedgerLimits;
  /** Takes one line of JSON, without a line break, per entry; repeated holds that are counted on an entry are not told again. */
  readonly line: (text: string) => void;
  /** The ring cannot be written or read; once until it can. */
  readonly problem: (text: string) => void;
};

/** Reads what is there; begins empty, and says so, where it cannot. */
export async function openKubernetesLedger(options: KubernetesLedgerOptions): Promise<Ledger> {
  const ledger = new KubernetesLedger(options);
  await ledger.refresh();
  return ledger;
}

class KubernetesLedger implements Ledger {
  readonly #options: KubernetesLedgerOptions;
  readonly #document: ConfigMapDocument;
  readonly #maxBytes: number;
  readonly #ring: LedgerRing;
  readonly #observations = new ObservationRing();
  readonly #closing = new AbortController();
  #savedSeq = 0;
  #unsaved = false;
  #saving: Promise<void> | null = null;
  #cancelFlush: (() => void) | null = null;
  #flushMs = FLUSH_MS;
  #readAt: Instant = -Infinity;
  #troubled = false;
  #closed = false;

  constructor(options: KubernetesLedgerOptions) {
    this.#options = options;
    this.#maxBytes = Math.min(options.limits.maxBytes, MAX_RING_BYTES);
    this.#ring = new LedgerRing({ ...options.limits, maxBytes: this.#maxBytes });
    this.#document = new ConfigMapDocument(options.client, options.name, this.#closing.signal);
  }

  async append(added: NewLedgerEntry): Promise<LedgerEntry> {
    this.#check();
    const written = this.#ring.append(added, this.#now());
    if (written.count === 1) this.#options.line(JSON.stringify(written));
    this.#unsaved = true;
    this.#flushLater();
    return written;
  }

  async query(query: LedgerQuery): Promise<readonly LedgerEntry[]> {
    this.#check();
    if (!this.#unsaved && this.#saving === null && this.#now() - this.#readAt >= REFRESH_MS) await this.refresh();
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
    this.#cancelFlush?.();
    await this.#saving;
    if (this.#unsaved) await this.#save();
    this.#closing.abort();
  }

  /** Takes in what others wrote. */
  async refresh(): Promise<void> {
    this.#readAt = this.#now();
    try {
      const content = await this.#document.read();
      // What was appended meanwhile comes together with it when it is saved.
      if (this.#unsaved || this.#saving !== null) return;
      this.#take(parse(content));
      this.#troubled = false;
    } catch (error) {
      this.#trouble("read", error);
    }
  }

  #flushLater(): void {
    if (this.#cancelFlush !== null || this.#saving !== null || this.#closed) return;
    this.#cancelFlush = this.#options.client.clock.after(this.#flushMs, () => {
      this.#cancelFlush = null;
      this.#saving = this.#save().finally(() => {
        this.#saving = null;
        if (this.#unsaved) this.#flushLater();
      });
    });
  }

  async #save(): Promise<void> {
    const ours = this.#ring.all();
    this.#unsaved = false;
    try {
      const merged = await this.#document.change<Merged>((content) => {
        const together = mergeEntries(parse(content), ours, this.#savedSeq);
        return { content: new Map([...content, [KEY, printEntries(together.entries, this.#maxBytes)]]), result: together };
      });
      this.#saved(merged, ours.at(-1)?.seq ?? 0);
    } catch (error) {
      this.#unsaved = true;
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
    return this.#options.client.clock.now();
  }

  #check(): void {
    if (this.#closed) throw new StateStoreError("UNAVAILABLE", "the ledger is closed");
  }
}

function parse(content: Content): readonly LedgerEntry[] {
  return parseEntries(content.get(KEY) ?? "");
}
