/**
 * Network namespaces of Linux without a name: each lives for as long as a process in it, `cat`, which ends with its input,
 * that is with us, however we end. With it go its interfaces, and so do their other ends in the machine's own network.
 */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { findProgram } from "../provide-servers.ts";

const TOOL_MS = 10_000;
const END_MS = 2_000;
const MAX_SAID = 2_000;

/** Programs that it takes. */
export const TOOLS = ["ip", "iptables-restore", "nsenter", "unshare"] as const;

export class Namespace {
  readonly #holder: ChildProcessByStdio<Writable, Readable, Readable>;

  private constructor(holder: ChildProcessByStdio<Writable, Readable, Readable>) {
    this.#holder = holder;
  }

  /** @throws {Error} where it may not be made. */
  static async open(): Promise<Namespace> {
    // A group of its own: a terminal's SIGINT would reach it before what runs in its namespace has ended.
    const holder = spawn(path("unshare"), ["--net", "cat"], { stdio: ["pipe", "pipe", "pipe"], detached: true });
    let said = "";
    holder.stderr.on("data", (bytes: Buffer) => void (said = `${said}${bytes.toString()}`.slice(-MAX_SAID)));
    holder.stdin.on("error", () => undefined);
    const failed = Promise.race([once(holder, "exit"), once(holder, "error")]).then(() => Promise.reject(new Error(`no network namespace may be made: ${said.trim()}`)));
    // What it is told comes back from within.
    holder.stdin.write("\n");
    await Promise.race([once(holder.stdout, "data", { signal: AbortSignal.timeout(TOOL_MS) }), failed]).catch((error: unknown) => {
      holder.kill("SIGKILL");
      throw error;
    });
    failed.catch(() => undefined);
    return new Namespace(holder);
  }

  get pid(): number {
    return this.#holder.pid ?? 0;
  }

  /** What a command is put behind to run within. */
  get behind(): readonly string[] {
    return [path("nsenter"), `--net=/proc/${this.pid}/ns/net`, "--"];
  }

  /** Interfaces, addresses and routes, a line each, as `ip -batch` takes them. @throws {Error} at the first that is refused */
  async ip(lines: readonly string[]): Promise<void> {
    await runTool(this.behind, [path("ip"), "-batch", "-"], lines);
  }

  /** Packets are passed on between its interfaces. */
  async forward(): Promise<void> {
    await runTool(this.behind, ["sh", "-c", "cat > /proc/sys/net/ipv4/ip_forward"], ["1"]);
  }

  /** All rules of its filter at once, those before are forgotten: "-A FORWARD -s 198.18.0.18 -j DROP". */
  async filter(rules: readonly string[]): Promise<void> {
    const policies = ["INPUT", "FORWARD", "OUTPUT"].map((chain) => `:${chain} ACCEPT [0:0]`);
    await runTool(this.behind, [path("iptables-restore"), "-w", "5"], ["*filter", ...policies, ...rules, "COMMIT"]);
  }

  async close(): Promise<void> {
    if (this.#holder.exitCode !== null || this.#holder.signalCode !== null) return;
    const gone = once(this.#holder, "exit");
    this.#holder.stdin.end();
    const insist = setTimeout(() => this.#holder.kill("SIGKILL"), END_MS);
    await gone;
    clearTimeout(insist);
  }
}

/** The same in the machine's own network. */
export const ipHere = (lines: readonly string[]): Promise<string> => runTool([], [path("ip"), "-batch", "-"], lines);

function path(program: (typeof TOOLS)[number]): string {
  const found = findProgram(program);
  if (found === null) throw new Error(`${program} is not installed`);
  return found;
}

/** @returns what it wrote. @throws {Error} with its complaint */
async function runTool(behind: readonly string[], command: readonly string[], input: readonly string[]): Promise<string> {
  const [program = "", ...args] = [...behind, ...command];
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], signal: AbortSignal.timeout(TOOL_MS) });
  let wrote = "";
  let complained = "";
  child.stdout.on("data", (bytes: Buffer) => void (wrote = `${wrote}${bytes.toString()}`.slice(-MAX_SAID)));
  child.stderr.on("data", (bytes: Buffer) => void (complained = `${complained}${bytes.toString()}`.slice(-MAX_SAID)));
  child.stdin.on("error", () => undefined);
  child.stdin.end(`${input.join("\n")}\n`);
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`${command.join(" ")} failed: ${complained.trim()}`);
  return wrote;
}
