import { mkdtemp, rm } from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { createMemoryLedger } from "../../src/adapters/memory-ledger.ts";
import { openSqlite } from "../../src/adapters/sqlite-store.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import type { Clock } from "../../src/ports/clock.ts";
import { ledgerContract } from "./ledger.ts";

/** Real timers, a standing time. */
function standing(now: number): Clock {
  return { ...createSystemClock(), now: () => now };
}

ledgerContract("memory", async (now) => ({ open: async (limits) => createMemoryLedger(standing(now), limits), cleanUp: async () => undefined, durable: false }));

ledgerContract("sqlite", async (now) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), "shopkeeper-ledger-"));
  const workerUrl = new URL("../../src/sqlite-worker.ts", import.meta.url);
  return {
    open: async (limits) => (await openSqlite({ file: path.join(folder, "state.db"), workerUrl, clock: standing(now), limits, problem: () => undefined })).ledger,
    cleanUp: () => rm(folder, { recursive: true, force: true }),
    durable: true,
  };
});
