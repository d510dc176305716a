/**
 * The stores a role stands on: durable state and the ledger.
 */
import { createMemoryLedger } from "../adapters/memory-ledger.ts";
import { createMemoryStateStore } from "../adapters/memory-state-store.ts";
import { openSqlite } from "../adapters/sqlite-store.ts";
import type { Config } from "../config/config.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ledger } from "../ports/ledger.ts";
import { StateStoreError, type StateStore } from "../ports/state-store.ts";
import { SQLITE_WORKER } from "./thread-entries.ts";

export type Stores = { readonly state: StateStore; readonly ledger: Ledger; close(): Promise<void> };

/** A ledger in memory is a ring: this much of it, however large the configured one may be. */
const MEMORY_LEDGER_BYTES = 4_000_000;

/**
 * State in a cluster is opened by who leads: see singleton.ts.
 *
 * @param lost the state file was found damaged while in use; what is found at opening the engine tells when it starts.
 * @throws {StateStoreError} when the file is another daemon's, or cannot be opened.
 */
export async function openStores(config: Config, kind: "configured" | "memory", clock: Clock, problem: (text: string) => void, lost: () => void): Promise<Stores> {
  const { state } = config.stores;
  const limits = { maxAgeMs: config.ledger.maxAge, maxBytes: config.ledger.maxBytes };
  if (kind === "memory" || state.kind === "memory") {
    const store = createMemoryStateStore();
    const ledger = createMemoryLedger(clock, { ...limits, maxBytes: Math.min(limits.maxBytes, MEMORY_LEDGER_BYTES) });
    return { state: store, ledger, close: async () => void (await Promise.all([store.close(), ledger.close()])) };
  }
  if (state.kind === "kubernetes") throw new StateStoreError("UNAVAILABLE", "state is kept in a cluster, and this role speaks to none: stores.state.kind sqlite or memory is for it");
  const opened = await openSqlite({ file: state.file, workerUrl: SQLITE_WORKER, clock, limits, problem, lost });
  if (opened.moved !== null) problem(`the state file was damaged (${opened.moved.problem}); it is kept as ${opened.moved.to}, and a new one was begun`);
  return opened;
}
