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
import { bundle } from "../../test/support/bundle.ts";
import { bounded, type Line } from "../support/table.ts";

const ROW = "singleton";
const TOKEN = "peer-token";
const EVERY_S = 10;
/** Each pod is looked at by these, all read in one answer of its sidecar. */
const CHECKS = ["application", "page", "sidecar"];
const WITHIN_MS = 120_000;
const SIZES = [500, 1_000, 2_000];
/** Of a core. */
const MOST_SHARE = 0.5;
const TAKE_OVER_S = 20;
/** What ratios are not trusted beyond on a small machine that others share. */
const NOISE = 0.15;
/** Longer than a verdict takes to turn, so that a window holds what lasts. */
const SETTLE_S = 30;

export const singleton: Row = {
  name: ROW,
  about: "the singleton, pods at 10 s read through their sidecars, real API server: CPU and RSS by number of pods, calm, with 1 % and with 30 % failing; a leader change",
  run,
};

type Phase = { readonly share: number; readonly seconds: number; readonly rate: number; readonly inTime: number; readonly rss: number };
/** A phase in which some fail. */
type Failing = Phase & { readonly evicted: number };
type Seen = {
  readonly pods: number;
  readonly calm: Phase;
  readonly few: Failing;
  readonly storm: Failing;
  /** Of all pods, after a start. */
  readonly firstS: number;
  /** After the leader was killed: the second one leads; all pods are seen by it. */
  readonly takeOverS: number;
  readonly changeS: number;
};
type Singleton = Running & { readonly health: number };
type Ground = { readonly bench: Bench; readonly pods: PaperPods; readonly farm: number; readonly launch: () => Promise<Singleton> };

async function run(bench: Bench): Promise<readonly Line[]> {
  const missing = (["etcd", "kube-apiserver"] as const).filter((name) => findBuilt(name, process.env) === null);
  if (missing.length > 0) return [bounded({ row: ROW, what: "not measured", measured: `${missing.join(" and ")} not built: npm run cluster -- build`, budget: "" }, null)];
  await using opened = new Opened();
  bundle();
  const api = opened.keep(await startApiServer());
  const farm = await freePort();
  opened.keep(await startScript("sidecar-farm", [farm, TOKEN], { port: farm }));
  const seen: Seen[] = [];
  const pods = new PaperPods(api, "shop");
  await pods.begin();
  for (const size of SIZES) {
    bench.say(`${size} pods are made`);
    await pods.growTo(size);
    const launch = async (): Promise<Singleton> => opened.keep(await startSingleton(opened.folder, api.kubeconfig, farm));
    seen.push(await measure({ bench, pods, farm, launch }, size));
  }
  return linesOf(seen);
}

async function measure({ bench, pods, farm, launch }: Ground, size: number): Promise<Seen> {
  await tell(farm, "/bench/failing?percent=0");
  await tell(farm, "/bench/forget");
  const first = await launch();
  const firstS = await until(`${size} pods were asked`, async () => Number(await tell(farm, "/bench/seen")) >= size);
  const second = await launch();
  await pods.tend(SETTLE_S * 1_000);
  const phase = async (of: Singleton, name: string): Promise<Phase> => {
    const found = await window(of, pods, size, bench.quick ? 20 : 60);
    bench.say(`${size} pods, ${name}: ${percent(found.share)} of a core (${found.seconds.toFixed(1)} CPU s), ${found.rate.toFixed(0)} looks/s, ${percent(found.inTime)} of those due, ${found.rss.toFixed(0)} MB`);
    return found;
  };
  const calm = await phase(first, "calm");
  first.hit("SIGKILL");
  const takeOverS = await until("the second one leads", () => leads(second.health));
  await tell(farm, "/bench/forget");
  const changeS = takeOverS + (await until(`${size} pods were asked`, async () => Number(await tell(farm, "/bench/seen")) >= size));
  bench.say(`${size} pods: seen after ${firstS.toFixed(1)} s; the leader killed, the second leads after ${takeOverS.toFixed(1)} s and has seen all after ${changeS.toFixed(1)} s`);
  const failing = async (share: number): Promise<Failing> => {
    const before = await pods.replaceGoing();
    await tell(farm, `/bench/failing?percent=${share}`);
    await pods.tend(SETTLE_S * 1_000);
    const found = await phase(second, `${share} % failing`);
    const evicted = (await pods.replaceGoing()) - before;
    bench.say(`${size} pods, ${share} % failing: ${evicted} evicted`);
    return { ...found, evicted };
  };
  const few = await failing(1);
  const storm = await failing(30);
  await second.stop();
  return { pods: size, calm, few, storm, firstS, takeOverS, changeS };
}

