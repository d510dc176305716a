/** A database thread that finds its file damaged each time it opens, and dies at its first read. */
import { parentPort } from "node:worker_threads";

parentPort?.on("message", (request: { readonly id: number; readonly name: string }) => {
  if (request.name === "get") process.exit(1);
  parentPort?.postMessage({ kind: "done", id: request.id, value: null });
  if (request.name === "close") parentPort?.close();
});
parentPort?.postMessage({ kind: "opened", movedTo: "shopkeeper.db.corrupt-1", problem: "integrity check" });
