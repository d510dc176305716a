#!/usr/bin/env node
/** Arguments, signals, exit code; nothing else. */
import { createSystemClock } from "./adapters/system-clock.ts";
import { startSpareThread } from "./roles/spare-thread.ts";

const runs = process.argv[2] === "run";
// See deploy/image/shopkeeper.
if (runs && process.env["SHOPKEEPER_PARSER"] === "baseline") (await import("./adapters/baseline-parser.ts")).holdParserAtBaseline();
// Buyers wait for this thread: it loads its modules while the command line loads its own.
const ahead = runs ? startSpareThread() : null;
const [{ runProgram }, { processTerminal }] = await Promise.all([import("./cli/program.ts"), import("./cli/terminal.ts")]);

/** For the event loop to come to rest by itself once the command has ended. */
const LET_GO_MS = 1_000;

const stop = new AbortController();

/** From the first call on, the signals that end a program abort instead; the second one of them ends it all the same. */
function stopSignal(): AbortSignal {
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    if (process.listenerCount(name) === 0) process.once(name, () => stop.abort(name));
  }
  return stop.signal;
}

const world = { env: process.env, cwd: process.cwd(), clock: createSystemClock(), stopSignal, onHangup: (fn: () => void) => void process.on("SIGHUP", fn), gatewayThread: () => ahead ?? startSpareThread() };
process.exitCode = await runProgram(process.argv, processTerminal(world, process.stdout, process.stderr));
// What a command could not make let go must not hold up whoever waits for its exit code.
setTimeout(() => process.exit(), LET_GO_MS).unref();
