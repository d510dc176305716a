/**
 * Processes of this host (Linux): children that outlive us, found again by the marker in
 * their environment, each one very process by pid and kernel start time.
 */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import type { Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import { sleep } from "../ports/clock.ts";
import type { CommandResult, CommandSpec, Exit, Processes, ProcessRef, ProcessSpec, Usage } from "../ports/processes.ts";
import { openLog, rotateLog } from "./log-file.ts";
import { findMarked, groupMembers, INTENT_VARIABLE, MARKER_VARIABLE, readStat, refOf, running } from "./proc-files.ts";
import type { Marked, ProcessStat } from "./proc-files.ts";
import { runCommand } from "./run-command.ts";
import { readUsage } from "./usage.ts";

/** Between looks at adopted processes, whose exit the kernel does not tell us. */
const WATCH_MS: Ms = 100;
/** Between looks while something is being stopped. */
const STOP_POLL_MS: Ms = 20;
/** After SIGKILL the kernel needs a moment; beyond this a process hangs in the kernel. */
const KILL_WAIT_MS: Ms = 3_000;
const ROTATE_EVERY_MS: Ms = 60_000;
/** Exits of own children remembered for those who ask late. */
const MAX_EXITS = 64;
const INHERITED = ["PATH", "HOME", "LANG", "TZ", "NODE_ENV"];

export type LocalProcessesParts = {
  readonly clock: Clock;
  /** Our own environment; a child gets PATH, HOME, LANG, TZ and NODE_ENV of it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Logs of children that may be adopted, so that they are rotated too. */
  readonly logFiles?: readonly string[];
};

export interface LocalProcesses extends Processes {
  /** Stops watching and rotating; the children stay. */
  close(): void;
}

export function createLocalProcesses(parts: LocalProcessesParts): LocalProcesses {
  return new LinuxProcesses(parts);
}

type Watch = { readonly ref: ProcessRef; readonly fn: (exit: Exit) => void };

class LinuxProcesses implements LocalProcesses {
  readonly #clock: Clock;
  readonly #env: Readonly<Record<string, string>>;
  readonly #logs: Set<string>;
  /** Own children by pid; null while they run. */
  readonly #children = new Map<number, { readonly ref: ProcessRef; exit: Exit | null }>();
  readonly #watches = new Set<Watch>();
  #cancelWatch: (() => void) | null = null;
  #cancelRotate: (() => void) | null = null;
  #closed = false;

  constructor({ clock, env, logFiles = [] }: LocalProcessesParts) {
    this.#clock = clock;
    this.#env = Object.fromEntries(INHERITED.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
    this.#logs = new Set(logFiles);
    if (this.#logs.size > 0) this.#rotateLater();
  }

  async start(spec: ProcessSpec): Promise<ProcessRef> {
    const [program, ...args] = spec.command;
    if (spec.logFile !== null) await rotateLog(spec.logFile);
    const log = spec.logFile === null ? ("inherit" as const) : openLog(spec.logFile);
    try {
      const env = { ...this.#env, ...spec.env, [MARKER_VARIABLE]: spec.marker, [INTENT_VARIABLE]: spec.intentId };
      const child = spawn(program, args, { cwd: spec.cwd, env, detached: true, stdio: ["ignore", log, log] });
      // Read before the loop turns: a child that dies at once is a zombie until then, so it is still there to be read.
      const stat = child.pid === undefined ? null : readStat(child.pid);
      if (stat !== null) this.#remember(refOf(stat));
      child.once("exit", (code, signal) => this.#exited(child.pid, code, signal));
      await new Promise<void>((resolve, reject) => {
        child.once("spawn", resolve);
        child.once("error", reject);
      });
      child.unref();
      if (stat === null) throw new Error(`${program} was started but cannot be seen under /proc`);
      if (spec.logFile !== null) this.#keepRotated(spec.logFile);
      return refOf(stat);
    } finally {
      if (typeof log === "number") fs.closeSync(log);
    }
  }

  /** One per session: its leader, or, where that is gone, the oldest of what it left running. Oldest first. */
  async find(marker: string): Promise<readonly { readonly ref: ProcessRef; readonly intentId: string }[]> {
    const heads = new Map<number, Marked>();
    for (const marked of await findMarked(marker)) {
      const head = heads.get(marked.stat.session);
      if (head === undefined || leads(marked.stat, head.stat)) heads.set(marked.stat.session, marked);
    }
    return [...heads.values()].toSorted((a, b) => age(a.stat, b.stat)).map(({ stat, intentId }) => ({ ref: refOf(stat), intentId }));
  }

  alive(ref: ProcessRef): Promise<boolean> {
    return Promise.resolve(running(ref) !== null);
  }

  async stop(ref: ProcessRef, graceMs: Ms, signal?: AbortSignal): Promise<"stopped" | "gone"> {
    const stat = running(ref);
    if (stat === null) return "gone";
    const ours = readStat(process.pid)?.group;
    // A process of our own group was not started by us in a group of its own: only it, never ourselves.
    const whom = stat.group === ours ? stat.pid : -stat.group;
    send(whom, "SIGTERM");
    // A frozen process takes its SIGTERM only once it goes on.
    send(whom, "SIGCONT");
    if (await this.#until(() => isGone(ref, whom), graceMs, signal)) return "stopped";
    send(whom, "SIGKILL");
    if (await this.#until(() => isGone(ref, whom), KILL_WAIT_MS, signal)) return "stopped";
    throw new Error(`process ${ref.pid} is still there after SIGKILL`);
  }

  onExit(ref: ProcessRef, fn: (exit: Exit) => void): () => void {
    const watch = { ref, fn };
    const own = this.#children.get(ref.pid);
    this.#watches.add(watch);
    if (own?.ref.startTime !== ref.startTime) this.#watchLater();
    else if (own.exit !== null) this.#clock.after(0, () => this.#tell(ref, own.exit));
    return () => this.#watches.delete(watch);
  }

  run(command: CommandSpec): Promise<CommandResult> {
    return runCommand(command, this.#env, this.#clock);
  }

  usage(of: { readonly pid: number } | { readonly cgroup: string }): Promise<Usage | null> {
    return Promise.resolve(readUsage(of));
  }

  close(): void {
    this.#closed = true;
    this.#watches.clear();
    this.#cancelWatch?.();
    this.#cancelRotate?.();
  }

  #remember(ref: ProcessRef): void {
    const ended = [...this.#children].filter(([, child]) => child.exit !== null);
    for (const [pid] of ended.slice(0, Math.max(0, ended.length - MAX_EXITS))) this.#children.delete(pid);
    this.#children.set(ref.pid, { ref, exit: null });
  }

  #exited(pid: number | undefined, code: number | null, signal: string | null): void {
    const child = pid === undefined ? undefined : this.#children.get(pid);
    if (child === undefined) return;
    child.exit = { ref: child.ref, code, signal };
    this.#tell(child.ref, child.exit);
  }

  #tell(ref: ProcessRef, exit: Exit | null): void {
    for (const watch of this.#watches) {
      if (watch.ref.pid !== ref.pid || watch.ref.startTime !== ref.startTime) continue;
      this.#watches.delete(watch);
      watch.fn(exit ?? { ref, code: null, signal: null });
    }
  }

  #isOwn(ref: ProcessRef): boolean {
    return this.#children.get(ref.pid)?.ref.startTime === ref.startTime;
  }

  #watchLater(): void {
    if (this.#closed) return;
    this.#cancelWatch ??= this.#clock.after(WATCH_MS, () => {
      this.#cancelWatch = null;
      const adopted = [...this.#watches].filter((watch) => !this.#isOwn(watch.ref));
      for (const { ref } of adopted) if (running(ref) === null) this.#tell(ref, null);
      if ([...this.#watches].some((watch) => !this.#isOwn(watch.ref))) this.#watchLater();
    });
  }

  #keepRotated(file: string): void {
    this.#logs.add(file);
    this.#rotateLater();
  }

  #rotateLater(): void {
    if (this.#closed) return;
    this.#cancelRotate ??= this.#clock.after(ROTATE_EVERY_MS, () => {
      // A full disk must not end us; the log is tried again a minute later.
      void Promise.allSettled([...this.#logs].map((file) => rotateLog(file))).then(() => {
        this.#cancelRotate = null;
        this.#rotateLater();
      });
    });
  }

  async #until(done: () => Promise<boolean>, most: Ms, signal: AbortSignal | undefined): Promise<boolean> {
    const end = this.#clock.now() + most;
    while (!(await done())) {
      signal?.throwIfAborted();
      if (this.#clock.now() >= end) return false;
      await sleep(this.#clock, STOP_POLL_MS, signal);
    }
    return true;
  }
}

function leads(candidate: ProcessStat, head: ProcessStat): boolean {
  if (head.pid === head.session) return false;
  return candidate.pid === candidate.session || age(candidate, head) < 0;
}

function age(a: ProcessStat, b: ProcessStat): number {
  return Number(BigInt(a.startTicks) - BigInt(b.startTicks)) || a.pid - b.pid;
}

async function isGone(ref: ProcessRef, whom: number): Promise<boolean> {
  if (running(ref) !== null) return false;
  if (whom > 0 || !send(whom, 0)) return true;
  // Zombies nobody reaps keep a group in existence.
  return (await groupMembers(-whom)).length === 0;
}

/** @returns false when there is nobody to signal. */
function send(whom: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(whom, signal);
    return true;
  } catch {
    return false;
  }
}
