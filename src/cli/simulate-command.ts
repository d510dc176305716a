/**
 * `simulate`: an outage in virtual time, through the real engine: decisions, holds, reasons.
 */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { renderErrors } from "../config/problem.ts";
import { formatDuration } from "../core/time.ts";
import type { Judged } from "../simulation/expectations.ts";
import type { Simulated, Summary } from "../simulation/simulate.ts";
import { EXIT_CONFIGURATION } from "./load-site.ts";
import { ExitError, printJson, type Terminal } from "./terminal.ts";

const MAX_SEED = 4_294_967_295;

export function addSimulateCommand(program: Command, terminal: Terminal): void {
  program
    .command("simulate")
    .argument("<scenario>", "a scenario file; shipped ones are in scenarios/")
    .description("run an outage in virtual time through the real engine; exit code 1 if an expectation is not met")
    .option("--seed <number>", "chance of the run, instead of the scenario's own")
    .option("--json", "stable output for scripts")
    .action(async (file: string, options: { seed?: string; json?: boolean }) => {
      const simulated = await simulate(file, options.seed === undefined ? {} : { seed: seedOf(options.seed) }, terminal);
      if (options.json === true) printJson(terminal, simulated);
      else terminal.out(simulatedText(simulated, terminal));
      if (simulated.expectations.some((one) => !one.met)) throw new ExitError(1, "");
    });
}

async function simulate(file: string, options: { readonly seed?: number }, terminal: Terminal): Promise<Extract<Simulated, { readonly ok: true }>> {
  const [{ readScenario }, { runScenario }, { simulationParts }] = await Promise.all([import("../simulation/scenario.ts"), import("../simulation/simulate.ts"), import("../roles/simulating.ts")]);
  const text = await readFile(resolve(terminal.cwd, file), "utf8").catch((error: unknown) => {
    throw new ExitError(EXIT_CONFIGURATION, `${file}: cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  });
  const scenario = readScenario(text, file);
  const color = terminal.paintErr("red", "") !== "";
  if (!scenario.ok) throw new ExitError(EXIT_CONFIGURATION, renderErrors(scenario.problems, { color }));
  const simulated = await runScenario(scenario.scenario, options, simulationParts);
  if (!simulated.ok) throw new ExitError(EXIT_CONFIGURATION, renderErrors(simulated.problems, { color }));
  return simulated;
}

function seedOf(text: string): number {
  const seed = Number(text);
  if (!Number.isInteger(seed) || seed < 0 || seed > MAX_SEED) throw new ExitError(EXIT_CONFIGURATION, `--seed: a whole number from 0 to ${MAX_SEED} was expected, not "${text}"`);
  return seed;
}

function simulatedText({ transcript, expectations, summary }: Extract<Simulated, { readonly ok: true }>, { paint }: Terminal): string {
  const judged = expectations.map((one) => `${one.met ? paint("green", "met    ") : paint("red", "NOT MET")}  ${expectationText(one)}`);
  return `${[...transcript, "", ...judged, ...(judged.length > 0 ? [""] : []), summaryText(summary)].join("\n")}\n`;
}

function expectationText({ text, seen }: Judged): string {
  return seen === "" ? text : `${text}: ${seen}`;
}

function summaryText(summary: Summary): string {
  const spent = Object.entries(summary.spent).filter(([, ms]) => ms > 0).map(([status, ms]) => `${formatDuration(ms)} ${status}`);
  return `${summary.scenario}, seed ${summary.seed}, ${formatDuration(summary.duration)}: ${summary.acted} acted, ${summary.held} held, ${summary.escalated} escalated, ${summary.alerts} alerts; ${spent.join(", ")}; ends ${summary.status}`;
}
