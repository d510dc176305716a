/** Entry of the database's own thread; see adapters/sqlite-serve.ts. */
import { parentPort, workerData } from "node:worker_threads";
import type { SqliteSettings } from "./adapters/sqlite-messages.ts";
import { serveSqlite } from "./adapters/sqlite-serve.ts";

if (parentPort === null) throw new Error("sqlite-worker runs as a worker thread only");
serveSqlite(parentPort, workerData as SqliteSettings);
