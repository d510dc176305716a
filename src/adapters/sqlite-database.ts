/**
 * What the database's own thread does with a request. Synchronous: the thread has nothing else to do.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { LedgerEntry, LedgerKind, NewLedgerEntry } from "../core/ledger-entry.ts";
import type { LedgerQuery, ObservationRecord } from "../ports/ledger.ts";
import type { Stored } from "../ports/state-store.ts";
import { bounded, limitOf } from "./ledger-bounds.ts";
import type { LedgerLimits } from "./ledger-bounds.ts";

type Row = Readonly<Record<string, unknown>>;

/** Rows deleted in one step, so that no request waits long behind it. */
const PRUNE_STEP = 500;
/** Pages given back to the file system in one step. */
const VACUUM_PAGES = 200;
const PRUNE_EVERY_WRITES = 50;

export class SqliteDatabase {
  readonly #database: DatabaseSync;
  readonly #limits: LedgerLimits;
  readonly #statements = new Map<string, StatementSync>();
  #writes = 0;

  constructor(database: DatabaseSync, limits: LedgerLimits) {
    this.#database = database;
    this.#limits = limits;
  }

  get(key: string): Stored | null {
    const row = this.#prepare("SELECT key, value, revision FROM state WHERE key = ?").get(key);
    return row === undefined ? null : storedOf(row);
  }

  list(prefix: string, limit: number): readonly Stored[] {
    const rows = this.#prepare("SELECT key, value, revision FROM state WHERE key >= ?1 AND substr(key, 1, length(?1)) = ?1 ORDER BY key LIMIT ?2").all(prefix, Math.max(0, limit));
    return rows.map(storedOf);
  }

