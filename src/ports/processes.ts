/** Local processes and commands: supervised children, systemd units, one-shot commands, usage figures. */
import type { Ms } from "../core/time.ts";

/** One very process: a pid can be reused, a pid with its kernel start time cannot. */
export type ProcessRef = { readonly pid: number; readonly startTime: string };

export type ProcessSpec = {
  /** Argument vector; no shell. */
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  /** Added to a minimal environment (PATH, HOME, LANG, TZ, NODE_ENV); secrets resolved by the caller. */
  readonly env: Readonly<Record<string, string>>;
  /** Unique to site and target: "SITE/TARGET". Stands in the child's environment, so that it is found again after our own death. */
  readonly marker: string;
  /** The intent that starts it, in the child's environment beside the marker; "" at first start. */
  readonly intentId: string;
  /** Standard output and error go to this file, rotated at 10 MB; null: inherited. */
  readonly logFile: string | null;
};

export type Exit = { readonly ref: ProcessRef; readonly code: number | null; readonly signal: string | null };

export type CommandSpec = {
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly deadlineMs: Ms;
  /** Bytes of output kept, the last ones. */
  readonly maxOutputBytes: number;
  readonly signal?: AbortSignal;
};

export type CommandResult =
  | { readonly kind: "exited"; readonly code: number; readonly output: string; readonly tookMs: Ms }
  | { readonly kind: "killed"; readonly reason: "deadline" | "aborted" | "signal"; readonly output: string; readonly tookMs: Ms }
  | { readonly kind: "not_started"; readonly reason: string };

export type Usage = {
  readonly rssBytes: number;
  /** CPU time used since the process (or cgroup) began. */
  readonly cpuMs: Ms;
  /** The limit that applies (cgroup), else the machine's memory. */
  readonly memoryLimitBytes: number;
  /** CPUs it may use: cgroup quota or request, else the machine's count. */
  readonly cpus: number;
  readonly source: "process" | "cgroup";
};

export interface Processes {
  /** Starts a detached child that outlives us; rejects with a plain Error when it cannot be started (no such file, no right). */
  start(spec: ProcessSpec): Promise<ProcessRef>;
  /** Processes whose environment carries the marker, with the intent each was started by; our own children and orphans alike. */
  find(marker: string): Promise<readonly { readonly ref: ProcessRef; readonly intentId: string }[]>;
  alive(ref: ProcessRef): Promise<boolean>;
  /**
   * SIGTERM, then SIGKILL after `graceMs`; the whole process group. Resolves once it is gone.
   * @returns "stopped", or "gone" when that very process was not there any more.
   */
  stop(ref: ProcessRef, graceMs: Ms, signal?: AbortSignal): Promise<"stopped" | "gone">;
  /** Calls back once, as soon as that process is gone; adopted ones are watched too. Returns a cancel function. */
  onExit(ref: ProcessRef, fn: (exit: Exit) => void): () => void;
  run(command: CommandSpec): Promise<CommandResult>;
  /** null when there is no such process or cgroup. */
  usage(of: { readonly pid: number } | { readonly cgroup: string }): Promise<Usage | null>;
}
