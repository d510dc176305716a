/**
 * What it costs the singleton to watch 500, 1,000 and 2,000 pods at the shipped cadences: on a real API server, from
 * the bundle, with a second one that takes over when the leader is killed.
 */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startApiServer } from "../../test/cluster/api-server.ts";
import { findBuilt } from "../../test/cluster/programs.ts";
import { ask } from "../support/ask.ts";
import { Opened, type Bench, type Row } from "../support/bench.ts";
import { PaperPods } from "../support/paper-pods.ts";
import { cpuSeconds, freePort, listening, memoryMb, pause, start, type Running } from "../support/processes.ts";
import { startScript } from "../support/scripts.ts";
import { bundle } from "../support/shopkeeper.ts";
import { bounded, type Line } from "../support/table.ts";

const TOKEN = "peer-token";
const EVERY_S = 10;
/** Each pod is looked at by these, all read in one answer of its sidecar. */
const CHECKS = ["application", "page", "sidecar"];
const SEEN_WITHIN_MS = 120_000;
/** Longer than a verdict takes to turn, so that a window holds what lasts. */
const SETTLE_S = 30;

export const singleton: Row = {
  name: "singleton",
  about: "the singleton, pods at 10 s read through their sidecars, real API server: CPU and RSS by number of pods, calm, with 1 % and with 30 % failing; a leader change",
  run,
};

type Phase = { readonly share: number; readonly rate: number; readonly inTime: number };
type Seen = { readonly pods: number; readonly calm: Phase; readonly few: Phase; readonly storm: Phase; readonly rss: number; readonly firstS: number; readonly changeS: number; readonly fewGone: number; readonly stormGone: number };
type Singleton = Running & { readonly health: number };
type Ground = { readonly bench: Bench; readonly pods: PaperPods; readonly farm: number; readonly launch: () => Promise<Singleton> };

async function run(bench: Bench): Promise<readonly Line[]> {
  const missing = (["etcd", "kube-apiserver"] as const).filter((name) => findBuilt(name, process.env) === null);
  if (missing.length > 0) return [bounded({ row: "singleton", what: "not measured", measured: `${missing.join(" and ")} not built: npm run cluster -- build`, budget: "" }, null)];
  const sizes = bench.quick ? [500, 2_000] : [500, 1_000, 2_000];
  await using opened = new Opened();
  bundle();
  const api = opened.keep(await startApiServer());
  const farm = await freePort();
  opened.keep(await startScript("sidecar-farm", [farm, TOKEN], { port: farm }));
  const seen: Seen[] = [];
  const pods = new PaperPods(api, "shop");
  await pods.begin();
  for (const size of sizes) {
    bench.say(`${size} pods are made`);
    // Those that were evicted at the size before are replaced by nobody.
    await pods.growTo(size);
    const launch = async (): Promise<Singleton> => opened.keep(await startSingleton(opened.folder, api.kubeconfig, farm));
    seen.push(await measure({ bench, pods, farm, launch }, size));
  }
  return linesOf(seen);
}

async function measure({ bench, pods, farm, launch }: Ground, size: number): Promise<Seen> {
  await tell(farm, "/bench/failing?percent=0");
  const goneBefore = await pods.going();
  const watched = size - goneBefore;
  await tell(farm, "/bench/forget");
  const first = await launch();
  const firstS = await untilSeen(farm, watched);
  const second = await launch();
  await pause(SETTLE_S * 1_000);
  const phase = async (of: Singleton, name: string): Promise<Phase> => {
    const found = await window(of, watched, bench.quick ? 20 : 60);
    bench.say(`${size} pods, ${name}: ${percent(found.share)} of a core, ${found.rate.toFixed(0)} looks/s, ${percent(found.inTime)} of those due, ${memoryMb(of.pid).rss.toFixed(0)} MB`);
    return found;
  };
  const calm = await phase(first, "calm");
  const { rss } = memoryMb(first.pid);
  first.hit("SIGKILL");
  await tell(farm, "/bench/forget");
  const changeS = await untilSeen(farm, watched);
  bench.say(`${size} pods: seen after ${firstS.toFixed(1)} s, and ${changeS.toFixed(1)} s after the leader was killed`);
  const failing = async (share: number): Promise<{ readonly phase: Phase; readonly gone: number }> => {
    const before = await pods.going();
    await tell(farm, `/bench/failing?percent=${share}`);
    await pause(SETTLE_S * 1_000);
    return { phase: await phase(second, `${share} % failing`), gone: (await pods.going()) - before };
  };
  const few = await failing(1);
  const storm = await failing(30);
  await second.stop();
  return { pods: size, calm, few: few.phase, storm: storm.phase, rss, firstS, changeS, fewGone: few.gone, stormGone: storm.gone };
}

