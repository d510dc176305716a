/** A ledger in memory: a bounded ring, for tests, the simulation and sidecars. */
import type { LedgerEntry, NewLedgerEntry } from "../core/ledger-entry.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ledger, LedgerQuery, ObservationRecord } from "../ports/ledger.ts";
import { StateStoreError } from "../ports/state-store.ts";
import type { LedgerLimits } from "./ledger-bounds.ts";
import { LedgerRing } from "./ledger-ring.ts";
import { ObservationRing } from "./observation-ring.ts";

export function createMemoryLedger(clock: Clock, limits: LedgerLimits): Ledger {
  return new MemoryLedger(clock, limits);
}

class MemoryLedger implements Ledger {
  readonly #clock: Clock;
  readonly #ring: LedgerRing;
  readonly #observations = new ObservationRing();
  #closed = false;

  constructor(clock: Clock, limits: LedgerLimits) {
    this.#clock = clock;
    this.#ring = new LedgerRing(limits);
  }

  async append(added: NewLedgerEntry): Promise<LedgerEntry> {
    this.#check();
    return this.#ring.append(added, this.#clock.now());
  }

  async query(query: LedgerQuery): Promise<readonly LedgerEntry[]> {
    this.#check();
    return this.#ring.query(query);
  }

  observe(record: ObservationRecord): void {
    if (!this.#closed) this.#observations.add(record);
  }

  async observations(query: Parameters<Ledger["observations"]>[0]): Promise<readonly ObservationRecord[]> {
    this.#check();
    return this.#observations.query(query);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #check(): void {
    if (this.#closed) throw new StateStoreError("UNAVAILABLE", "the ledger is closed");
  }
}
