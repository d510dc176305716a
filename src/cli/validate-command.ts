/**
 * `validate`: the whole configuration, every error at once. `schema`: its JSON Schemas.
 */
import { resolve } from "node:path";
import type { Command } from "commander";
import { nearest } from "../core/nearest.ts";
import type { Config } from "../config/config.ts";
import { inTime } from "../ports/clock.ts";
import { DEFAULT_FILE, EXIT_CONFIGURATION, loadSite, showWarnings } from "./load-site.ts";
import { rtoText } from "./show-rto.ts";
import { table } from "./table.ts";
import { ExitError, printJson, type Terminal } from "./terminal.ts";

/** For all questions about rights together. */
const ASK_MS = 30_000;

export function addValidateCommands(program: Command, terminal: Terminal): void {
  program
    .command("validate")
    .description("read the configuration, the checks and the policies; print every error with file, line and column")
    .option("--config <file>", "the configuration", DEFAULT_FILE)
    .option("--cluster", "also ask the cluster which rights are there (role singleton)")
    .option("--json", "stable output for scripts")
    .action(async (options: { config: string; json?: boolean; cluster?: boolean }) => {
      if (options.json === true) return validateJson(terminal, options);
      const { config, warnings } = await loadSite(terminal, options.config);
      showWarnings(terminal, warnings);
      terminal.out(`${options.config}: valid; ${config.targets.length} targets, ${config.checks.length} checks, ${config.policies.length} policies\n`);
      const rto = config.policies.find(({ action }) => action === "failover_dns")?.params["rto"];
      terminal.out(rtoText(config.regions, typeof rto === "number" ? rto : undefined));
      if (options.cluster === true) await validateCluster(terminal, config);
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
async function validateJson(terminal: Terminal, { config: file, cluster }: { readonly config: string; readonly cluster?: boolean }): Promise<void> {
  const { readConfig } = await import("../roles/read-config.ts");
  const { loaded } = await readConfig(resolve(terminal.cwd, file), terminal.env);
  if (!loaded.ok) {
    printJson(terminal, { valid: false, errors: loaded.errors, warnings: loaded.warnings });
    throw new ExitError(EXIT_CONFIGURATION, "");
  }
  const { site, checks, policies } = loaded.config;
  const rights = cluster === true ? await rightsOf(terminal, loaded.config) : [];
  printJson(terminal, { valid: true, site, checks: checks.map((check) => check.name), policies: policies.map((policy) => policy.name), warnings: loaded.warnings, ...(cluster === true ? { rights } : {}) });
  if (rights.some((right) => !right.allowed)) throw new ExitError(EXIT_CONFIGURATION, "");
}

type RightShown = { readonly right: string; readonly for: string; readonly allowed: boolean };

/** A table of the rights; exit code 2 where one is missing. */
async function validateCluster(terminal: Terminal, config: Config): Promise<void> {
  const rights = await rightsOf(terminal, config);
  const shown = rights.map((right) => [right.right, right.for, right.allowed ? "yes" : terminal.paint("red", "MISSING")]);
  terminal.out(`\n${table([["RIGHT", "FOR", "THERE"], ...shown])}\n`);
  const missing = rights.filter((right) => !right.allowed);
  if (missing.length > 0) throw new ExitError(EXIT_CONFIGURATION, `${missing.length} of ${rights.length} rights are missing: ${missing.map((right) => `${right.right} (${right.for})`).join(", ")}`);
}

async function rightsOf({ clock }: Terminal, config: Config): Promise<readonly RightShown[]> {
  if (config.cluster === null) throw new ExitError(EXIT_CONFIGURATION, `the role ${config.role} speaks to no cluster: --cluster is for the role singleton`);
  const [{ openClusterAccess }, { createSystemRandom }, { findRights, rightText }] = await Promise.all([import("../roles/cluster-access.ts"), import("../adapters/system-random.ts"), import("../roles/cluster-rights.ts")]);
  try {
    const access = await openClusterAccess(config.cluster, clock, createSystemRandom());
    try {
      const found = await inTime(clock, ASK_MS, (signal) => findRights(config, access.cluster, signal));
      return found.map(({ right, for: purpose, allowed }) => ({ right: rightText(right), for: purpose, allowed }));
    } finally {
      await access.close();
    }
  } catch (error) {
    throw new ExitError(EXIT_CONFIGURATION, `the cluster cannot be asked: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
