/**
 * Processes of the bench's own: started, waited for, their CPU and memory read, ended.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import net from "node:net";

const TICKS_PER_SECOND = 100;

/** All that runs; ended when the bench itself ends early. */
const alive = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

export type Running = {
  readonly pid: number;
  readonly child: ChildProcess;
  /** Kills or freezes it, as part of what is measured. */
  hit(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void;
  /** Ends it in order, frozen or not. */
  stop(): Promise<void>;
};

/** Starts a process; its output is shown only when it dies by itself. */
export function start(command: string, args: readonly string[], options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {}): Running {
  const child = spawn(command, args, { cwd: options.cwd, env: { ...process.env, ...options.env }, stdio: ["ignore", "pipe", "pipe"] });
  let tail = "";
  const keep = (chunk: Buffer): void => void (tail = (tail + chunk.toString()).slice(-4_000));
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  let stopping = false;
  alive.add(child);
  child.on("error", (error) => process.stderr.write(`${command} cannot be started: ${error.message}\n`));
  child.on("exit", (code, signal) => {
    alive.delete(child);
    if (!stopping) process.stderr.write(`${command} ended by itself (${code ?? signal}):\n${tail}\n`);
  });
  return {
    pid: child.pid ?? 0,
    child,
    hit(signal) {
      if (signal === "SIGKILL") stopping = true;
      child.kill(signal);
    },
    async stop() {
      stopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      await new Promise<void>((resolve) => {
        const insist = setTimeout(() => child.kill("SIGKILL"), 5_000);
        child.once("exit", () => {
          clearTimeout(insist);
          resolve();
        });
        // A frozen process cannot hear anything else.
        child.kill("SIGCONT");
        child.kill("SIGTERM");
      });
    },
  };
}

/** Pids of a process and all its descendants. */
export function tree(pid: number): readonly number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = statOf(Number(name));
    if (stat !== null) parents.set(Number(name), Number(stat[1]));
  }
  const found = [pid];
  for (const one of found) for (const [child, parent] of parents) if (parent === one) found.push(child);
  return found;
}

/** CPU seconds used so far by a process and its descendants, all threads. */
export function cpuSeconds(pid: number): number {
  let ticks = 0;
  for (const one of tree(pid)) {
    const stat = statOf(one);
    if (stat !== null) ticks += Number(stat[11]) + Number(stat[12]);
  }
  return ticks / TICKS_PER_SECOND;
}

/** Resident and private memory in MB of one process. */
export function memoryMb(pid: number): { readonly rss: number; readonly anon: number } {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  const kb = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(text)?.[1] ?? 0);
  return { rss: kb("VmRSS") / 1_024, anon: kb("RssAnon") / 1_024 };
}

/** Fields of /proc/PID/stat after the command's name; null when it is gone. */
function statOf(pid: number): readonly string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null;
  }
}

export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Waits until a port accepts; a minute at most. */
export async function listening(port: number, host = "127.0.0.1"): Promise<void> {
  const until = Date.now() + 60_000;
  while (Date.now() < until) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, host, () => resolve(true)).on("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (open) return;
    await pause(50);
  }
  throw new Error(`nothing listens on port ${port} after a minute`);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
