/**
 * Opens the database file: one daemon at a time, sound, of our own version.
 *
 * A corrupt file is never repaired in silence and never deleted: it is moved aside, whole,
 * and a fresh one is begun, whose first row says so. Runs in the database's own thread.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { LOSS_PREFIX, StateStoreError } from "../ports/state-store.ts";
import type { StateLoss, StateStoreErrorCode } from "../ports/state-store.ts";
import type { SqliteSettings } from "./sqlite-messages.ts";

const SCHEMA_VERSION = 1;
/** A daemon that has just been replaced may need this long to let go of the file. */
const BUSY_MS = 2_000;

const SCHEMA = `
CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL, revision INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE ledger (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, kind TEXT NOT NULL, target TEXT NOT NULL, subject TEXT NOT NULL, text TEXT NOT NULL,
  who TEXT NOT NULL, action_id TEXT NOT NULL, details TEXT NOT NULL, fold_key TEXT NOT NULL, count INTEGER NOT NULL, last_at REAL NOT NULL
);
CREATE INDEX ledger_newest ON ledger (kind, target, seq);
CREATE INDEX ledger_last_at ON ledger (last_at);
CREATE TABLE observations (at REAL NOT NULL, check_name TEXT NOT NULL, target TEXT NOT NULL, kind TEXT NOT NULL, took_ms REAL NOT NULL);
CREATE INDEX observations_at ON observations (at);
`;

export type Opened = { readonly database: DatabaseSync; readonly movedTo: string | null; readonly problem: string };

/**
 * @param suspect check all of it, indexes too, which takes long
 * @throws {StateStoreError} `UNAVAILABLE`: another process has it, no right, no room, or a newer version wrote it.
 */
export function openDatabase({ file, wall, suspect }: Pick<SqliteSettings, "file" | "wall" | "suspect">): Opened {
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    return { database: open(file, suspect ? "integrity_check" : "quick_check"), movedTo: null, problem: "" };
  } catch (error) {
    if (codeOf(error) !== "CORRUPT") throw asStoreError(error, file);
    const movedTo = moveAside(file, wall);
    const problem = error instanceof Error ? error.message : "corrupt";
    return { database: beginAnew(file, { at: wall, keptAs: movedTo, problem }), movedTo, problem };
  }
}

function beginAnew(file: string, loss: StateLoss): DatabaseSync {
  const database = open(file, "quick_check");
  database.prepare("INSERT INTO state (key, value, revision) VALUES (?, ?, 1)").run(`${LOSS_PREFIX}${new Date(loss.at).toISOString()}`, JSON.stringify(loss));
  return database;
}

function open(file: string, check: "quick_check" | "integrity_check"): DatabaseSync {
  // The ledger holds what people said; SQLite gives its other files the same rights.
  fs.closeSync(fs.openSync(file, "a", 0o600));
  const database = new DatabaseSync(file, { timeout: BUSY_MS });
  try {
    // Exclusive: a second daemon on the same file would act twice, so it must not even read it.
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;");
    database.exec("BEGIN EXCLUSIVE; COMMIT;");
    const found = database.prepare(`PRAGMA ${check}(1)`).get()?.[check];
    if (found !== "ok") throw new StateStoreError("CORRUPT", `integrity check: ${String(found)}`);
    migrate(database, file);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function migrate(database: DatabaseSync, file: string): void {
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (version === SCHEMA_VERSION) return;
  if (version > SCHEMA_VERSION) throw new StateStoreError("UNAVAILABLE", `${file} was written by a newer Shopkeeper (schema ${version}; this one knows ${SCHEMA_VERSION})`);
  database.exec(`BEGIN IMMEDIATE; ${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT;`);
}

function moveAside(file: string, wall: number): string {
  const movedTo = `${file}.corrupt-${new Date(wall).toISOString().replaceAll(":", "")}`;
  for (const part of ["", "-wal", "-shm"]) {
    if (fs.existsSync(file + part)) fs.renameSync(file + part, movedTo + part);
  }
  return movedTo;
}

/** SQLite's result codes (sqlite.org/rescode.html): 11 CORRUPT, 26 NOTADB; the low byte of an extended code. */
export function codeOf(error: unknown): StateStoreErrorCode {
  if (error instanceof StateStoreError) return error.code;
  const code = primaryCode(error);
  return code === 11 || code === 26 ? "CORRUPT" : "UNAVAILABLE";
}

function primaryCode(error: unknown): number {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number" ? error.errcode & 0xff : 0;
}

function asStoreError(error: unknown, file: string): StateStoreError {
  if (error instanceof StateStoreError) return error;
  const code = primaryCode(error);
  // 5 BUSY, 6 LOCKED
  if (code === 5 || code === 6) return new StateStoreError("UNAVAILABLE", `${file} is in use by another process; only one daemon may use it`, { cause: error });
  return new StateStoreError("UNAVAILABLE", `${file} cannot be opened: ${error instanceof Error ? error.message : "unknown"}`, { cause: error });
}
