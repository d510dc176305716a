/**
 * Kills a daemon with SIGKILL at random moments of acting, starts it again, and counts what
 * went wrong: `node bench/kills.ts [--rounds 200] [--seed 1] [--folder DIR]`.
 *
 * With `--folder` a run that was cut short goes on where it was. Exit code 0 only if every count of
 * loss and doubling is 0.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createLocalProcesses } from "../src/adapters/local-processes.ts";
import { openSqlite } from "../src/adapters/sqlite-store.ts";
import { createSystemClock } from "../src/adapters/system-clock.ts";
import type { Intent } from "../src/core/intent.ts";

type Totals = {
  rounds: number; killedBeforeReady: number; interrupted: number; intentsRecorded: number; intentsLost: number; unresolved: number;
  childrenMissing: number; childrenDoubled: number; effectsDoubled: number; repeatedUncertain: number; uncertain: number; uncertainNotAlerted: number; problems: number;
};

const { values } = parseArgs({ options: { rounds: { type: "string", default: "200" }, seed: { type: "string", default: "1" }, folder: { type: "string" } } });
const rounds = Number(values.rounds);
const folder = path.resolve(values.folder ?? fs.mkdtempSync(path.join(os.tmpdir(), "shopkeeper-kills-")));
const file = (name: string): string => path.join(folder, name);
fs.mkdirSync(folder, { recursive: true });

const clock = createSystemClock();
const processes = createLocalProcesses({ clock, env: process.env });
const marker = `${path.basename(folder)}/app`;
const totals: Totals = fs.existsSync(file("totals.json"))
  ? (JSON.parse(fs.readFileSync(file("totals.json"), "utf8")) as Totals)
  : {
      rounds: 0, killedBeforeReady: 0, interrupted: 0, intentsRecorded: 0, intentsLost: 0, unresolved: 0, childrenMissing: 0, childrenDoubled: 0,
      effectsDoubled: 0, repeatedUncertain: 0, uncertain: 0, uncertainNotAlerted: 0, problems: 0,
    };

/** A small seeded generator (mulberry32): the same seed and round give the same delays. */
function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Daemon = { readonly child: ChildProcess; readonly ready: Promise<boolean>; readonly ended: Promise<void> };

