/**
 * The main thread's side of the database's thread: bounded requests with deadlines, and a new
 * thread where the old one died.
 */
import { Worker } from "node:worker_threads";
import type { Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import { StateStoreError } from "../ports/state-store.ts";
import type { OperationName, SqliteOperations, SqliteReply, SqliteSettings } from "./sqlite-messages.ts";

/** Requests under way at once; more are refused. */
const MAX_PENDING = 1_000;
/** Hard deadline of one request. A write that misses it may still land. */
const REQUEST_MS: Ms = 5_000;
/** Opening checks the whole file. */
const OPEN_MS: Ms = 30_000;
/** A thread that dies is replaced at most this often. */
const REPLACE_EVERY_MS: Ms = 1_000;

type Pending = { readonly resolve: (value: SqliteReply & { readonly kind: "done" }) => void; readonly reject: (error: Error) => void };
type Answers = { readonly movedTo: string | null; readonly problem: string };

export type ThreadParts = {
  /** The worker's entry: `src/sqlite-worker.ts` or its bundle. */
  readonly workerUrl: URL;
  readonly settings: Pick<SqliteSettings, "file" | "limits">;
  readonly clock: Clock;
  readonly problem: (text: string) => void;
  /** A file in use was found damaged and moved aside: the new one holds a row under `LOSS_PREFIX`. */
  readonly lost: () => void;
};

export class SqliteThread {
  readonly #parts: ThreadParts;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | null = null;
  #opening: Promise<Answers> | null = null;
  #lastOpenAt = Number.NEGATIVE_INFINITY;
  #nextId = 1;
  /** It was open before: the caller of `open` has heard how the file was then. */
  #reopening = false;
  /** The file was found damaged in use: the next opening checks all of it. */
  #suspect = false;
  /** That check did not end in time: from now on this file gets the quick one, since it would never be open otherwise. */
  #tooLarge = false;
  #closed = false;

  constructor(parts: ThreadParts) {
    this.#parts = parts;
  }

  /** @throws {StateStoreError} `UNAVAILABLE` */
  open(): Promise<Answers> {
    this.#opening ??= this.#spawn();
    return this.#opening;
  }

  async request<Name extends OperationName>(name: Name, takes: SqliteOperations[Name]["takes"]): Promise<SqliteOperations[Name]["gives"]> {
    if (this.#closed) throw new StateStoreError("UNAVAILABLE", "the store is closed");
    await this.open();
    if (this.#pending.size >= MAX_PENDING) throw new StateStoreError("UNAVAILABLE", `${MAX_PENDING} requests wait for the database already`);
    return this.#ask(name, takes);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const worker = this.#worker;
    if (worker === null) return;
    const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    await this.#ask("close", null).catch((error: unknown) => this.#parts.problem(`database: ${error instanceof Error ? error.message : "not closed"}`));
    const cancel = this.#parts.clock.after(REQUEST_MS, () => void worker.terminate());
    await ended;
    cancel();
  }

  #ask<Name extends OperationName>(name: Name, takes: SqliteOperations[Name]["takes"]): Promise<SqliteOperations[Name]["gives"]> {
    const worker = this.#worker;
    if (worker === null) return Promise.reject(new StateStoreError("UNAVAILABLE", "the database's thread has ended"));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const cancel = this.#parts.clock.after(REQUEST_MS, () => settle(() => reject(new StateStoreError("UNAVAILABLE", `no answer from the database to "${name}" within ${REQUEST_MS} ms; a write may still land`))));
      const settle = (end: () => void): void => {
        cancel();
        this.#pending.delete(id);
        end();
      };
      this.#pending.set(id, { resolve: ({ value }) => settle(() => resolve(value)), reject: (error) => settle(() => reject(error)) });
      worker.postMessage({ id, name, takes });
    });
  }

  #spawn(): Promise<Answers> {
    const { clock, workerUrl, settings } = this.#parts;
    if (clock.now() - this.#lastOpenAt < REPLACE_EVERY_MS) return this.#refuse("the database's thread has just ended; it is tried again in a second");
    this.#lastOpenAt = clock.now();
    const suspect = this.#suspect && !this.#tooLarge;
    return new Promise((resolve, reject) => {
      const worker = new Worker(workerUrl, { workerData: { ...settings, wall: clock.wall(), suspect } satisfies SqliteSettings, execArgv: [], name: "sqlite" });
      this.#worker = worker;
      const cancel = clock.after(OPEN_MS, () => {
        reject(new StateStoreError("UNAVAILABLE", `the database was not open within ${OPEN_MS} ms`));
        if (suspect) this.#checkedTooLong();
        void worker.terminate();
      });
      worker.on("message", (reply: SqliteReply) => {
        cancel();
        this.#heard(reply, resolve, reject);
      });
      worker.once("error", (error) => {
        this.#parts.problem(`the database's thread died: ${error instanceof Error ? error.message : "unknown"}`);
      });
      worker.once("exit", () => {
        cancel();
        const ended = new StateStoreError("UNAVAILABLE", "the database's thread has ended; a write under way may have landed");
        this.#worker = null;
        this.#opening = null;
        reject(ended);
        for (const waiting of [...this.#pending.values()]) waiting.reject(ended);
      });
    });
  }

  #heard(reply: SqliteReply, opened: (answers: Answers) => void, notOpened: (error: Error) => void): void {
    switch (reply.kind) {
      case "opened":
        // Nobody asked for this opening, so nobody would hear that what was stored is gone.
        if (this.#reopening && reply.movedTo !== null) this.#foundDamaged(reply.problem, reply.movedTo);
        this.#reopening = true;
        this.#suspect = false;
        if (reply.movedTo !== null) this.#tooLarge = false;
        return opened({ movedTo: reply.movedTo, problem: reply.problem });
      case "not_opened":
        return notOpened(new StateStoreError(reply.code, reply.message));
      case "done":
        return this.#pending.get(reply.id)?.resolve(reply);
      case "failed":
        if (reply.code === "CORRUPT") this.#suspect = true;
        return this.#pending.get(reply.id)?.reject(new StateStoreError(reply.code, reply.message));
    }
  }

  #foundDamaged(problem: string, movedTo: string): void {
    this.#parts.problem(`the state file was found damaged while in use (${problem}); it is kept as ${movedTo}, and a new one was begun`);
    this.#parts.lost();
  }

  #checkedTooLong(): void {
    this.#tooLarge = true;
    this.#parts.problem(`the state file was found damaged, and to check all of it took longer than ${OPEN_MS} ms: it is opened after a quick check, which misses damaged indexes. Should requests go on failing, stop the daemon and move the file aside`);
  }

  #refuse(reason: string): Promise<never> {
    // Not remembered: the next request may try again.
    queueMicrotask(() => {
      this.#opening = null;
    });
    return Promise.reject(new StateStoreError("UNAVAILABLE", reason));
  }
}
