import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { tryLock } from "./build-lock.ts";

let folder = "";
let lockFolder = "";

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "build-lock-"));
  lockFolder = path.join(folder, "app.lock");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("only one holds the lock, and the next may have it when it is given back", async () => {
  {
    await using first = await tryLock(lockFolder);
    expect(first).not.toBe(null);
    expect(await tryLock(lockFolder)).toBe(null);
  }
  await using second = await tryLock(lockFolder);
  expect(second).not.toBe(null);
});

test("a lock whose owner has died is broken", async () => {
  const { pid } = spawnSync(process.execPath, ["--version"]);
  await mkdir(lockFolder);
  await writeFile(path.join(lockFolder, "pid"), String(pid));
  await using lock = await tryLock(lockFolder);
  expect(lock).not.toBe(null);
});

test("a lock nobody has signed yet is respected, and broken once it is old", async () => {
  await mkdir(lockFolder);
  expect(await tryLock(lockFolder)).toBe(null);

  const minuteAgo = new Date(Date.now() - 60_000);
  await utimes(lockFolder, minuteAgo, minuteAgo);
  await using lock = await tryLock(lockFolder);
  expect(lock).not.toBe(null);
});

test("a lock of a living process is broken after a quarter of an hour: pids are used again", async () => {
  await mkdir(lockFolder);
  await writeFile(path.join(lockFolder, "pid"), String(process.pid));
  const longAgo = new Date(Date.now() - 16 * 60_000);
  await utimes(lockFolder, longAgo, longAgo);
  await using lock = await tryLock(lockFolder);
  expect(lock).not.toBe(null);
});
