/**
 * `validate`: the whole configuration, every error at once. `schema`: its JSON Schemas.
 */
import { resolve } from "node:path";
import type { Command } from "commander";
import { nearest } from "../core/nearest.ts";
import { DEFAULT_FILE, EXIT_CONFIGURATION, loadSite, showWarnings } from "./load-site.ts";
import { ExitError, printJson, type Terminal } from "./terminal.ts";

export function addValidateCommands(program: Command, terminal: Terminal): void {
  program
    .command("validate")
    .description("read the configuration, the checks and the policies; print every error with file, line and column")
    .option("--config <file>", "the configuration", DEFAULT_FILE)
    .option("--json", "stable output for scripts")
    .action(async (options: { config: string; json?: boolean }) => {
      if (options.json === true) return validateJson(terminal, options.config);
      const { config, warnings } = await loadSite(terminal, options.config);
      showWarnings(terminal, warnings);
      terminal.out(`${options.config}: valid; ${config.targets.length} targets, ${config.checks.length} checks, ${config.policies.length} policies\n`);
    });
  program
    .command("schema")
    .argument("[name]", "which one: shopkeeper, check, policy, scenario; all when left out")
    .description("JSON Schemas of the configuration's files")
    .action(async (name: string | undefined) => {
      const [{ schemas }, { catalogues }, { scenarioSchema }] = await Promise.all([import("../config/json-schemas.ts"), import("../roles/catalogues.ts"), import("../simulation/scenario.ts")]);
      const all = schemas(catalogues, { scenario: scenarioSchema });
      if (name === undefined) return printJson(terminal, all);
      const one = all[name];
      if (one === undefined) {
        const close = nearest(name, Object.keys(all));
        throw new ExitError(2, `no schema "${name}"; there are ${Object.keys(all).join(", ")}${close === undefined ? "" : `; did you mean "${close}"?`}`);
      }
      printJson(terminal, one);
    });
}

/** One document either way, so that an editor or a pipeline need not read sentences. */
async function validateJson(terminal: Terminal, file: string): Promise<void> {
  const { readConfig } = await import("../roles/read-config.ts");
  const { loaded } = await readConfig(resolve(terminal.cwd, file), terminal.env);
  if (!loaded.ok) {
    printJson(terminal, { valid: false, errors: loaded.errors, warnings: loaded.warnings });
    throw new ExitError(EXIT_CONFIGURATION, "");
  }
  const { site, checks, policies } = loaded.config;
  printJson(terminal, { valid: true, site, checks: checks.map((check) => check.name), policies: policies.map((policy) => policy.name), warnings: loaded.warnings });
}
