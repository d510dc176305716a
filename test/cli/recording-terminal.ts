/** A terminal that keeps what is written to it. */
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { runProgram } from "../../src/cli/program.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import type { Clock } from "../../src/ports/clock.ts";
import { startSpareThread } from "../../src/roles/spare-thread.ts";

export type Ran = { readonly code: number; readonly out: string; readonly err: string };

export type World = { readonly cwd?: string; readonly env?: Readonly<Record<string, string>>; readonly clock?: Clock; readonly stop?: AbortSignal; readonly wrote?: (text: string) => void };

/** Runs one command line in this process, without colour. */
export async function run(args: readonly string[], world: World = {}): Promise<Ran> {
  const written = { out: "", err: "" };
  const plain = (_style: unknown, text: string): string => text;
  const terminal: Terminal = {
    env: world.env ?? {},
    cwd: world.cwd ?? "/",
    clock: world.clock ?? createSystemClock(),
    out: (text) => {
      written.out += text;
      world.wrote?.(written.out);
    },
    err: (text) => void (written.err += text),
    paint: plain,
    paintErr: plain,
    stopSignal: () => world.stop ?? new AbortController().signal,
    onHangup: () => undefined,
    gatewayThread: startSpareThread,
  };
  const code = await runProgram(["node", "shopkeeper", ...args], terminal);
  return { code, ...written };
}
