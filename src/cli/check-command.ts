/**
 * `check`: every check once, without a daemon. Exit codes as monitoring plugins have
 * them: 0 healthy, 1 degraded, 2 unhealthy, 3 unknown.
 */
import type { Command } from "commander";
import type { CheckConfig, Config } from "../config/config.ts";
import { nearest } from "../core/nearest.ts";
import type { Observation } from "../core/observation.ts";
import { SITE, type Target } from "../core/target.ts";
import { formatDuration, type Ms } from "../core/time.ts";
import { sleep, type Clock } from "../ports/clock.ts";
import { DEFAULT_FILE, loadSite } from "./load-site.ts";
import { table, type Style } from "./table.ts";
import { ExitError, printJson, type Terminal } from "./terminal.ts";

type Seen = { readonly check: string; readonly target: string; readonly critical: boolean; readonly inactive: string | null; readonly seen: Observation | null };

/** What breaks before a look is made says nothing about the site: neither degraded nor unhealthy. */
const EXIT_UNKNOWN = 3;

const STYLES: Readonly<Record<Observation["kind"], Style>> = { pass: "green", warn: "yellow", fail: "red", unknown: "gray" };

export function addCheckCommand(program: Command, terminal: Terminal): void {
  program
    .command("check")
    .argument("[name...]", "which checks; all when left out")
    .description("make every check once and print what was seen; exit code 0 healthy, 1 degraded, 2 unhealthy, 3 unknown")
    .option("--config <file>", "the configuration", DEFAULT_FILE)
    .option("--json", "stable output for scripts")
    .action(async (names: string[], options: { config: string; json?: boolean }) => {
      const { config } = await loadSite(terminal, options.config, EXIT_UNKNOWN);
      const seen = await lookAtAll(config, chosen(config, names), terminal).catch((error: unknown) => {
        throw error instanceof ExitError ? error : new ExitError(EXIT_UNKNOWN, `the checks could not be made: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      });
      const exitCode = exitCodeOf(seen);
      if (options.json === true) printJson(terminal, { status: ["healthy", "degraded", "unhealthy", "unknown"][exitCode], checks: seen });
      else terminal.out(`${seenTable(seen, terminal)}\n`);
      if (exitCode !== 0) throw new ExitError(exitCode, "");
    });
}

function chosen(config: Config, names: readonly string[]): readonly CheckConfig[] {
  const known = config.checks.map((check) => check.name);
  for (const name of names) {
    if (known.includes(name)) continue;
    const close = nearest(name, known);
    throw new ExitError(EXIT_UNKNOWN, `no check "${name}"; there are ${known.join(", ")}${close === undefined ? "" : `; did you mean "${close}"?`}`);
  }
  return names.length === 0 ? config.checks : config.checks.filter((check) => names.includes(check.name));
}

/** What probes that do not let go may hold up the end. */
const CLOSE_MS: Ms = 1_000;

async function lookAtAll(config: Config, checks: readonly CheckConfig[], terminal: Terminal): Promise<readonly Seen[]> {
  const [{ createLocalProcesses }, { createLeanHttp }, { prepareProbes }, { Sight }] = await Promise.all([
    import("../adapters/local-processes.ts"),
    import("../adapters/lean-http.ts"),
    import("../roles/probing.ts"),
    import("../engine/sight.ts"),
  ]);
  const { clock } = terminal;
  const http = createLeanHttp({ clock });
  const processes = createLocalProcesses({ clock, env: terminal.env });
  const probing = await prepareProbes(config, clock, http, processes);
  const sight = new Sight({ clock, references: probing.references, overdue: "unknown", connectivityChanged: () => undefined });
  const targets = new Map<string, Target>(config.targets.map((target) => [target.id, target]));
  const lookAt = (check: CheckConfig): readonly Promise<Seen>[] => {
    const base = { check: check.name, critical: check.critical, inactive: check.inactive };
    const probe = probing.probes.get(check.name);
    if (check.inactive !== null || probe === undefined) return [Promise.resolve({ ...base, target: SITE, seen: null })];
    return check.targets.map(async (id) => {
      const order = { target: targets.get(id) ?? { id: SITE, kind: "origin" as const, workload: SITE }, deadlineMs: check.cadence.timeout, ordinal: 0 };
      return { ...base, target: id, seen: await sight.counted(check.remote, () => sight.looker.look(probe, order, () => undefined)) };
    });
  };
  try {
    return await Promise.all(checks.flatMap(lookAt));
  } finally {
    sight.stop();
    await within(clock, CLOSE_MS, Promise.all([probing.close(), http.close()]));
    processes.close();
  }
}

/** Waits for the work, but no longer than this. */
async function within(clock: Clock, ms: Ms, work: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  await Promise.race([work, sleep(clock, ms, over.signal)]);
  over.abort();
}

/** The worst that counts, as aggregation has it; unknown only where nothing worse is known. */
function exitCodeOf(seen: readonly Seen[]): 0 | 1 | 2 | 3 {
  const active = seen.filter((one) => one.seen !== null);
  if (active.some((one) => one.critical && one.seen?.kind === "fail")) return 2;
  if (active.some((one) => one.seen?.kind === "fail" || one.seen?.kind === "warn")) return 1;
  return active.length === 0 || active.some((one) => one.seen?.kind === "unknown") ? 3 : 0;
}

function seenTable(seen: readonly Seen[], { paint }: Terminal): string {
  const rows = seen.map(({ check, target, inactive, seen: one }) => {
    if (one === null) return [check, "", paint("gray", "inactive"), "", inactive ?? ""];
    return [check, target, paint(STYLES[one.kind], one.kind), formatDuration(one.tookMs), note(one)];
  });
  return table([["CHECK", "TARGET", "SEEN", "TOOK", "DETAIL"], ...rows]);
}

function note(seen: Observation): string {
  if (seen.kind === "unknown") return `${seen.cause}: ${seen.detail}`;
  const findings = seen.findings.map((finding) => `${finding.assertion} ${finding.observed}`).join(", ");
  return seen.kind === "pass" ? findings : `${seen.cause}: ${seen.detail}`;
}
