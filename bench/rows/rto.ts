/**
 * Failovers end to end: two regions, a witness, a provider's stand-in that writes into a real name server, a caching
 * resolver, an edge, and buyers who fetch a page every 100 ms through each. The region that buyers are led to is hit, the
 * other one takes over by itself, and a person leads them back.
 *
 * `--failovers N` of each kind of loss (50); `--honest-ttl`: the caching resolver keeps answers as long as it is told,
 * not 5 s; `--enterprise`: a zone that takes a TTL of 30 s; `--scenes N` side by side (3);
 * `--roads`: proxies between the regions, also where each could be a host in a network namespace.
 */
import { chooseNetwork } from "../../test/support/regions/choose-network.ts";
import { adopt, openRegions, sceneLacks, type RegionScene, type SceneOptions } from "../../test/support/regions/scene.ts";
import type { Bench, Row } from "../support/bench.ts";
import { BUDGET_S, COPIES_ONLY, LOSSES, type RtoFault } from "../support/rto-faults.ts";
import { bars, shownSpread, spreadOf, STAGES, type Stage } from "../support/rto-figures.ts";
import { playRound, type RtoRound } from "../support/rto-round.ts";
import { bounded, type Line } from "../support/table.ts";

const CAP_S = 5;
const EDGE_DELAY_MS = 2_000;
const QUICK_FAILOVERS = 2;
/** One of copies alone lasts a minute and more. */
const COPIES_SHARE = 0.1;
const MAX_SHOWN = 3;

export const rto: Row = {
  name: "rto",
  about: "the region is lost: until the other one decides, the provider is changed, and a buyer is served; p50 / p95 / max",
  mustHold: true,
  run: async (bench) => {
    const lacks = sceneLacks();
    if (lacks.length > 0) throw new Error(lacks.join("; "));
    const { honestTtl, enterprise, roads, scenes } = bench.regions;
    const failovers = bench.quick ? QUICK_FAILOVERS : bench.regions.failovers;
    const ttlSeconds = enterprise ? 30 : 60;
    const keptSeconds = honestTtl ? ttlSeconds : CAP_S;
    const { kind, said } = await chooseNetwork(roads);
    bench.say(said);
    const options: SceneOptions = { kind, enterprise, resolverCapSeconds: honestTtl ? null : CAP_S, edgeDelayMs: EDGE_DELAY_MS };
    const wanted = rounds(failovers);
    bench.say(`${wanted.length} rounds in ${Math.min(scenes, wanted.length)} scenes; TTL ${ttlSeconds} s, ${honestTtl ? "kept by the resolver as told" : `of which the resolver keeps ${CAP_S} s`}; the edge is taken to need ${EDGE_DELAY_MS / 1_000} s`);
    const done = await playAll(bench, wanted, Math.min(scenes, wanted.length), options, keptSeconds);
    const names = namesOf(keptSeconds);
    return [...LOSSES, COPIES_ONLY].flatMap((fault) => linesOf(bench, fault, done.filter((one) => one.fault === fault.name), names));
  },
};

/** All of them interleaved, so that a machine whose speed drifts treats all alike. */
function rounds(failovers: number): readonly RtoFault[] {
  const copies = Math.max(1, Math.round(failovers * COPIES_SHARE));
  return Array.from({ length: failovers }, (_, at) => [...LOSSES, ...(at < copies ? [COPIES_ONLY] : [])]).flat();
}

async function playAll(bench: Bench, wanted: readonly RtoFault[], scenes: number, options: SceneOptions, keptSeconds: number): Promise<readonly RtoRound[]> {
  const left = [...wanted];
  const done: RtoRound[] = [];
  const work = async (): Promise<void> => {
    while (left.length > 0) {
      await using scene = await openRegions(options);
      await adopt(scene);
      for (let fault = left.shift(); fault !== undefined; fault = left.shift()) {
        const round = await attempt(bench, scene, fault, keptSeconds);
        done.push(round ?? endless(fault));
        // What a failed round left behind is not measured with.
        if (round === null) break;
        bench.say(`${done.length} of ${wanted.length}: ${describe(round)}`);
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: scenes }, () => work().finally(() => (left.length = 0))));
  // Only once every scene is taken down.
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  return done;
}

async function attempt({ say }: Bench, scene: RegionScene, fault: RtoFault, keptSeconds: number): Promise<RtoRound | null> {
  try {
    return await playRound(scene, fault, keptSeconds);
  } catch (error) {
    say(`"${fault.name}" did not come to its end: ${error instanceof Error ? error.message : String(error)}`);
    for (const region of ["eu", "us"] as const) say(`the last words of ${region}'s guard:\n${scene.regions[region].guard.process.tail()}`);
    return null;
  }
}

const endless = ({ name }: RtoFault): RtoRound => ({ fault: name, decided: Infinity, changed: Infinity, plain: Infinity, proxied: Infinity, errors: [], lost: 0 });

function describe({ fault, decided, changed, plain, proxied, errors, lost }: RtoRound): string {
  const [first] = errors;
  return `${fault}: decided ${decided.toFixed(1)} s, changed ${changed.toFixed(1)} s, page DNS-only ${plain.toFixed(1)} s, proxied ${proxied.toFixed(1)} s; ${lost} fetches lost${first === undefined ? "" : `; ${errors.length} errors, ${first}`}`;
}

function namesOf(keptSeconds: number): Readonly<Record<Stage, string>> {
  return { decided: "decision", changed: "provider changed", plain: `first good page, DNS-only (answers kept ${keptSeconds} s)`, proxied: `first good page, proxied (edge assumed ${EDGE_DELAY_MS / 1_000} s)` };
}

function linesOf({ say }: Bench, fault: RtoFault, done: readonly RtoRound[], names: Readonly<Record<Stage, string>>): readonly Line[] {
  say(`${fault.name}: ${fault.about}; ${done.length} failovers, p50 / p95 / max`);
  for (const bar of bars(done, names, fault.budget.to)) say(`  ${bar}`);
  const errors = done.flatMap((round) => round.errors);
  for (const error of errors.slice(0, MAX_SHOWN)) say(`  a buyer's error: ${error}`);
  const changed = spreadOf(done, "changed");
  const earliest = Math.min(...done.map((round) => round.decided));
  const budget = fault.budget.from === 0 ? `p95 ≤ ${BUDGET_S} s` : `left after ${fault.budget.from} s, p95 ≤ ${fault.budget.to} s`;
  const stages = STAGES.map((stage) => {
    const line = { row: "rto", what: `${fault.name} (${done.length}) → ${names[stage]}`, measured: `${shownSpread(spreadOf(done, stage))} s` };
    return stage === "changed" ? bounded({ ...line, budget }, changed.p95 <= fault.budget.to && earliest >= fault.budget.from) : bounded({ ...line, budget: "" }, null);
  });
  return [...stages, bounded({ row: "rto", what: `${fault.name} → errors where a gateway lives; fetches lost where none does`, measured: `${errors.length}; ${done.reduce((sum, { lost }) => sum + lost, 0)}`, budget: "0" }, errors.length === 0)];
}