function linesOf(seen: readonly Seen[]): readonly Line[] {
  const most = seen.at(-1)?.pods;
  const told = ({ share, seconds, inTime, rate, rss }: Phase): string => `${percent(share)} of a core, ${seconds.toFixed(1)} CPU s; ${percent(inTime)}, ${rate.toFixed(0)}; ${rss.toFixed(0)} MB`;
  const line = (pods: number, name: string, phase: Phase): Line =>
    bounded({ row: ROW, what: `${pods} pods, ${name}: CPU; looks done of those due, per second; RSS`, measured: told(phase), budget: pods === most ? "< 50 % of a core" : "" }, pods === most ? phase.share < MOST_SHARE : null);
  const ofEach = seen.flatMap(({ pods, calm, few, storm, firstS, takeOverS, changeS }): readonly Line[] => [
    line(pods, "calm", calm),
    line(pods, "1 % failing", few),
    line(pods, "30 % failing", storm),
    bounded({ row: ROW, what: `${pods} pods, 1 % failing; 30 % failing: evicted in the time`, measured: `${few.evicted}; ${storm.evicted}`, budget: "some of the 1 %" }, few.evicted > 0),
    bounded({ row: ROW, what: `${pods} pods: the leader killed, the second leads`, measured: `${takeOverS.toFixed(1)} s`, budget: "≤ 20 s" }, takeOverS <= TAKE_OVER_S),
    bounded({ row: ROW, what: `${pods} pods: all seen after a start; after the leader's death`, measured: `${firstS.toFixed(1)} s; ${changeS.toFixed(1)} s`, budget: "" }, null),
  ]);
  return [...ofEach, ...growth(seen)];
}

/** What twice as many cost. Below linear, since there is a part that any number costs. */
function growth(seen: readonly Seen[]): readonly Line[] {
  return seen.flatMap((large, at): readonly Line[] => {
    const small = seen[at - 1];
    if (small === undefined) return [];
    const times = large.pods / small.pods;
    const ratios = (["calm", "few", "storm"] as const).map((phase) => large[phase].share / small[phase].share);
    const perThousand = ((large.calm.rss - small.calm.rss) / (large.pods - small.pods)) * 1_000;
    return [
      bounded({ row: ROW, what: `${large.pods} ÷ ${small.pods} pods: CPU calm; 1 %; 30 % failing`, measured: ratios.map((ratio) => ratio.toFixed(2)).join("; "), budget: `linear: ≤ ${times}` }, ratios.every((ratio) => ratio <= times * (1 + NOISE))),
      bounded({ row: ROW, what: `RSS for each further 1,000 pods, ${small.pods} to ${large.pods}`, measured: `${perThousand.toFixed(0)} MB`, budget: "" }, null),
    ];
  });
}

async function window({ pid, health }: Singleton, pods: PaperPods, size: number, forS: number): Promise<Phase> {
  const [looks, cpu, began] = [await looksDone(health), cpuSeconds(pid), performance.now()];
  await pods.tend(forS * 1_000);
  const tookS = (performance.now() - began) / 1_000;
  const seconds = cpuSeconds(pid) - cpu;
  const rate = ((await looksDone(health)) - looks) / tookS;
  return { share: seconds / tookS, seconds, rate, inTime: (rate * EVERY_S) / (size * CHECKS.length), rss: memoryMb(pid).rss };
}

async function leads(health: number): Promise<boolean> {
  const { body } = await ask({ port: health, path: "/metrics", keepBody: true });
  return /^shopkeeper_leader 1$/m.test(body);
}

/** Looks at pods finished so far, as its own metrics count them. */
async function looksDone(health: number): Promise<number> {
  const { body } = await ask({ port: health, path: "/metrics", keepBody: true });
  return [...body.matchAll(/^shopkeeper_check_duration_seconds_count\{([^}]*)\} (\d+)/gm)]
    .filter(([, labels = ""]) => CHECKS.some((check) => labels.includes(`check="${check}"`)))
    .reduce((sum, [, , count]) => sum + Number(count), 0);
}

/** Seconds until it is so. */
async function until(what: string, so: () => Promise<boolean>): Promise<number> {
  const began = performance.now();
  while (!(await so())) {
    if (performance.now() - began > WITHIN_MS) throw new Error(`not within ${WITHIN_MS / 1_000} s: ${what}`);
    await pause(100);
  }
  return (performance.now() - began) / 1_000;
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
# Shipped, it only records.
armed: [pod_restart]
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
