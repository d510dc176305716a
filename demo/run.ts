/**
 * `npm run demo`: four faults, each with one application behind Shopkeeper and its bare
 * twin, in parallel, with a small stream of buyers. Ends by itself within 90 s; exit code
 * 0 only if every row of the table holds. `--keep` leaves all running to play with;
 * `--picture FILE` draws the table as an SVG.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FAULTS } from "./faults.ts";
import { breakRow, newRow, shortcomings, startRow, stopRow, type Row } from "./row.ts";
import { tablePicture } from "./picture.ts";
import { liveScreen, resultTable } from "./screen.ts";

const START_MS = 35_000;
const WHOLE_MS = 84_000;

const keep = process.argv.includes("--keep");
const picture = process.argv[process.argv.indexOf("--picture") + 1 || process.argv.length];
const interactive = process.stdout.isTTY;
const colour = interactive && (process.env["NO_COLOR"] ?? "") === "";

const folder = await mkdtemp(join(tmpdir(), "shopkeeper-demo-"));
const began = Date.now();
const rows = FAULTS.map(newRow);
process.stdout.write(
  [
    "Four shops with a fault each; behind Shopkeeper, and bare. Shipped figures, but for:",
    "  policy pod_restart   mode: act      (ships as observe: it decides and records, and does not restart)",
    "  connectivity         off            (everything is on this host)",
    "",
    "",
  ].join("\n"),
);
const screen = liveScreen(colour, interactive);
const redraw = setInterval(() => screen.draw(rows, Date.now() - began), 250);
let stopping = false;
process.once("SIGINT", () => void finish(130));

await Promise.all(rows.map((row) => attempt(row, () => startRow(row, folder, began + START_MS))));
await Promise.all(rows.filter((row) => row.phase === "quiet").map((row) => attempt(row, () => breakRow(row, began + WHOLE_MS))));
clearInterval(redraw);
screen.draw(rows, Date.now() - began);
screen.end();
process.stdout.write(`\n${resultTable(rows, colour)}\n\n  * after the API was well again. Served: the whole right page within 3 s, of the buyers between fault and recovery.\n  ${((Date.now() - began) / 1_000).toFixed(0)} s in all\n`);
const holds = rows.every((row) => shortcomings(row).length === 0);
if (picture !== undefined) await writeFile(picture, tablePicture(rows));
if (keep) await playOn();
await finish(holds ? 0 : 1);

async function attempt(row: Row, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    row.phase = "failed";
    row.problem = error instanceof Error ? error.message : String(error);
  }
}

/** Says where everything listens, and waits for Ctrl-C. */
async function playOn(): Promise<void> {
  process.stdout.write("\nEverything is left running. Ctrl-C ends it.\n");
  for (const { fault, kept, bare } of rows) {
    if (kept === null || bare === null) continue;
    process.stdout.write(`\n${fault.title}\n  shop ${kept.shopUrl}   bare twin ${bare.shopUrl}   Storefront API ${kept.apiUrl}\n  SHOPKEEPER_SERVER=${kept.adminUrl} SHOPKEEPER_TOKEN=${kept.token} npm run shopkeeper -- status\n`);
  }
  await new Promise(() => setInterval(() => undefined, 60_000));
}

async function finish(code: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  clearInterval(redraw);
  await Promise.all(rows.map((row) => stopRow(row).catch(() => undefined)));
  // Whoever wants to know why a row does not hold finds the logs and the ledgers.
  if (code === 0) await rm(folder, { recursive: true, force: true });
  else process.stdout.write(`logs and ledgers: ${folder}\n`);
  process.exit(code);
}
