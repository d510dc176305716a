/**
 * `npm run bench [ROW…] [-- --quick] [-- --json FILE]`: our figures beside the named peers', on
 * this machine, in one run. The row `rto` has options of its own, see there.
 *
 * A bench is not a test: a missed budget is printed, not an exit code, except of a row whose
 * budgets must hold. Exit code 1 is for that and for an error of the bench itself, 2 for a row or
 * an option that does not exist.
 */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { ROWS } from "./rows/index.ts";
import type { Row } from "./support/bench.ts";
import { table, type Line } from "./support/table.ts";

const { values, positionals } = understood();


const unknown = positionals.filter((name) => !ROWS.some((row) => row.name === name));
if (unknown.length > 0) {
  process.stderr.write(`no such row: ${unknown.join(", ")}. There are: ${ROWS.map((row) => row.name).join(", ")}\n`);
  process.exit(2);
}
const [failovers, scenes] = [Number(values.failovers), Number(values.scenes)];
if (![failovers, scenes].every((count) => Number.isInteger(count) && count >= 1 && count <= 1_000)) {
  process.stderr.write("--failovers and --scenes: a whole number from 1 to 1000 was expected\n");
  process.exit(2);
}
const regions = { failovers, scenes, honestTtl: values["honest-ttl"], enterprise: values.enterprise, roads: values.roads };
// Ends what was started: see processes.ts.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

const chosen = positionals.length === 0 ? ROWS : ROWS.filter((row) => positionals.includes(row.name));
const begun = performance.now();
const lines: Line[] = [];
let broken = 0;
for (const row of chosen) lines.push(...(await measure(row)));

const took = (performance.now() - begun) / 1_000;
process.stdout.write(`\n${table(lines)}\n\n${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} cores, Node ${process.versions.node}, ${took.toFixed(0)} s${values.quick ? ", quick: not to be quoted" : ""}\n`);
process.stdout.write("Medians of interleaved rounds; a ratio is ours divided by the peer's. Trust ratios beyond 15 %, not absolute figures.\n");
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ node: process.versions.node, cores: cpus().length, quick: values.quick, lines }, null, 2)}\n`);
process.exit(broken === 0 ? 0 : 1);

async function measure(row: Row): Promise<readonly Line[]> {
  const from = performance.now();
  process.stdout.write(`\n== ${row.name}: ${row.about}\n`);
  try {
    const found = await row.run({ quick: values.quick, regions, say: (text) => void process.stdout.write(`   ${text}\n`) });
    if (row.mustHold === true && found.some(({ holds }) => holds === false)) broken += 1;
    process.stdout.write(`== ${row.name}: ${((performance.now() - from) / 1_000).toFixed(0)} s\n`);
    return found;
  } catch (error) {
    broken += 1;
    process.stderr.write(`== ${row.name} broke: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return [{ row: row.name, what: "broke", measured: error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error), peer: "", ratio: null, budget: "", holds: null }];
  }
}

function understood(): ReturnType<typeof readArguments> {
  try {
    return readArguments();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  }
}

function readArguments() {
  return parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: "boolean", default: false }, json: { type: "string" },
      failovers: { type: "string", default: "50" }, scenes: { type: "string", default: "3" }, "honest-ttl": { type: "boolean", default: false }, enterprise: { type: "boolean", default: false }, roads: { type: "boolean", default: false },
    },
  });
}
