import { mkdtemp, rm } from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { createMemoryStateStore } from "../../src/adapters/memory-state-store.ts";
import { openSqlite } from "../../src/adapters/sqlite-store.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import type { Stored } from "../../src/ports/state-store.ts";
import { stateStoreContract } from "./state-store.ts";

stateStoreContract("memory", async () => {
  const rows = new Map<string, Stored>();
  return { open: async () => createMemoryStateStore(rows), cleanUp: async () => rows.clear() };
});

stateStoreContract("sqlite", async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), "shopkeeper-state-"));
  const workerUrl = new URL("../../src/sqlite-worker.ts", import.meta.url);
  const limits = { maxAgeMs: 86_400_000, maxBytes: 1e8 };
  return {
    open: async () => (await openSqlite({ file: path.join(folder, "state.db"), workerUrl, clock: createSystemClock(), limits, problem: () => undefined })).state,
    cleanUp: () => rm(folder, { recursive: true, force: true }),
  };
});
