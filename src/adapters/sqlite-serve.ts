/** The database's own thread: opens the file, answers one request after the other. */
import type { MessagePort } from "node:worker_threads";
import { SqliteDatabase } from "./sqlite-database.ts";
import type { ObservationRecord } from "../ports/ledger.ts";
import type { SqliteReply, SqliteRequest, SqliteSettings } from "./sqlite-messages.ts";
import { codeOf, openDatabase } from "./sqlite-open.ts";

/**
 * Serves until `close` is asked for, or the file turns out to be damaged: then the port is closed, which ends
 * the thread. The next one checks the file, and moves it aside.
 */
export function serveSqlite(port: MessagePort, settings: SqliteSettings): void {
  const reply = (message: SqliteReply): void => port.postMessage(message);
  try {
    const { database, movedTo, problem } = openDatabase(settings);
    const served = new SqliteDatabase(database, settings.limits);
    port.on("message", (request: SqliteRequest) => {
      const given = answer(served, request);
      reply(given);
      if (request.name === "close") return port.close();
      if (given.kind !== "failed" || given.code !== "CORRUPT") return;
      answer(served, { id: request.id, name: "close", takes: null });
      port.close();
    });
    reply({ kind: "opened", movedTo, problem });
  } catch (error) {
    reply({ kind: "not_opened", code: codeOf(error), message: messageOf(error) });
    port.close();
  }
}

function answer(database: SqliteDatabase, request: SqliteRequest): SqliteReply {
  try {
    return { kind: "done", id: request.id, value: carryOut(database, request) };
  } catch (error) {
    return { kind: "failed", id: request.id, code: codeOf(error), message: messageOf(error) };
  }
}

function carryOut(database: SqliteDatabase, request: SqliteRequest): Extract<SqliteReply, { readonly kind: "done" }>["value"] {
  switch (request.name) {
    case "get":
      return database.get(request.takes.key);
    case "list":
      return database.list(request.takes.prefix, request.takes.limit);
    case "put":
      return database.put(request.takes.key, request.takes.value, request.takes.ifRevision);
    case "delete":
      return database.delete(request.takes.key);
    case "append":
      return database.append(request.takes.entry, request.takes.now);
    case "query":
      return database.query(request.takes.query);
    case "observe":
      return database.observe(JSON.parse(request.takes.records) as readonly ObservationRecord[], request.takes.now);
    case "observations":
      return database.observations(request.takes.since, request.takes.check, request.takes.limit);
    case "close":
      return database.close();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "unknown";
}
