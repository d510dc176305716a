/**
 * What Linux tells about processes under /proc (proc(5)).
 */
import * as fs from "node:fs";
import type { ProcessRef } from "../ports/processes.ts";

/** In the environment of every supervised child: "SITE/TARGET". */
export const MARKER_VARIABLE = "SHOPKEEPER_CHILD";
/** Beside it: the intent that started the child. */
export const INTENT_VARIABLE = "SHOPKEEPER_INTENT";

export type ProcessStat = {
  readonly pid: number;
  /** One letter: R, S, D, T (stopped), Z (zombie), X (dead). */
  readonly state: string;
  readonly group: number;
  readonly session: number;
  /** Clock ticks since boot. */
  readonly startTicks: string;
};

/** Most processes looked at in one scan. */
const MAX_SCANNED = 20_000;
/** Looked at before our own loop goes on. */
const SCAN_STEP = 32;

/** Reads one line of /proc/PID/stat. The name stands in brackets and may itself hold spaces and brackets. */
export function parseStat(text: string): ProcessStat | null {
  const nameEnds = text.lastIndexOf(")");
  const pid = Number.parseInt(text, 10);
  const fields = text.slice(nameEnds + 2).trimEnd().split(" ");
  const [state, , group, session] = fields;
  const startTicks = fields[19];
  if (nameEnds < 0 || !Number.isInteger(pid) || state === undefined || startTicks === undefined) return null;
  return { pid, state, group: Number(group), session: Number(session), startTicks };
}

/** Reads NUL-separated NAME=VALUE pairs, those named only. */
export function parseEnviron(text: string, names: readonly string[]): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const pair of text.split("\0")) {
    const equals = pair.indexOf("=");
    const name = pair.slice(0, equals);
    if (names.includes(name)) found[name] ??= pair.slice(equals + 1);
  }
  return found;
}

/** Reading /proc does not wait for any disk, so that one file is read synchronously. null: no such process. */
export function readStat(pid: number): ProcessStat | null {
  try {
    return parseStat(fs.readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return null;
  }
}

/** A zombie runs no more; it only waits for its parent to read its exit code. */
export function isRunning(process: ProcessStat): boolean {
  return process.state !== "Z" && process.state !== "X" && process.state !== "x";
}

let boot: string | undefined;

/** A pid with this text is one very process, also across reboots. */
export function refOf({ pid, startTicks }: ProcessStat): ProcessRef {
  boot ??= fs.readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  return { pid, startTime: `${boot}/${startTicks}` };
}

/** That very process, where it still runs. */
export function running(ref: ProcessRef): ProcessStat | null {
  const found = readStat(ref.pid);
  return found !== null && isRunning(found) && refOf(found).startTime === ref.startTime ? found : null;
}

export type Marked = { readonly stat: ProcessStat; readonly intentId: string };

/** Running processes of our own user whose environment carries the marker. */
export function findMarked(marker: string): Promise<readonly Marked[]> {
  const uid = process.getuid?.() ?? 0;
  return scan((pid) => {
    if (fs.statSync(`/proc/${pid}`).uid !== uid) return null;
    const environ = parseEnviron(fs.readFileSync(`/proc/${pid}/environ`, "utf8"), [MARKER_VARIABLE, INTENT_VARIABLE]);
    if (environ[MARKER_VARIABLE] !== marker) return null;
    const found = readStat(pid);
    return found !== null && isRunning(found) ? { stat: found, intentId: environ[INTENT_VARIABLE] ?? "" } : null;
  });
}

/** Running members of a process group. */
export function groupMembers(group: number): Promise<readonly ProcessStat[]> {
  return scan((pid) => {
    const found = readStat(pid);
    return found !== null && found.group === group && isRunning(found) ? found : null;
  });
}

/** Some processes at a time, so that a crowded host does not hold up our own loop; the thread pool would cost more than the reads. */
async function scan<T>(look: (pid: number) => T | null): Promise<readonly T[]> {
  const pids = fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name)).slice(0, MAX_SCANNED).map(Number);
  const found: T[] = [];
  for (let from = 0; from < pids.length; from += SCAN_STEP) {
    for (const pid of pids.slice(from, from + SCAN_STEP)) {
      const seen = lookSafely(look, pid);
      if (seen !== null) found.push(seen);
    }
    if (from + SCAN_STEP < pids.length) await new Promise((resolve) => setImmediate(resolve));
  }
  return found;
}

/** A process that ended meanwhile, or whose environment we may not read, is not one of ours. */
function lookSafely<T>(look: (pid: number) => T | null, pid: number): T | null {
  try {
    return look(pid);
  } catch {
    return null;
  }
}
