/**
 * Pairs of singletons side by side, each in a namespace, whose leader is killed, paused, cut off or loses its API server about when
 * it acts: `node bench/pairs.ts [--rounds 30] [--pairs 10] [--lease shipped|short] [--seed 1] [--folder DIR] [--away-s 0]
 * [--state kubernetes|redis]`.
 *
 * With `--folder` a run that was cut short goes on where it was. `--away-s 600` measures instead one pair whose API server is
 * away for so long. Exit code 0 only if no effect was doubled, no intent lost or left open, and no round broke.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { parseArgs } from "node:util";
import { runAway } from "../test/cluster/api-away.ts";
import { startApiServer, type ApiServer } from "../test/cluster/api-server.ts";
import { chance, DISTURBANCES, planRound, runRound, type RoundResult } from "../test/cluster/pair-round.ts";
import { freePort } from "../test/support/faulty-server.ts";
import { killChild, startRedis } from "../test/support/redis-server.ts";
import { SHORT_LEASE } from "../test/cluster/singletons.ts";

type Totals = { rounds: number; pairs: number; evicted: number; doubled: number; idle: number; refused: number; lost: number; unresolved: number; uncertain: number; broke: number; takeovers: number[] };

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "30" }, pairs: { type: "string", default: "10" }, lease: { type: "string", default: "shipped" }, seed: { type: "string", default: "1" },
    folder: { type: "string" }, "away-s": { type: "string", default: "0" },
    state: { type: "string", default: "kubernetes" },
  },
});
/** watch_first is two cycles of the shortened checks, so that a round does not wait for nothing. */
const SHIPPED = "  lease: { duration: 15s, renew_within: 10s, retry: 2s }\n  watch_first: 2s";
const lease = values.lease === "short" ? SHORT_LEASE : SHIPPED;
const WITHIN_MS = 120_000;
const file = values.folder === undefined ? null : path.join(values.folder, "totals.json");
const totals: Totals =
  file !== null && fs.existsSync(file)
    ? (JSON.parse(fs.readFileSync(file, "utf8")) as Totals)
    : { rounds: 0, pairs: 0, evicted: 0, doubled: 0, idle: 0, refused: 0, lost: 0, unresolved: 0, uncertain: 0, broke: 0, takeovers: [] };
const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** One disturbance for all pairs, each at a moment of its own. */
async function round(api: ApiServer, number: number): Promise<void> {
  const disturbance = DISTURBANCES[number % DISTURBANCES.length] ?? "killed";
  let restarted: Promise<void> | null = null;
  const restartApi = (): Promise<void> => (restarted ??= api.restart());
  // An API server restarted while a pair still starts would end the pair, not try it.
  const all = Promise.withResolvers<void>();
  let waiting = Number(values.pairs);
  const up = (): Promise<void> => {
    waiting -= 1;
    if (waiting === 0) all.resolve();
    return all.promise;
  };
  const results = await Promise.allSettled(
    Array.from({ length: Number(values.pairs) }, (_, pair) => {
      const next = chance(Number(values.seed) * 100_003 + number * 101 + pair);
      return runRound(planRound(disturbance, next), { api, namespace: `pair-${number}-${pair}`, lease, ...redis, restartApi, up, withinMs: WITHIN_MS }).catch((error: unknown) => {
        // One that broke before it was up keeps nobody waiting.
        void up();
        throw error;
      });
    }),
  );
  for (const result of results) {
    if (result.status === "fulfilled") add(result.value);
    else broke(result.reason);
  }
  totals.rounds += 1;
  say(`${totals.rounds} of ${values.rounds}: ${disturbance}; so far ${totals.doubled} doubled, ${totals.refused} refused, ${totals.lost} lost, ${totals.broke} broke`);
}

function add({ takeoverMs, ...counted }: RoundResult): void {
  totals.pairs += 1;
  for (const key of ["evicted", "doubled", "idle", "refused", "lost", "unresolved", "uncertain"] as const) totals[key] += counted[key];
  if (takeoverMs !== null) totals.takeovers.push(takeoverMs);
}

function broke(reason: unknown): void {
  totals.broke += 1;
  say(`broke: ${reason instanceof Error ? reason.message.slice(0, 8_000) : String(reason)}`);
}

async function rounds(api: ApiServer): Promise<boolean> {
  while (totals.rounds < Number(values.rounds)) {
    await round(api, totals.rounds);
    if (file === null) continue;
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, JSON.stringify(totals));
  }
  const took = totals.takeovers.toSorted((a, b) => a - b);
  const seconds = (ms: number | undefined): string => (ms === undefined ? "?" : (ms / 1_000).toFixed(1));
  const shown: readonly (readonly [string, string | number])[] = [
    ["rounds of a pair", totals.pairs], ["pods evicted", totals.evicted], ["effects doubled", totals.doubled], ["evictions of a pod that was going already", totals.idle],
    ["late writes refused", totals.refused], ["intents lost", totals.lost], ["intents without outcome", totals.unresolved], ["intents uncertain", totals.uncertain], ["rounds that broke", totals.broke],
    ["take-overs", took.length], ["take-over p50 s", seconds(took[Math.floor(took.length / 2)])], ["take-over max s", seconds(took.at(-1))],
  ];
  for (const [what, count] of shown) say(`${what.padEnd(50)}${String(count).padStart(8)}`);
  return totals.doubled + totals.lost + totals.unresolved + totals.broke === 0;
}

async function away(api: ApiServer, seconds: number): Promise<boolean> {
  const { leading, evictions, illUid, recoveredMs, status } = await runAway(api, { namespace: "away", awayMs: seconds * 1_000, withinMs: WITHIN_MS, lease });
  say(`leading while away: ${leading.filter(Boolean).length}; status ${status.map((answer) => answer.status).join(", ")}; evictions ${evictions.length}; well ${(recoveredMs / 1_000).toFixed(1)} s after the return`);
  return !leading.includes(true) && evictions.length === 1 && evictions[0]?.uid === illUid;
}

const redisPort = values.state === "redis" ? await freePort() : null;
const redis = redisPort === null ? {} : { redis: `redis://127.0.0.1:${redisPort}` };
const server = redisPort === null ? null : await startRedis(redisPort);
await using api = await startApiServer();
const sound = Number(values["away-s"]) > 0 ? await away(api, Number(values["away-s"])) : await rounds(api);
if (server !== null) await killChild(server);
process.exitCode = sound ? 0 : 1;
