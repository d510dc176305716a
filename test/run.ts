/**
 * `npm test`: everything, in the order in which it is cheapest to fail.
 * `npm run test:quick`: types, lint and floors, and the suites that need nothing but Node.
 *
 * Installs what the suites need from Debian's packages where it may; what cannot
 * be had is named with the suite that was skipped, and is a failure when CI=true.
 * Ends with the line "N passed, N failed" (and ", N skipped").
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "./cluster/build.ts";
import { lackingOnMachine, programsFor, toolsFor } from "./cluster/needs.ts";
import { provideServers } from "./support/provide-servers.ts";
import { chooseNetwork } from "./support/regions/choose-network.ts";
import { TOOLS as NAMESPACE_TOOLS } from "./support/regions/namespace.ts";
import { provideEmulator } from "./support/python-servers.ts";

type Count = { passed: number; failed: number; skipped: number };

const quick = process.argv.includes("--quick");
const total: Count = { passed: 0, failed: 0, skipped: 0 };

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: "inherit", env });
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 1));
  });
}

async function step(name: string, command: string, args: readonly string[]): Promise<void> {
  const started = performance.now();
  process.stdout.write(`\n== ${name}\n`);
  const code = await run(command, args);
  if (code === 0) total.passed++;
  else total.failed++;
  process.stdout.write(`== ${name}: ${code === 0 ? "passed" : "FAILED"} in ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
}

type VitestReport = { numPassedTests: number; numFailedTests: number; numPendingTests: number; numTodoTests: number; numFailedTestSuites: number; success: boolean };

/** @param workers files at a time; default: one fewer than there are cores. */
async function suites(projects: readonly string[], env: NodeJS.ProcessEnv, workers: number | null = null): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "shopkeeper-test-"));
  const file = join(folder, "report.json");
  process.stdout.write(`\n== suites: ${projects.join(", ")}\n`);
  const filters = projects.flatMap((name) => ["--project", name]);
  const code = await run("vitest", ["run", ...filters, ...(workers === null ? [] : [`--maxWorkers=${workers}`]), "--reporter=default", "--reporter=json", `--outputFile.json=${file}`], env);
  try {
    const report = JSON.parse(readFileSync(file, "utf8")) as VitestReport;
    total.passed += report.numPassedTests;
    total.failed += report.numFailedTests;
    total.skipped += report.numPendingTests + report.numTodoTests;
    // A suite that could not be loaded has no failed test to count.
    if (code !== 0 && report.numFailedTests === 0) total.failed++;
  } catch {
    total.failed++;
  }
  rmSync(folder, { recursive: true, force: true });
}

function tellMissing(what: string, why: string): void {
  process.stdout.write(`\n== skipped: ${what} cannot be had (${why}); its suites are skipped\n`);
  if (process.env["CI"] === "true") total.failed++;
}

/** Nothing is skipped without network namespaces, in CI neither: proxies stand in for the network between regions. */
async function provideNamespaces(): Promise<void> {
  await provideServers(NAMESPACE_TOOLS);
  process.stdout.write(`\n== regions: ${(await chooseNetwork()).said}\n`);
}

/** Installs and compiles what a Kubernetes on this machine is made of. Without root there is an API server, but no nodes. */
async function provideCluster(): Promise<void> {
  const level = process.getuid?.() === 0 ? "whole" : "controllers";
  if (level !== "whole") tellMissing("a Kubernetes with nodes", "it needs root");
  await provideServers(toolsFor(level));
  const lacks = lackingOnMachine(level);
  if (lacks.length > 0) return tellMissing("a Kubernetes", lacks.join("; "));
  process.stdout.write("\n== programs of the cluster\n");
  const built = await build(programsFor(level));
  if (!built.ok) tellMissing("a Kubernetes", built.why);
}

await step("types", "tsc", ["--noEmit"]);
await step("lint, floors, cycles", "oxlint", ["--type-aware", "--deny-warnings"]);
if (quick) {
  await suites(["quick"], process.env);
} else {
  const servers = await provideServers(["redis-server", "chromium", "pdns_server", "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql", "dnsmasq"]);
  for (const { name, why } of servers.missing) tellMissing(name, why);
  for (const name of ["moto_server", "ministack"] as const) {
    const why = provideEmulator(name);
    if (why !== null) tellMissing(name, why);
  }
  await provideNamespaces();
  await provideCluster();
  await suites(["quick"], process.env);
  // Real counterparts are waited for half the time, which leaves a core to the next file.
  await suites(["real"], process.env, availableParallelism());
  await suites(["e2e"], process.env);
  // They wait more than they work: for layers of an image, for leases to run out, for verdicts to turn.
  await suites(["image", "api", "daemons"], process.env, 4);
  await suites(["cluster"], process.env);
}
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed${skipped}\n`);
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);
