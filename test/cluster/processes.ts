/**
 * The programs of a cluster, each with a log and a written-down pid.
 *
 * A pid is written down with the instant its process began, so that a number the
 * kernel has given to somebody else since is left alone. Linux only.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isRunning, readStat } from "../../src/adapters/proc-files.ts";

/** Where a cluster's programs write, and whether they end with whoever started them. */
export type Crew = {
  readonly folder: string;
  /** true: killed by the kernel when the starting process ends, however it ends. false: they outlive it. */
  readonly leashed: boolean;
  /** Aborted: nothing more is started, and nothing waited for. */
  readonly signal?: AbortSignal;
};

const POLL_MS = 20;
/** Characters of a log shown when its program ended or is not ready. */
const LOG_TAIL = 2_000;

export const logFile = (crew: Crew, name: string): string => join(crew.folder, "log", `${name}.log`);
const pidFolder = (crew: Crew): string => join(crew.folder, "pid");

/** Starts a program and writes its pid down. Its log is appended to. @throws {Error} when it cannot be started. */
export async function launch(crew: Crew, name: string, program: string, args: readonly string[]): Promise<void> {
  crew.signal?.throwIfAborted();
  mkdirSync(join(crew.folder, "log"), { recursive: true });
  mkdirSync(pidFolder(crew), { recursive: true });
  const log = openSync(logFile(crew, name), "a");
  const [command, rest] = crew.leashed ? ["setpriv", ["--pdeathsig", "KILL", "--", program, ...args]] : [program, args];
  // A session of its own: Ctrl-C at the terminal is for whoever started us to answer.
  const child = spawn(command, rest, { stdio: ["ignore", log, log], detached: true, cwd: crew.folder });
  closeSync(log);
  if (child.pid !== undefined) writeFileSync(join(pidFolder(crew), name), `${child.pid} ${readStat(child.pid)?.startTicks ?? ""}\n`);
  await once(child, "spawn");
  child.unref();
}

/** The pid written down, while that very process runs; null otherwise. */
export function pidOf(crew: Crew, name: string): number | null {
  try {
    const [pid, startTicks] = readFileSync(join(pidFolder(crew), name), "utf8").trim().split(" ");
    const stat = readStat(Number(pid));
    return stat !== null && isRunning(stat) && stat.startTicks === startTicks ? stat.pid : null;
  } catch {
    return null;
  }
}

/** Names of all programs ever written down in this folder, in alphabetical order. */
export function namesOf(crew: Crew): readonly string[] {
  try {
    return readdirSync(pidFolder(crew)).toSorted();
  } catch {
    return [];
  }
}

/** Sends a signal to the programs that run. */
export function signal(crew: Crew, names: readonly string[], what: NodeJS.Signals): void {
  for (const name of names) {
    const pid = pidOf(crew, name);
    if (pid !== null) signalPid(pid, what);
  }
}

/** Ends programs and waits until they are gone: SIGTERM, and SIGKILL for those that run `graceMs` later (0: at once). */
export async function end(crew: Crew, names: readonly string[], graceMs: number): Promise<void> {
  if (graceMs > 0) {
    signal(crew, names, "SIGTERM");
    await gone(crew, names, graceMs);
  }
  signal(crew, names, "SIGKILL");
  if (!(await gone(crew, names, 10_000))) throw new Error(`survived SIGKILL for 10 s: ${names.filter((name) => pidOf(crew, name) !== null).join(", ")}`);
  for (const name of names) rmSync(join(pidFolder(crew), name), { force: true });
}

/** Signals a process that may have ended since it was looked up. */
export function signalPid(pid: number, what: NodeJS.Signals): void {
  try {
    process.kill(pid, what);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function gone(crew: Crew, names: readonly string[], withinMs: number): Promise<boolean> {
  return holds(() => names.every((name) => pidOf(crew, name) === null), withinMs);
}

/** Looks again and again until it holds. false: not within the time. */
export async function holds(question: () => boolean | Promise<boolean>, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (!(await question())) {
    if (performance.now() > deadline) return false;
    await pause(POLL_MS);
  }
  return true;
}

/** Waits until a program is ready. @throws {Error} with the end of its log, as soon as it has ended or when time is up. */
export async function ready(crew: Crew, name: string, question: () => Promise<boolean>, withinMs = 60_000): Promise<void> {
  const ended = (): boolean => pidOf(crew, name) === null;
  const settled = await holds(async () => {
    crew.signal?.throwIfAborted();
    return ended() || (await question());
  }, withinMs);
  if (settled && !ended()) return;
  const tail = readFileSync(logFile(crew, name), "utf8").slice(-LOG_TAIL);
  throw new Error(`${name} ${ended() ? "ended" : `is not ready after ${withinMs} ms`}; the end of ${logFile(crew, name)}:\n${tail}`);
}
