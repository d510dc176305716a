/** What one region's daemons share: the lease that elects one of them, and the state that only the newest leader writes. */
import type { LeaseRecord } from "../../core/lease.ts";
import type { Lease } from "../../ports/lease.ts";
import { LeaseError } from "../../ports/lease.ts";
import { StateStoreError, SupersededError, type StateStore, type Stored } from "../../ports/state-store.ts";

export class RegionStores {
  readonly #rows = new Map<string, Stored>();
  #record: LeaseRecord | null = null;
  #versions = 0;
  #epoch = 0;

  seed(key: string, value: string): void {
    this.#rows.set(key, { key, value, revision: 1 });
  }

  /** @param reachable false: this candidate cannot reach the record now. */
  leaseFor(reachable: () => boolean): Lease {
    return {
      read: async () => {
        if (!reachable()) throw new LeaseError("UNAVAILABLE", "no route");
        return this.#record;
      },
      write: async (draft, over) => {
        if (!reachable()) throw new LeaseError("UNAVAILABLE", "no route");
        if ((this.#record?.version ?? null) !== over) return "conflict";
        this.#versions += 1;
        this.#record = { ...draft, version: String(this.#versions) };
        return this.#record;
      },
    };
  }

  /**
   * Opens the state under an epoch of the lease: from then on an older leader's writes are refused.
   *
   * @param dead aborts when the daemon is killed: the dead write nothing.
   */
  storeFor(epoch: number, dead: AbortSignal): StateStore {
    this.#epoch = Math.max(this.#epoch, epoch);
    return {
      get: async (key) => this.#rows.get(key) ?? null,
      list: async (prefix) => [...this.#rows.values()].filter((row) => row.key.startsWith(prefix)),
      put: async (key, value, ifRevision) => {
        if (dead.aborted) throw new StateStoreError("UNAVAILABLE", "the daemon is dead");
        if (epoch < this.#epoch) throw new SupersededError(this.#epoch);
        const revision = this.#rows.get(key)?.revision ?? 0;
        if (ifRevision !== undefined && ifRevision !== revision) return "conflict";
        this.#rows.set(key, { key, value, revision: revision + 1 });
        return revision + 1;
      },
      delete: async (key) => void this.#rows.delete(key),
      close: async () => {},
    };
  }
}
