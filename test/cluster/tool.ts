/** Runs programs of the system to their end. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";

const run = promisify(execFile);

const DEADLINE_MS = 120_000;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** What it wrote. @throws {Error} with its standard error when it ends otherwise than by 0. */
export async function tool(command: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(command, args, { timeout: DEADLINE_MS, maxBuffer: MAX_OUTPUT_BYTES });
  return stdout;
}

/** Whether it ended by 0: for undoing what may never have been done. */
export async function attempt(command: string, ...args: readonly string[]): Promise<boolean> {
  try {
    await tool(command, ...args);
    return true;
  } catch {
    return false;
  }
}

/** Gives it a text to read. @throws {Error} when it ends otherwise than by 0. */
export async function toolReading(input: string, command: string, ...args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { stdio: ["pipe", "ignore", "inherit"], timeout: DEADLINE_MS });
  child.stdin.end(input);
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`${command} ended by ${code}`);
}

/** Waits for all to be done, also when one fails: nothing of them goes on behind whoever clears up. @throws what the first of them threw. */
export async function allDone(works: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(works)).find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
