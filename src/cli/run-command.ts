/**
 * `run`: the daemon, until it is told to stop.
 */
import { Option, type Command } from "commander";
import type { Logger } from "pino";
import type { Config, Role } from "../config/config.ts";
import type { Daemon } from "../roles/daemon.ts";
import type { Spare } from "../roles/spare-thread.ts";
import { partsOf, type RoleParts } from "../roles/parts.ts";
import { DEFAULT_FILE, EXIT_CONFIGURATION, loadSite, showWarnings, type LoadedSite } from "./load-site.ts";
import { ExitError, type Terminal } from "./terminal.ts";

const ROLES: readonly Role[] = ["standalone", "sidecar", "singleton", "witness"];

type RunOptions = { readonly config: string; readonly role?: Role; readonly log: string };

export function addRunCommand(program: Command, terminal: Terminal): void {
  program
    .command("run")
    .description("the daemon: watch, judge, serve stored pages in an outage, recover; until SIGTERM")
    .option("--config <file>", "the configuration", DEFAULT_FILE)
    .addOption(new Option("--role <role>", "instead of the configuration's").choices([...ROLES]))
    .addOption(new Option("--log <level>", "how much is logged").choices(["error", "warn", "info", "debug"]).default("info"))
    .addHelpText(
      "after",
      `
It logs one JSON document a line to standard output.
SIGTERM and SIGINT stop it in order; a second one at once.
A change of the configuration's files, or SIGHUP, makes it read them again: a valid configuration is
taken without restarting the application; else the one before stays and the log says why.
Exit code 0 after SIGTERM, 1 when it cannot start or go on, 2 when the configuration is not valid.`,
    )
    .action((options: RunOptions) => run(options, terminal));
}

async function run(options: RunOptions, terminal: Terminal): Promise<void> {
  const spare = terminal.gatewayThread();
  let started: Started;
  try {
    started = await begin(options, terminal, spare);
  } finally {
    await spare.close();
  }
  await goOn(started, options, terminal);
}

type Started = { readonly daemon: Daemon; readonly site: LoadedSite; readonly log: Logger; readonly stop: AbortSignal };

async function begin(options: RunOptions, terminal: Terminal, spare: Spare): Promise<Started> {
  const site = await loadSite(terminal, options.config);
  showWarnings(terminal, site.warnings);
  // Taken over before anything starts, so that what has started is stopped in order.
  const stop = terminal.stopSignal();
  const [{ default: pino }, { startRole }] = await Promise.all([import("pino"), import("../roles/start-role.ts")]);
  const log = pino({ level: options.log, base: { site: site.config.site }, timestamp: pino.stdTimeFunctions.isoTime }, { write: terminal.out });
  const daemon = await startRole({ config: site.config, parts: roleParts(site.config, options), env: terminal.env, clock: terminal.clock, log, spare: spare.take }).catch((error: unknown) => {
    throw new ExitError(1, `shopkeeper could not start: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  });
  return { daemon, site, log, stop };
}

async function goOn({ daemon, site, log, stop }: Started, options: RunOptions, terminal: Terminal): Promise<void> {
  const { startReloading } = await import("../roles/reload.ts");
  const lost = new AbortController();
  const reloading = startReloading({
    file: site.file,
    env: terminal.env,
    clock: terminal.clock,
    log,
    first: site.reading,
    take: (config) => daemon.take({ config, parts: roleParts(config, options) }),
    ports: () => daemon.ports(),
    lost: (why) => lost.abort(why),
  });
  terminal.onHangup(() => reloading.request());
  await untilAborted(AbortSignal.any([stop, lost.signal]));
  log.info({ event: "stopping" }, "stopping: finishing what runs");
  await reloading.stop();
  await daemon.stop();
  if (lost.signal.aborted) throw new ExitError(1, `shopkeeper could not go on: ${String(lost.signal.reason)}`);
}

/** @throws {ExitError} for a role whose settings the file does not have. */
function roleParts(config: Config, options: RunOptions): RoleParts {
  const role = options.role ?? config.role;
  const parts = partsOf(role);
  if (role !== config.role && (parts.votes || parts.leads)) throw new ExitError(EXIT_CONFIGURATION, `the role ${role} needs a configuration of its own, and this one is for ${config.role}: role: ${role} in shopkeeper.yaml`);
  return parts;
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