  put(key: string, value: string, ifRevision: number | null): number | "conflict" {
    return this.#transaction(() => {
      const revision = this.get(key)?.revision ?? 0;
      if (ifRevision !== null && ifRevision !== revision) return "conflict";
      this.#prepare("INSERT INTO state (key, value, revision) VALUES (?1, ?2, ?3) ON CONFLICT (key) DO UPDATE SET value = ?2, revision = ?3").run(key, value, revision + 1);
      return revision + 1;
    });
  }

  delete(key: string): null {
    this.#prepare("DELETE FROM state WHERE key = ?").run(key);
    return null;
  }

  append(added: NewLedgerEntry, now: number): LedgerEntry {
    const { entry, details } = bounded(added);
    const written = this.#transaction(() => this.#fold(entry) ?? this.#insert(entry, details));
    this.#writes += 1;
    if (this.#writes % PRUNE_EVERY_WRITES === 0) this.prune(now);
    return written;
  }

  query(query: LedgerQuery): readonly LedgerEntry[] {
    const { since = null, afterSeq = null, kinds, target = null } = query;
    const rows = this.#prepare(
      `SELECT * FROM ledger WHERE (?1 IS NULL OR last_at >= ?1) AND (?2 IS NULL OR seq > ?2) AND (?3 IS NULL OR target = ?3)
       AND (?4 IS NULL OR kind IN (SELECT value FROM json_each(?4))) ORDER BY seq DESC LIMIT ?5`,
    ).all(since, afterSeq, target, kinds === undefined ? null : JSON.stringify(kinds), limitOf(query));
    return rows.map(entryOf).toReversed();
  }

  observe(records: readonly ObservationRecord[], now: number): null {
    const insert = this.#prepare("INSERT INTO observations (at, check_name, target, kind, took_ms) VALUES (?, ?, ?, ?, ?)");
    this.#transaction(() => {
      for (const seen of records) insert.run(seen.at, seen.check, seen.target, seen.kind, seen.tookMs);
    });
    this.prune(now);
    return null;
  }

  observations(since: number, check: string | null, limit: number): readonly ObservationRecord[] {
    const rows = this.#prepare("SELECT * FROM observations WHERE at >= ?1 AND (?2 IS NULL OR check_name = ?2) ORDER BY at DESC, rowid DESC LIMIT ?3").all(since, check, Math.max(1, limit));
    return rows.map(observationOf).toReversed();
  }

  /** One step towards the bounds: too old first, then, while there are too many bytes, observations before entries. */
  prune(now: number): void {
    const oldest = now - this.#limits.maxAgeMs;
    this.#prepare("DELETE FROM observations WHERE rowid IN (SELECT rowid FROM observations WHERE at < ? ORDER BY at LIMIT ?)").run(oldest, PRUNE_STEP * 4);
    this.#prepare("DELETE FROM ledger WHERE seq IN (SELECT seq FROM ledger WHERE last_at < ? ORDER BY last_at LIMIT ?)").run(oldest, PRUNE_STEP);
    if (this.bytes() > this.#limits.maxBytes) {
      const { changes } = this.#prepare("DELETE FROM observations WHERE rowid IN (SELECT rowid FROM observations ORDER BY at LIMIT ?)").run(PRUNE_STEP * 4);
      if (Number(changes) === 0) this.#prepare("DELETE FROM ledger WHERE seq IN (SELECT seq FROM ledger ORDER BY seq LIMIT ?)").run(PRUNE_STEP);
    }
    this.#database.exec(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`);
  }

  /** Bytes in use in the file, free pages left out. */
  bytes(): number {
    return (this.#pragma("page_count") - this.#pragma("freelist_count")) * this.#pragma("page_size");
  }

  close(): null {
    this.#statements.clear();
    this.#database.close();
    return null;
  }

  #fold(entry: NewLedgerEntry): LedgerEntry | null {
    if (entry.foldKey === "") return null;
    const newest = this.#prepare("SELECT * FROM ledger WHERE kind = ? AND target = ? ORDER BY seq DESC LIMIT 1").get(entry.kind, entry.target);
    if (newest === undefined || newest["fold_key"] !== entry.foldKey) return null;
    const row = this.#prepare("UPDATE ledger SET count = count + 1, last_at = ? WHERE seq = ? RETURNING *").get(entry.at, Number(newest["seq"]));
    return row === undefined ? null : entryOf(row);
  }

  #insert(entry: NewLedgerEntry, details: string): LedgerEntry {
    const { at, kind, target, subject, text, who, actionId, foldKey } = entry;
    const values: SQLInputValue[] = [at, kind, target, subject, text, who, actionId, details, foldKey, at];
    const { lastInsertRowid } = this.#prepare(
      "INSERT INTO ledger (at, kind, target, subject, text, who, action_id, details, fold_key, count, last_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?)",
    ).run(...values);
    return { ...entry, seq: Number(lastInsertRowid), count: 1, lastAt: at };
  }

  #transaction<T>(work: () => T): T {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      const value = work();
      this.#database.exec("COMMIT");
      return value;
    } catch (error) {
      // Some errors have rolled back already; a second one must not hide the first.
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const made = this.#database.prepare(sql);
    this.#statements.set(sql, made);
    return made;
  }

  #pragma(name: "page_count" | "freelist_count" | "page_size"): number {
    return Number(this.#prepare(`PRAGMA ${name}`).get()?.[name]);
  }
}

function storedOf(row: Row): Stored {
  return { key: String(row["key"]), value: String(row["value"]), revision: Number(row["revision"]) };
}

/** Rows were written by us, in this schema version: kinds are trusted, JSON was made by us. */
function entryOf(row: Row): LedgerEntry {
  return {
    seq: Number(row["seq"]), at: Number(row["at"]), kind: String(row["kind"]) as LedgerKind, target: String(row["target"]), subject: String(row["subject"]),
    text: String(row["text"]), who: String(row["who"]), actionId: String(row["action_id"]), details: JSON.parse(String(row["details"])) as Row,
    foldKey: String(row["fold_key"]), count: Number(row["count"]), lastAt: Number(row["last_at"]),
  };
}

function observationOf(row: Row): ObservationRecord {
  return {
    at: Number(row["at"]), check: String(row["check_name"]), target: String(row["target"]), kind: String(row["kind"]) as ObservationRecord["kind"], tookMs: Number(row["took_ms"]),
  };
}