function linesOf(seen: readonly Seen[]): readonly Line[] {
  const row = "singleton";
  const lines = seen.flatMap(({ pods, calm, few, storm, rss, firstS, changeS, fewGone, stormGone }): readonly Line[] => [
    bounded({ row, what: `${pods} pods: CPU; looks done of those due, per second; RSS`, measured: `${percent(calm.share)} of a core; ${percent(calm.inTime)}, ${calm.rate.toFixed(0)}; ${rss.toFixed(0)} MB`, budget: pods === 2_000 ? "< 50 % of a core" : "" }, pods === 2_000 ? calm.share < 0.5 : null),
    bounded({ row, what: `${pods} pods, 1 % failing; 30 % failing: CPU; evicted meanwhile`, measured: `${percent(few.share)}, ${fewGone}; ${percent(storm.share)}, ${stormGone}`, budget: "" }, null),
    bounded({ row, what: `${pods} pods: all seen after a start; after the leader's death`, measured: `${firstS.toFixed(1)} s; ${changeS.toFixed(1)} s`, budget: "" }, null),
  ]);
  const [small, large] = [seen[0], seen.at(-1)];
  if (small === undefined || large === undefined) return lines;
  const ratio = (of: (one: Seen) => number): string => (of(large) / of(small)).toFixed(2);
  const perThousand = ((large.rss - small.rss) / (large.pods - small.pods)) * 1_000;
  return [
    ...lines,
    bounded({ row, what: `${large.pods} ÷ ${small.pods} pods: CPU calm; 1 %; 30 % failing`, measured: `${ratio((one) => one.calm.share)}; ${ratio((one) => one.few.share)}; ${ratio((one) => one.storm.share)}`, budget: `linear: ≤ ${large.pods / small.pods}` }, large.calm.share / small.calm.share <= large.pods / small.pods),
    bounded({ row, what: "RSS for each further 1,000 pods", measured: `${perThousand.toFixed(0)} MB`, budget: "" }, null),
  ];
}

async function window({ pid, health }: Singleton, pods: number, seconds: number): Promise<Phase> {
  const [looks, cpu, began] = [await looksDone(health), cpuSeconds(pid), performance.now()];
  await pause(seconds * 1_000);
  const tookS = (performance.now() - began) / 1_000;
  const share = (cpuSeconds(pid) - cpu) / tookS;
  const rate = ((await looksDone(health)) - looks) / tookS;
  return { share, rate, inTime: (rate * EVERY_S) / (pods * CHECKS.length) };
}

/** Looks at pods finished so far, as its own metrics count them. */
async function looksDone(health: number): Promise<number> {
  const { body } = await ask({ port: health, path: "/metrics", keepBody: true });
  return [...body.matchAll(/^shopkeeper_check_duration_seconds_count\{([^}]*)\} (\d+)/gm)]
    .filter(([, labels = ""]) => CHECKS.some((check) => labels.includes(`check="${check}"`)))
    .reduce((sum, [, , count]) => sum + Number(count), 0);
}

/** Seconds until all pods were asked. */
async function untilSeen(farm: number, pods: number): Promise<number> {
  const began = performance.now();
  for (;;) {
    const seen = Number(await tell(farm, "/bench/seen"));
    const tookMs = performance.now() - began;
    if (seen >= pods) return tookMs / 1_000;
    if (tookMs > SEEN_WITHIN_MS) throw new Error(`only ${seen} of ${pods} pods were asked within ${SEEN_WITHIN_MS / 1_000} s`);
    await pause(100);
  }
}

async function tell(farm: number, path: string): Promise<string> {
  const { status, body } = await ask({ port: farm, path, keepBody: true });
  if (status !== 200) throw new Error(`the sidecars do not answer ${path}`);
  return body;
}

async function startSingleton(folder: string, kubeconfig: string, sidecars: number): Promise<Singleton> {
  const home = mkdtempSync(join(folder, "singleton-"));
  const [health, admin] = [await freePort(), await freePort()];
  const file = join(home, "shopkeeper.yaml");
  mkdirSync(join(home, "checks"));
  writeFileSync(join(home, "checks/page.yaml"), 'name: page\nprobe: page\ninterval: 10s\ntimeout: 5s\nchecks: { http_status: "200 OK" }\n');
  writeFileSync(join(home, "checks/sidecar.yaml"), 'name: sidecar\nprobe: sidecar\ninterval: 10s\ntimeout: 5s\nchecks: { sidecar: "reachable" }\n');
  writeFileSync(
    file,
    `site: shop
role: singleton
targets:
  storefront:
    kubernetes: { service: storefront, sidecar: ${sidecars} }
kubernetes: { kubeconfig: ${kubeconfig}, namespace: shop }
connectivity: []
peer_token: "\${PEER_TOKEN}"
listeners: { health: "127.0.0.1:${health}", admin: "127.0.0.1:${admin}" }
tokens: { operator: { role: operator, value: "\${OPERATOR_TOKEN}" } }
`,
  );
  const flags = (process.env["SINGLETON_NODE_FLAGS"] ?? "").split(" ").filter((flag) => flag !== "");
  const running = start(process.execPath, [...flags, bundle(), "run", "--config", file], { cwd: home, env: { NODE_ENV: "production", PEER_TOKEN: TOKEN, OPERATOR_TOKEN: "operator-token" } });
  await listening(health);
  return { ...running, health };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
