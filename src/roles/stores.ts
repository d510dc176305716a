/**
 * The stores a role stands on: durable state and the ledger.
 */
import { createMemoryLedger } from "../adapters/memory-ledger.ts";
import { createMemoryStateStore } from "../adapters/memory-state-store.ts";
import { openSqlite } from "../adapters/sqlite-store.ts";
import type { LedgerVoice } from "../adapters/ring-ledger.ts";
import type { Config } from "../config/config.ts";
import { reveal, type Secret } from "../config/secret.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ledger } from "../ports/ledger.ts";
import { StateStoreError, type StateStore } from "../ports/state-store.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { SQLITE_WORKER } from "./thread-entries.ts";

export type Stores = { readonly state: StateStore; readonly ledger: Ledger; close(): Promise<void> };

/** A ledger in memory is a ring: this much of it, however large the configured one may be. */
const MEMORY_LEDGER_BYTES = 4_000_000;

/**
 * State that others share is opened by who leads: see `openLeaderStores`.
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
  if (state.kind !== "sqlite") throw new StateStoreError("UNAVAILABLE", `state in ${state.kind} is opened by the leader of several daemons, and this role has none`);
  const opened = await openSqlite({ file: state.file, workerUrl: SQLITE_WORKER, clock, limits, problem, lost });
  if (opened.moved !== null) problem(`the state file was damaged (${opened.moved.problem}); it is kept as ${opened.moved.to}, and a new one was begun`);
  return opened;
}

export type LeaderStoresParts = {
  readonly config: Config;
  readonly kind: "configured" | "memory";
  readonly access: ClusterAccess;
  readonly clock: Clock;
  readonly voice: LedgerVoice;
};

/**
 * Those of a leader, read anew by each: what the one before wrote is there, and what it still writes is refused.
 *
 * @throws {SupersededError} when a later leader has begun.
 * @throws {StateStoreError} when they cannot be reached.
 */
export async function openLeaderStores({ config, kind, access, clock, voice }: LeaderStoresParts, epoch: number): Promise<Stores> {
  const { state: where } = config.stores;
  const limits = { maxAgeMs: config.ledger.maxAge, maxBytes: config.ledger.maxBytes };
  if (where.kind === "redis") return openInRedis(where.url, { config, clock, voice, limits }, epoch);
  if (where.kind !== "kubernetes") return openStores(config, kind, clock, voice.problem, () => undefined);
  const state = await access.state(epoch);
  const ledger = await access.ledger(limits, voice);
  return { state, ledger, close: async () => void (await Promise.all([state.close(), ledger.close()])) };
}

async function openInRedis(url: string | Secret, { config: { site }, clock, voice, limits }: Pick<LeaderStoresParts, "config" | "clock" | "voice"> & { readonly limits: { readonly maxAgeMs: number; readonly maxBytes: number } }, epoch: number): Promise<Stores> {
  const [{ openRedisLine }, { openRedisStateStore, redisWarnings }, { openRedisLedger }] = await Promise.all([import("../adapters/redis-line.ts"), import("../adapters/redis-state-store.ts"), import("../adapters/redis-ledger.ts")]);
  const line = await openRedisLine(reveal(url));
  try {
    for (const warning of redisWarnings(await line.facts())) voice.problem(warning);
    const state = await openRedisStateStore({ line, site, epoch });
    const ledger = await openRedisLedger({ redis: line, site, clock, limits, ...voice });
    return {
      state, ledger,
      close: async () => {
        await Promise.all([state.close(), ledger.close()]);
        line.close();
      },
    };
  } catch (error) {
    line.close();
    throw error;
  }
}
