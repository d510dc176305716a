/** A database's thread whose file has one damaged row, "damaged", and is too large to be checked whole. */
import { parentPort, workerData } from "node:worker_threads";
import type { SqliteReply, SqliteRequest, SqliteSettings } from "../../src/adapters/sqlite-messages.ts";

const say = (reply: SqliteReply): void => parentPort?.postMessage(reply);

parentPort?.on("message", (request: SqliteRequest) => {
  if (request.name === "get" && request.takes.key === "damaged") say({ kind: "failed", id: request.id, code: "CORRUPT", message: "database disk image is malformed" });
  else say({ kind: "done", id: request.id, value: null });
  if (request.name === "close" || request.name === "get") parentPort?.close();
});
if (!(workerData as SqliteSettings).suspect) say({ kind: "opened", movedTo: null, problem: "" });