function startDaemon(): Daemon {
  const child = spawn(process.execPath, [new URL("./support/acting-daemon.ts", import.meta.url).pathname, folder], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const ready = new Promise<boolean>((resolve) => {
    child.stdout.on("data", (chunk: Buffer) => {
      for (const line of chunk.toString().split("\n")) {
        if (line.startsWith("ready ")) resolve(true);
        if (!line.startsWith("problem ")) continue;
        totals.problems += 1;
        process.stdout.write(`${line}\n`);
      }
    });
    void ended.then(() => resolve(false));
  });
  // The pipe breaks when the daemon is killed while it is written to.
  child.stdin.on("error", () => undefined);
  return { child, ready, ended };
}

const lines = (name: string): readonly string[] => (fs.existsSync(file(name)) ? fs.readFileSync(file(name), "utf8").split("\n").filter((line) => line !== "") : []);

async function storedIntents(): Promise<readonly Intent[]> {
  const { state, close } = await openSqlite({
    file: file("shopkeeper.db"), workerUrl: new URL("../src/sqlite-worker.ts", import.meta.url), clock, limits: { maxAgeMs: 86_400_000, maxBytes: 64 * 1024 * 1024 }, problem: (text) => process.stdout.write(`${text}\n`),
  });
  const rows = await state.list("intent/", 10_000);
  await close();
  return rows.map((row) => JSON.parse(row.value) as Intent);
}

/** Interrupted by the kill before; the next start must settle them. */
let open = new Set<string>();

/** One life of the daemon and its end. */
async function round(number: number): Promise<void> {
  const next = chance(Number(values.seed) * 100_003 + number);
  fs.rmSync(file("recorded.log"), { force: true });
  const daemon = startDaemon();
  // Every fifth death comes at any moment of the start and the resuming, the others while acting.
  const early = next() < 0.2;
  if (early) await Promise.race([pause(next() * 450), daemon.ended]);
  else if (await daemon.ready) {
    await countChildren();
    daemon.child.stdin?.write("go\n");
    await pause(next() * 250);
  }
  daemon.child.kill("SIGKILL");
  await daemon.ended;
  if (early) totals.killedBeforeReady += 1;
  await inspect(early);
}

async function countChildren(): Promise<void> {
  const running = await processes.find(marker);
  if (running.length === 0) totals.childrenMissing += 1;
  if (running.length > 1) totals.childrenDoubled += 1;
}

/** What the dead daemon left. */
async function inspect(early: boolean): Promise<void> {
  const recorded = lines("recorded.log");
  const intents = await storedIntents();
  const known = new Map(intents.map((intent) => [intent.id, intent]));
  totals.intentsRecorded += recorded.length;
  totals.intentsLost += recorded.filter((id) => !known.has(id)).length;
  if (!early) totals.unresolved += [...open].filter((id) => known.get(id)?.state.phase === "intended").length;
  open = new Set(intents.filter((intent) => intent.state.phase === "intended").map((intent) => intent.id));
  totals.interrupted += open.size;
  if ((await processes.find(marker)).length > 1) totals.childrenDoubled += 1;
}

/** Lets the last daemon settle everything and end in order, then holds the stores against what really happened. */
async function conclude(): Promise<void> {
  const daemon = startDaemon();
  await daemon.ready;
  await countChildren();
  daemon.child.stdin?.write("stop\n");
  await daemon.ended;
  const intents = await storedIntents();
  totals.unresolved = totals.unresolved + intents.filter((intent) => intent.state.phase === "intended").length;
  const starts = doubles(lines("starts.log").map((line) => line.split(" ")[0] ?? ""));
  const commands = doubles(lines("effects.log"));
  totals.effectsDoubled = starts + commands;
  const uncertain = intents.filter((intent) => intent.state.phase === "uncertain");
  const told = new Set(lines("alerts.log").map((line) => (JSON.parse(line) as { details: { intent?: string } }).details.intent));
  const ran = lines("effects.log");
  totals.uncertain = told.size;
  totals.uncertainNotAlerted = uncertain.filter((intent) => !told.has(intent.id)).length;
  totals.repeatedUncertain = uncertain.filter((intent) => ran.filter((token) => token === intent.proposal.params["token"]).length > 1).length;
  for (const { ref } of await processes.find(marker)) await processes.stop(ref, 1_000);
}

function doubles(keys: readonly string[]): number {
  return keys.length - new Set(keys).size;
}

while (totals.rounds < rounds) {
  await round(totals.rounds + 1);
  totals.rounds += 1;
  fs.writeFileSync(file("totals.json"), JSON.stringify(totals));
  if (totals.rounds % 20 === 0) process.stdout.write(`${totals.rounds} of ${rounds} killed\n`);
}
await conclude();
processes.close();

const faults = ["intentsLost", "unresolved", "childrenMissing", "childrenDoubled", "effectsDoubled", "repeatedUncertain", "uncertainNotAlerted", "problems"] as const;
const rows: readonly (readonly [string, number])[] = [
  ["killed (SIGKILL)", totals.rounds],
  ["  of them while starting or resuming", totals.killedBeforeReady],
  ["intents recorded", totals.intentsRecorded],
  ["  interrupted by the kill", totals.interrupted],
  ["  lost", totals.intentsLost],
  ["  still without an outcome after the next start", totals.unresolved],
  ["starts without a child", totals.childrenMissing],
  ["children doubled", totals.childrenDoubled],
  ["effects doubled", totals.effectsDoubled],
  ["uncertain actions alerted", totals.uncertain],
  ["  not alerted", totals.uncertainNotAlerted],
  ["  repeated", totals.repeatedUncertain],
  ["problems told by the daemon", totals.problems],
];
for (const [what, count] of rows) process.stdout.write(`${what.padEnd(50)}${String(count).padStart(8)}\n`);
const sound = faults.every((fault) => totals[fault] === 0);
if (values.folder === undefined && sound) fs.rmSync(folder, { recursive: true, force: true });
else process.stdout.write(`kept in ${folder}\n`);
process.exitCode = sound ? 0 : 1;
