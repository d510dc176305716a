/** Processes in memory, held to the contract of the real ones. What a command does is told by its first word. */
import type { Clock } from "../../src/ports/clock.ts";
import type { CommandResult, CommandSpec, Exit, Processes, ProcessRef, ProcessSpec, Usage } from "../../src/ports/processes.ts";

/** `stays`: until it is stopped. `exits N`: at once. `missing`: cannot be started. */
type Running = { readonly ref: ProcessRef; readonly marker: string; readonly intentId: string };

export class FakeProcesses implements Processes {
  readonly #clock: Clock;
  #nextPid = 100;
  running: Running[] = [];
  /** Every start there ever was. */
  readonly started: Running[] = [];
  /** Every command that was run. */
  readonly ran: CommandSpec[] = [];
  readonly #exits = new Map<number, Exit>();
  readonly #watches = new Set<{ readonly ref: ProcessRef; readonly fn: (exit: Exit) => void }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async start(spec: ProcessSpec): Promise<ProcessRef> {
    if (spec.command[0] === "missing") throw new Error("spawn missing ENOENT");
    const pid = this.#nextPid++;
    const ref = { pid, startTime: `fake/${pid}` };
    const process = { ref, marker: spec.marker, intentId: spec.intentId };
    this.started.push(process);
    this.running.push(process);
    if (spec.command[0] === "exits") this.#clock.after(0, () => this.kill(ref, Number(spec.command[1] ?? 0), null));
    return ref;
  }

  async find(marker: string): Promise<readonly { readonly ref: ProcessRef; readonly intentId: string }[]> {
    return this.running.filter((process) => process.marker === marker).map(({ ref, intentId }) => ({ ref, intentId }));
  }

  async alive(ref: ProcessRef): Promise<boolean> {
    return this.running.some((process) => same(process.ref, ref));
  }

  async stop(ref: ProcessRef): Promise<"stopped" | "gone"> {
    if (!(await this.alive(ref))) return "gone";
    this.kill(ref, null, "SIGTERM");
    return "stopped";
  }

  onExit(ref: ProcessRef, fn: (exit: Exit) => void): () => void {
    const watch = { ref, fn };
    this.#watches.add(watch);
    const exit = this.#exits.get(ref.pid);
    if (!this.running.some((process) => same(process.ref, ref))) this.#clock.after(0, () => this.#tell(exit ?? { ref, code: null, signal: null }));
    return () => this.#watches.delete(watch);
  }

  async run(command: CommandSpec): Promise<CommandResult> {
    const [program, argument = ""] = command.command;
    if (command.signal?.aborted === true || program === "missing") return { kind: "not_started", reason: "no such program" };
    this.ran.push(command);
    if (program === "stays") return { kind: "killed", reason: "deadline", output: "", tookMs: command.deadlineMs };
    return { kind: "exited", code: program === "exits" ? Number(argument) : 0, output: program === "says" ? argument.slice(-command.maxOutputBytes) : "", tookMs: 1 };
  }

  async usage(): Promise<Usage | null> {
    return null;
  }

  /** The world ends a process. */
  kill(ref: ProcessRef, code: number | null = null, signal: string | null = "SIGKILL"): void {
    this.running = this.running.filter((process) => !same(process.ref, ref));
    const exit = { ref, code, signal };
    this.#exits.set(ref.pid, exit);
    this.#clock.after(0, () => this.#tell(exit));
  }

  #tell(exit: Exit): void {
    for (const watch of this.#watches) {
      if (!same(watch.ref, exit.ref)) continue;
      this.#watches.delete(watch);
      watch.fn(exit);
    }
  }
}

function same(a: ProcessRef, b: ProcessRef): boolean {
  return a.pid === b.pid && a.startTime === b.startTime;
}
