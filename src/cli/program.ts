/**
 * The command line: every command, its options, and how its end becomes an exit code.
 *
 * What a command needs is loaded when it runs: `run` carries no simulator, and `status` no daemon.
 */
import { Command, CommanderError } from "commander";
import { addCheckCommand } from "./check-command.ts";
import { addInitCommand } from "./init-command.ts";
import { addOrderCommands, addReadingCommands, type WithApi } from "./online-commands.ts";
import { addRegionCommands } from "./region-commands.ts";
import { addRunCommand } from "./run-command.ts";
import { addSimulateCommand } from "./simulate-command.ts";
import { ExitError, type Terminal } from "./terminal.ts";
import { addValidateCommands } from "./validate-command.ts";
import { VERSION } from "../roles/version.ts";

/** Runs one command line. @returns the exit code; never rejects. */
export async function runProgram(argv: readonly string[], terminal: Terminal): Promise<number> {
  // Buyers wait for the daemon: it puts together no command but its own.
  const program = createProgram(terminal, argv[2] === "run" ? "run" : "all");
  try {
    await program.parseAsync([...argv]);
    return 0;
  } catch (error) {
    return exitCodeOf(error, terminal);
  }
}

function exitCodeOf(error: unknown, terminal: Terminal): number {
  // commander has printed its own words by now; help and version end with 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof ExitError) {
    if (error.message !== "") terminal.err(`${error.message}\n`);
    return error.exitCode;
  }
  terminal.err(`shopkeeper: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 1;
}

/** The program, not yet run; tests read its commands and options. */
export function createProgram(terminal: Terminal, commands: "all" | "run" = "all"): Command {
  const program = new Command("shopkeeper")
    .description("keeps a self-hosted Shopify Hydrogen storefront open")
    .version(VERSION)
    .option("--server <url>", "the daemon's admin listener (or SHOPKEEPER_SERVER); default: that of shopkeeper.yaml")
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err });
  const withApi: WithApi = async (command, run) => {
    const [{ serverOf }, { apiAt }, { createLeanHttp }] = await Promise.all([import("./server-of.ts"), import("./api.ts"), import("../adapters/lean-http.ts")]);
    const { server, token } = await serverOf(terminal, command.optsWithGlobals<{ server?: string }>().server);
    const http = createLeanHttp({ clock: terminal.clock });
    try {
      await run(apiAt(http, server, token));
    } finally {
      await http.close();
    }
  };
  addRunCommand(program, terminal);
  if (commands === "run") return program;
  addCheckCommand(program, terminal);
  addValidateCommands(program, terminal);
  addSimulateCommand(program, terminal);
  addInitCommand(program, terminal);
  addReadingCommands(program, terminal, withApi);
  addOrderCommands(program, terminal, withApi);
  addRegionCommands(program, terminal, withApi);
  return program;
}
