/**
 * `validate`: the whole configuration, every error at once. `schema`: its JSON Schemas.
 */
import type { Command } from "commander";
import { nearest } from "../core/nearest.ts";
import { schemas } from "../config/json-schemas.ts";
import { catalogues } from "../roles/catalogues.ts";
import { scenarioSchema } from "../simulation/scenario.ts";
import { DEFAULT_FILE, loadSite, showWarnings } from "./load-site.ts";
import { ExitError, printJson, type Terminal } from "./terminal.ts";

export function addValidateCommands(program: Command, terminal: Terminal): void {
  program
    .command("validate")
    .description("read the configuration, the checks and the policies; print every error with file, line and column")
    .option("--config <file>", "the configuration", DEFAULT_FILE)
    .option("--json", "stable output for scripts")
    .action(async (options: { config: string; json?: boolean }) => {
      const { config, warnings } = await loadSite(terminal, options.config);
      if (options.json === true) {
        printJson(terminal, { valid: true, site: config.site, checks: config.checks.map((check) => check.name), policies: config.policies.map((policy) => policy.name), warnings });
        return;
      }
      showWarnings(terminal, warnings);
      terminal.out(`${options.config}: valid; ${config.targets.length} targets, ${config.checks.length} checks, ${config.policies.length} policies\n`);
    });
  program
    .command("schema")
    .argument("[name]", "which one: shopkeeper, check, policy, scenario; all when left out")
    .description("JSON Schemas of the configuration's files")
    .action((name: string | undefined) => {
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
