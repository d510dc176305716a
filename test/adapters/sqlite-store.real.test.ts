import { spawn } from "node:child_process";
import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openSqlite } from "../../src/adapters/sqlite-store.ts";
import type { SqliteParts, SqliteStores } from "../../src/adapters/sqlite-store.ts";
import { LOSS_PREFIX } from "../../src/ports/state-store.ts";
import type { StateStoreError } from "../../src/ports/state-store.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { ManualClock } from "../support/manual-clock.ts";

const clock = createSystemClock();
const workerUrl = new URL("../../src/sqlite-worker.ts", import.meta.url);
let folder: string;
let file: string;
const opened: SqliteStores[] = [];

beforeEach(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), "shopkeeper-sqlite-"));
  file = path.join(folder, "sub", "shopkeeper.db");
});
afterEach(async () => {
  for (const stores of opened.splice(0)) await stores.close();
  await fs.rm(folder, { recursive: true, force: true });
});

async function open(problems: string[] = [], over: Partial<SqliteParts> = {}): Promise<SqliteStores> {
  const stores = await openSqlite({ file, workerUrl, clock, limits: { maxAgeMs: 86_400_000, maxBytes: 1e8 }, problem: (text) => problems.push(text), ...over });
  opened.push(stores);
  return stores;
}

/** Runs a writer, kills it without warning after so many acknowledged writes, and returns the last number it printed. */
async function killAfter(acknowledged: number): Promise<number> {
  const writer = spawn(process.execPath, [new URL("../support/sqlite-writer.ts", import.meta.url).pathname, file], { stdio: ["ignore", "pipe", "inherit"] });
  let printed = "";
  writer.stdout.on("data", (chunk: Buffer) => {
    printed += chunk.toString();
    if (printed.split("\n").length > acknowledged) writer.kill("SIGKILL");
  });
  await new Promise((resolve) => writer.once("close", resolve));
  return Number(printed.trimEnd().split("\n").filter((line, index, all) => index < all.length - 1 || printed.endsWith("\n")).at(-1));
}

describe("a writer killed without warning", () => {
  test.each([1, 7, 40])("after %i acknowledged writes has lost none of them", async (count) => {
    const last = await killAfter(count);
    const { state, ledger } = await open();
    const keys = new Set((await state.list("intent/", 10_000)).map((row) => row.key));
    const texts = new Set((await ledger.query({ limit: 10_000 })).map((entry) => entry.text));
    const missing = Array.from({ length: last + 1 }, (_, n) => n).filter((n) => !keys.has(`intent/${n}`) || !texts.has(String(n)));
    expect(last).toBeGreaterThanOrEqual(count - 1);
    expect(missing).toEqual([]);
  });
});

describe("a file that cannot be used", () => {
  test("that is no database is kept beside a fresh one, and the message says where", async () => {
    await fs.mkdir(path.dirname(file), { recursive: true });
    await fs.writeFile(file, "this is not a database, but it may be dear to somebody ".repeat(100));
    const { state, moved } = await open();
    await state.put("k", "fresh");
    expect(moved?.problem).toMatch(/not a database/);
    expect(await fs.readFile(moved?.to ?? "", "utf8")).toMatch(/dear to somebody/);
  });

  test("with damaged pages is kept beside a fresh one", async () => {
    const first = await open();
    for (let n = 0; n < 200; n++) await first.state.put(`k/${n}`, "x".repeat(1_000));
    await first.close();
    const bytes = await fs.readFile(file);
    bytes.fill(0xff, 8_192, bytes.length - 4_096);
    await fs.writeFile(file, bytes);
    const { state, moved } = await open();
    expect(moved?.to).toContain(".corrupt-");
    expect(await state.get("k/1")).toBeNull();
    expect((await fs.stat(moved?.to ?? "")).size).toBe(bytes.length);
  });

  test("leaves a row in the fresh one that says so, until somebody deletes it", async () => {
    await fs.mkdir(path.dirname(file), { recursive: true });
    await fs.writeFile(file, "no database at all ".repeat(100));
    const first = await open();
    const [row] = await first.state.list(LOSS_PREFIX);
    expect(JSON.parse(row?.value ?? "")).toEqual({ at: expect.any(Number), keptAs: first.moved?.to, problem: first.moved?.problem });
    await first.close();
    const second = await open();
    expect(second.moved).toBeNull();
    expect(await second.state.list(LOSS_PREFIX)).toEqual([row]);
    await second.state.delete(row?.key ?? "");
    expect(await second.state.list(LOSS_PREFIX)).toEqual([]);
  });

  test("because pages of it went bad while it was in use is found by the first request that meets them, and moved aside by the next", async () => {
    let now = clock.now();
    let lost = 0;
    const problems: string[] = [];
    const { state } = await open(problems, { clock: { ...clock, now: () => now }, lost: () => (lost += 1) });
    // More than SQLite keeps in its own memory, so that it has to read the file again.
    for (let n = 0; n < 40; n++) await state.put(`k/${n}`, "x".repeat(200_000));
    const bytes = await fs.readFile(file);
    await fs.writeFile(file, bytes.fill(0xff, 8_192));
    await expect(state.get("k/1")).rejects.toMatchObject({ code: "CORRUPT" });
    await expect.poll(() => state.get("k/1").then(() => "answered", (error: StateStoreError) => error.message)).toContain("tried again");
    expect(lost).toBe(0);

    now += 1_000;
    expect(await state.get("k/1")).toBeNull();
    expect([lost, problems]).toEqual([1, [expect.stringContaining("found damaged while in use")]]);
    expect(await state.list(LOSS_PREFIX)).toHaveLength(1);
    await state.put("k/1", "fresh");
  });

  test("that another daemon uses is refused in clear words", async () => {
    await open();
    await expect(open()).rejects.toMatchObject({ code: "UNAVAILABLE", message: expect.stringContaining("in use by another process") });
  });

  test("that a newer version wrote is refused and left alone", async () => {
    await (await open()).close();
    const raw = new DatabaseSync(file);
    raw.exec("PRAGMA user_version = 99");
    raw.close();
    await expect(open()).rejects.toMatchObject({ code: "UNAVAILABLE", message: expect.stringContaining("newer Shopkeeper") });
    expect(await fs.readdir(path.dirname(file))).toEqual(["shopkeeper.db"]);
  });

  test("that may not be written is refused in clear words", async () => {
    await fs.writeFile(path.join(folder, "sub"), "a file where a folder should be");
    await expect(open()).rejects.toMatchObject({ code: "UNAVAILABLE", message: expect.stringContaining("cannot be opened") });
  });
});

