/** Processes of a scene: the bundle as it ships, and the applications behind it. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

const STOP_MS = 8_000;
const STEP_MS = 20;
const MAX_TAIL = 40;

/** All that runs; ended with us, however we end. */
const alive = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

export type SceneProcess = {
  readonly pid: number;
  /** The last lines it wrote. */
  readonly tail: () => string;
  readonly ended: () => boolean;
  /** SIGKILL, and its end. */
  kill(): Promise<void>;
  /** SIGTERM, and its end; SIGKILL after 8 s. */
  stop(): Promise<void>;
};

export type ProcessOptions = {
  /** What its command is put behind; it becomes the process itself in the end, so that signals reach it. */
  readonly behind?: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Called for each line that it writes. */
  readonly line?: (text: string) => void;
};

export function startProcess(args: readonly string[], { behind = [], cwd, env = {}, line = () => {} }: ProcessOptions = {}): SceneProcess {
  const { PATH = "", HOME = "" } = process.env;
  const [program = process.execPath, ...rest] = [...behind, process.execPath, ...args];
  const child = spawn(program, rest, { ...(cwd === undefined ? {} : { cwd }), env: { PATH, HOME, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const tail: string[] = [];
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on("line", (text) => {
      tail.push(text);
      if (tail.length > MAX_TAIL) tail.shift();
      line(text);
    });
  }
  child.on("error", (error) => tail.push(error.message));
  alive.add(child);
  child.once("exit", () => alive.delete(child));
  return { pid: child.pid ?? 0, tail: () => tail.join("\n"), ended: () => isEnded(child), kill: () => endWith(child, "SIGKILL"), stop: () => endWith(child, "SIGTERM") };
}

function isEnded({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}

async function endWith(child: ChildProcess, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
  if (isEnded(child)) return;
  const gone = once(child, "exit");
  child.kill(signal);
  const insist = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await gone;
  clearTimeout(insist);
}

/**
 * Asks until it is given something true, and hands that back. A look that throws is one that saw nothing.
 *
 * @throws {Error} with `what`, and the last look's own error, when it has not come true in time.
 */
export async function waitUntil<T>(what: string, look: () => T | Promise<T>, withinMs = 30_000): Promise<Exclude<T, null | undefined | false>> {
  const end = performance.now() + withinMs;
  let last = "";
  for (;;) {
    try {
      const seen = await look();
      if (seen !== null && seen !== undefined && seen !== false) return seen as Exclude<T, null | undefined | false>;
      last = "";
    } catch (error) {
      last = `; ${error instanceof Error ? error.message : String(error)}`;
    }
    if (performance.now() > end) throw new Error(`waited ${withinMs} ms in vain until ${what}${last}`);
    await pause(STEP_MS);
  }
}
