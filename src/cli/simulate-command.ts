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
const MAX_COUNT = 1_000_000;
/** Incidents between two words of progress, on standard error. */
const PROGRESS_EVERY = 500;

export function addSimulateCommand(program: Command, terminal: Terminal): void {
  program
    .command("simulate")
    .argument("[scenario]", "a scenario file; shipped ones are in scenarios/")
    .description("run an outage in virtual time through the real engine; exit code 1 if an expectation is not met")
    .option("--seed <number>", "chance of the run, instead of the scenario's own")
    .option("--regions", "instead of a scenario, incidents over several regions, written by the seed; exit code 1 if a promise is broken")
    .option("--count <number>", "with --regions: so many incidents, from this seed on", "1")
    .option("--json", "stable output for scripts")
    .action(async (file: string | undefined, options: { seed?: string; regions?: boolean; count: string; json?: boolean }) => {
      if (options.regions === true) return simulateRegions(file, seedOf(options.seed ?? "1"), countOf(options.count), options.json === true, terminal);
      if (file === undefined) throw new ExitError(EXIT_CONFIGURATION, "a scenario file was expected, or --regions");
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

/** One incident is shown whole; of several only those that broke a promise. */
async function simulateRegions(file: string | undefined, first: number, count: number, json: boolean, terminal: Terminal): Promise<void> {
  if (file !== undefined) throw new ExitError(EXIT_CONFIGURATION, `--regions takes no scenario, not "${file}" either`);
  const { simulateIncident } = await import("../simulation/regions/simulate-incident.ts");
  const { addTally, startTally, tallyText } = await import("../simulation/regions/tally.ts");
  let tally = startTally();
  for (let seed = first; seed < first + count; seed += 1) {
    const incident = await simulateIncident(seed);
    tally = addTally(tally, incident);
    if (!json && (count === 1 || incident.violations.length > 0)) terminal.out(`${[...incident.transcript, "", ...incident.violations].join("\n")}\n`);
    if (count > 1 && (seed - first + 1) % PROGRESS_EVERY === 0 && seed < first + count - 1) terminal.err(`${tallyText(tally)}\n`);
  }
  if (json) printJson(terminal, tally);
  else terminal.out(`${tallyText(tally)}\n`);
  if (tally.broken > 0) throw new ExitError(1, "");
}

function countOf(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > MAX_COUNT) throw new ExitError(EXIT_CONFIGURATION, `--count: a whole number from 1 to ${MAX_COUNT} was expected, not "${text}"`);
  return count;
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