test("more requests at once than the bound are refused, not queued without end", async () => {
  const { state } = await open();
  const results = await Promise.allSettled(Array.from({ length: 3_000 }, (_, n) => state.get(`k/${n}`)));
  expect(results.filter((result) => result.status === "fulfilled").length).toBeGreaterThanOrEqual(1_000);
  expect(results.find((result) => result.status === "rejected")?.reason).toMatchObject({ code: "UNAVAILABLE" });
});

test("observations beyond the bound are dropped, the oldest first, and counted", async () => {
  const problems: string[] = [];
  const stores = await open(problems);
  const from = clock.now();
  for (let n = 0; n < 7_000; n++) stores.ledger.observe({ at: from + n, check: "application", target: "app", kind: "pass", tookMs: 1 });
  const kept = await stores.ledger.observations({ since: 0 });
  expect(kept.length + stores.dropped()).toBe(7_000);
  expect(stores.dropped()).toBeGreaterThan(0);
  expect(kept.at(-1)?.at).toBe(from + 6_999);
  expect(problems).toEqual(["the ledger is behind: observations are dropped"]);
});

test("a thread that died fails what it was asked, and a new one takes its place, but not at once", async () => {
  let now = clock.now();
  const stores = await openSqlite({
    file, workerUrl: new URL("../support/dying-worker.ts", import.meta.url), clock: { ...clock, now: () => now }, limits: { maxAgeMs: 1, maxBytes: 1 }, problem: () => undefined,
  });
  opened.push(stores);
  await expect(stores.state.get("k")).rejects.toMatchObject({ code: "UNAVAILABLE", message: expect.stringContaining("has ended") });
  await expect(stores.state.delete("k")).rejects.toMatchObject({ code: "UNAVAILABLE", message: expect.stringContaining("tried again") });
  now += 1_000;
  await stores.state.delete("k");
});

test("a new thread that has to move a damaged file aside says so, and the first one leaves that to who opened it", async () => {
  let now = clock.now();
  let lost = 0;
  const problems: string[] = [];
  const stores = await openSqlite({
    file, workerUrl: new URL("../support/moving-worker.ts", import.meta.url), clock: { ...clock, now: () => now }, limits: { maxAgeMs: 1, maxBytes: 1 }, problem: (text) => problems.push(text), lost: () => (lost += 1),
  });
  opened.push(stores);
  expect([stores.moved, problems, lost]).toEqual([{ to: "shopkeeper.db.corrupt-1", problem: "integrity check" }, [], 0]);
  await expect(stores.state.get("k")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  now += 1_000;
  await stores.state.delete("k");
  expect([lost, problems]).toEqual([1, [expect.stringContaining("it is kept as shopkeeper.db.corrupt-1")]]);
});

test("a file too large to be checked whole in time is opened after a quick check, and that is said once", async () => {
  const manual = new ManualClock();
  const problems: string[] = [];
  const stores = await openSqlite({
    file, workerUrl: new URL("../support/slow-check-worker.ts", import.meta.url), clock: manual, limits: { maxAgeMs: 1, maxBytes: 1 }, problem: (text) => problems.push(text),
  });
  opened.push(stores);
  const refused = (): Promise<string> => stores.state.delete("k").then(() => "deleted", (error: StateStoreError) => error.message);

  for (const round of ["first", "second"]) {
    await expect(stores.state.get("damaged")).rejects.toMatchObject({ code: "CORRUPT" });
    await expect.poll(refused).toContain("tried again");
    await manual.advance(1_000);
    if (round === "first") {
      const waiting = refused();
      await manual.advance(30_000);
      expect(await waiting).toContain("not open within 30000 ms");
      await manual.advance(1_000);
    }
    await expect.poll(refused).toBe("deleted");
  }
  expect(problems).toEqual([expect.stringContaining("it is opened after a quick check")]);
});
