/** Durable state that is not: for tests, the simulation and sidecars. */
import type { StateStore, Stored } from "../ports/state-store.ts";
import { StateStoreError } from "../ports/state-store.ts";
import { checkKey, checkValue } from "./state-bounds.ts";

/** @param rows what is kept; hand the same map in again to reopen a store. */
export function createMemoryStateStore(rows = new Map<string, Stored>()): StateStore {
  return new MemoryStateStore(rows);
}

class MemoryStateStore implements StateStore {
  readonly #rows: Map<string, Stored>;
  #closed = false;

  constructor(rows: Map<string, Stored>) {
    this.#rows = rows;
  }

  async get(key: string): Promise<Stored | null> {
    this.#check(key);
    return this.#rows.get(key) ?? null;
  }

  async list(prefix: string, limit = 1_000): Promise<readonly Stored[]> {
    this.#check(prefix);
    const found = [...this.#rows.values()].filter((row) => row.key.startsWith(prefix));
    return found.toSorted((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))).slice(0, Math.max(0, limit));
  }

  async put(key: string, value: string, ifRevision?: number): Promise<number | "conflict"> {
    this.#check(key);
    checkValue(key, value);
    const revision = this.#rows.get(key)?.revision ?? 0;
    if (ifRevision !== undefined && ifRevision !== revision) return "conflict";
    this.#rows.set(key, { key, value, revision: revision + 1 });
    return revision + 1;
  }

  async delete(key: string): Promise<void> {
    this.#check(key);
    this.#rows.delete(key);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #check(key: string): void {
    if (this.#closed) throw new StateStoreError("UNAVAILABLE", "the store is closed");
    checkKey(key);
  }
}
