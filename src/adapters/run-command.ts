/**
 * One command: argument vector, no shell, a hard deadline for its whole process group, the
 * last bytes of its output.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import type { Clock } from "../ports/clock.ts";
import type { CommandResult, CommandSpec } from "../ports/processes.ts";

/** After the exit: time for what is still in the pipes; a grandchild may hold them open for ever. */
const DRAIN_MS = 200;

/** Never rejects: every end is a value. */
export function runCommand(spec: CommandSpec, env: Readonly<Record<string, string>>, clock: Clock): Promise<CommandResult> {
  const began = clock.now();
  const [program, ...args] = spec.command;
  if (spec.signal?.aborted === true) return Promise.resolve({ kind: "not_started", reason: "aborted" });
  const tail = new Tail(spec.maxOutputBytes);
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: spec.cwd, env: { ...env, ...spec.env }, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    let killed: "deadline" | "aborted" | null = null;
    let settled = false;
    const cut = (reason: "deadline" | "aborted") => (): void => {
      killed ??= reason;
      killGroup(child);
    };
    const onAbort = cut("aborted");
    const cancelDeadline = clock.after(spec.deadlineMs, cut("deadline"));
    spec.signal?.addEventListener("abort", onAbort, { once: true });
    const settle = (result: CommandResult): void => {
      if (settled) return;
      settled = true;
      cancelDeadline();
      spec.signal?.removeEventListener("abort", onAbort);
      child.stdout?.destroy();
      child.stderr?.destroy();
      resolve(result);
    };
    child.stdout?.on("data", (chunk: Buffer) => tail.add(chunk));
    child.stderr?.on("data", (chunk: Buffer) => tail.add(chunk));
    child.once("error", (error) => settle({ kind: "not_started", reason: error.message }));
    child.once("exit", (code, signal) => {
      const finish = (): void => settle(ended(code, signal, killed, tail.text(), clock.now() - began));
      const cancelDrain = clock.after(DRAIN_MS, finish);
      child.once("close", () => {
        cancelDrain();
        finish();
      });
    });
  });
}

function ended(code: number | null, signal: string | null, killed: "deadline" | "aborted" | null, output: string, tookMs: number): CommandResult {
  if (killed !== null) return { kind: "killed", reason: killed, output, tookMs };
  return code === null || signal !== null ? { kind: "killed", reason: "signal", output, tookMs } : { kind: "exited", code, output, tookMs };
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // Gone between the look and the signal.
  }
}

/** The last bytes of a stream. */
class Tail {
  readonly #most: number;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk.subarray(Math.max(0, chunk.length - this.#most)));
    this.#bytes += Math.min(chunk.length, this.#most);
    if (this.#bytes > this.#most * 2 || this.#chunks.length > 1_000) this.#compact();
  }

  text(): string {
    this.#compact();
    return this.#chunks[0]?.toString("utf8") ?? "";
  }

  #compact(): void {
    const all = Buffer.concat(this.#chunks);
    const kept = Buffer.from(all.subarray(Math.max(0, all.length - this.#most)));
    this.#chunks = [kept];
    this.#bytes = kept.length;
  }
}
