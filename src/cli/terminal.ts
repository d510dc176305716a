/**
 * What every command is given: where to write, how, and the world it may read.
 */
import type { Clock } from "../ports/clock.ts";
import type { Spare } from "../roles/spare-thread.ts";
import { painter, wantsColour, type Paint } from "./table.ts";

/** Ends the program with this exit code; `message` goes to standard error when it is not empty. */
export class ExitError extends Error {
  override readonly name = "ExitError";
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

export type Terminal = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly clock: Clock;
  /** Writes text as it is. */
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly paint: Paint;
  readonly paintErr: Paint;
  /**
   * Aborts on SIGINT and SIGTERM. Asking for it is what takes those signals over: a command that
   * does not ask is ended by them, as any program is.
   */
  readonly stopSignal: () => AbortSignal;
  /** Calls back at each SIGHUP; asking for it takes that signal over. */
  readonly onHangup: (fn: () => void) => void;
  /** The gateway's first thread; begun already where the program knew early that there would be a gateway. */
  readonly gatewayThread: () => Spare;
};

/** The process's own terminal. */
export function processTerminal(parts: Pick<Terminal, "env" | "cwd" | "clock" | "stopSignal" | "onHangup" | "gatewayThread">, stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): Terminal {
  return {
    ...parts,
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    paint: painter(wantsColour(stdout, parts.env)),
    paintErr: painter(wantsColour(stderr, parts.env)),
  };
}

/** Stable output for scripts: one JSON document and a line end. */
export function printJson(terminal: Terminal, value: unknown): void {
  terminal.out(`${JSON.stringify(value, null, 2)}\n`);
}
