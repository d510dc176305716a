/**
 * One builder at a time, across processes.
 *
 * A lock is a folder holding its owner's pid. It only saves work: what keeps a
 * build whole is that it is made elsewhere and renamed into place, so a lock
 * wrongly broken costs a second build, never a broken one.
 */
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";

/** A lock older than this is nobody's, whatever its pid says: pids are used again. */
const STALE_AFTER_MS = 15 * 60_000;
/** A lock without a readable owner this old was left by someone who died before signing it. */
const UNSIGNED_AFTER_MS = 5_000;

/** Takes the lock, breaking a stale one. `null`: somebody alive holds it. Dispose to give it back. */
export async function tryLock(folder: string): Promise<AsyncDisposable | null> {
  if (!(await make(folder))) {
    if (!(await isStale(folder))) return null;
    await rm(folder, { recursive: true, force: true });
    if (!(await make(folder))) return null;
  }
  await writeFile(path.join(folder, "pid"), String(process.pid));
  return { [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

async function make(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

async function isStale(folder: string): Promise<boolean> {
  try {
    const ageMs = Date.now() - (await stat(folder)).mtimeMs;
    if (ageMs > STALE_AFTER_MS) return true;
    const owner = await readFile(path.join(folder, "pid"), "utf8").catch(() => "");
    return owner === "" ? ageMs > UNSIGNED_AFTER_MS : !isAlive(Number(owner));
  } catch (error) {
    // Given back between our look and this one: free.
    if (codeOf(error) === "ENOENT") return true;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: alive, and somebody else's.
    return codeOf(error) !== "ESRCH";
  }
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
