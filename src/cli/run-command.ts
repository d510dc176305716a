/**
 * `run`: the daemon, until it is told to stop.
 */
import { Option, type Command } from "commander";
import pino from "pino";
import type { Role } from "../config/config.ts";
import { startDaemon } from "../roles/daemon.ts";
import { partsOf } from "../roles/parts.ts";
import { DEFAULT_FILE, EXIT_CONFIGURATION, loadSite, showWarnings } from "./load-site.ts";
import { ExitError, type Terminal } from "./terminal.ts";

const ROLES: readonly Role[] = ["standalone", "sidecar", "singleton", "witness"];

export function addRunCommand(program: Command, terminal: Terminal): void {
  program
    .command("run")
    .description("the daemon: watch, judge, serve stored pages in an outage, recover; until SIGTERM")
    .option("--config <file>", "the configuration", DEFAULT_FILE)
    .addOption(new Option("--role <role>", "instead of the configuration's").choices([...ROLES]))
    .addOption(new Option("--log <level>", "how much is logged").choices(["error", "warn", "info", "debug"]).default("info"))
    .action(async (options: { config: string; role?: Role; log: string }) => {
      const { config, warnings } = await loadSite(terminal, options.config);
      showWarnings(terminal, warnings);
      const role = options.role ?? config.role;
      const parts = partsOf(role);
      if (parts === null) throw new ExitError(EXIT_CONFIGURATION, `the role ${role} is not in this version; there are standalone and sidecar`);
      const log = pino({ level: options.log, base: { site: config.site, role }, timestamp: pino.stdTimeFunctions.isoTime });
      const daemon = await startDaemon({ config, parts, env: terminal.env, clock: terminal.clock, log });
      await untilAborted(terminal.stopSignal());
      log.info({ event: "stopping" }, "stopping: finishing what runs");
      await daemon.stop();
    });
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
