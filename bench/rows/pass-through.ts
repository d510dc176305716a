/**
 * A page that must be the application's own (its buyer has a cart), through the gateway
 * and through others. CPU of the proxy only; added latency at a rate all of them can carry.
 */
import { paced, until } from "../support/ask.ts";
import type { Bench, Row } from "../support/bench.ts";
import { Opened } from "../support/bench.ts";
import { perCpuSecond } from "../support/load.ts";
import { startNginx } from "../support/peers.ts";
import { freePort } from "../support/processes.ts";
import { interleaved, median, type Contestant } from "../support/rounds.ts";
import { startScript } from "../support/scripts.ts";
import { startShopkeeper } from "../support/shopkeeper.ts";
import { bounded, compared, type Line } from "../support/table.ts";

const CART = { cookie: "cart=c1-abc" };
const PAGE_PATH = "/products/one";
/** The preset forwards it as it comes: a `pass` route, of which no copy is ever kept. */
const PASS_PATH = "/search";
const RATE = 500;

export const passThrough: Row = {
  name: "pass-through",
  about: "24 KB from the application, proxies' own CPU (wrk, 64 connections); added p50 at 500 requests/s from an open-loop client, less the application's own",
  run,
};

async function run({ quick, say }: Bench): Promise<readonly Line[]> {
  await using opened = new Opened();
  const [app, pipe] = [await freePort(), await freePort()];
  opened.keep(await startScript("page-app", [app], { port: app }));
  const pipeProxy = opened.keep(await startScript("pipe-proxy", [pipe, app], { port: pipe }));
  const shop = opened.keep(await startShopkeeper({ folder: opened.folder, targets: `  app: { url: "http://127.0.0.1:${app}", pulse: false }`, gateway: "  preset: hydrogen-react-router" }));
  // A copy is in hand, as in life: the answer is judged before its first byte leaves.
  await until({ port: shop.gateway, path: PAGE_PATH }, ({ headers }) => headers["x-cache-status"] === "HIT", "Shopkeeper stores the page");
  const { proxy: nginx } = await startNginx(opened.folder, app);
  opened.keep(nginx);

  const contestant = (name: string, pid: number, port: number, path: string): Contestant => ({
    name,
    measure: async () => {
      const { perCpu, result } = await perCpuSecond(pid, { url: `http://127.0.0.1:${port}${path}`, connections: 64, seconds: quick ? 1 : 3, headers: CART });
      if (result.errors > 0) throw new Error(`${name}: ${result.errors} errors under load`);
      return perCpu;
    },
  });
  const contestants = [
    contestant("Shopkeeper", shop.pid, shop.gateway, PAGE_PATH),
    contestant("Shopkeeper, pass route", shop.pid, shop.gateway, PASS_PATH),
    contestant("node:http pipe", pipeProxy.pid, pipe, PAGE_PATH),
    ...(nginx.kind === "running" ? [contestant("nginx", nginx.pid, nginx.port, PAGE_PATH)] : []),
  ];
  // Warmed twice: the compiler is still at work on the longer path after once.
  for (let warm = 0; warm < 2; warm += 1) for (const one of contestants) await one.measure();
  const standings = await interleaved(contestants, quick ? 1 : 5, say);
  const figure = (name: string): number => standings.find((one) => one.name === name)?.median ?? Number.NaN;

  const added = await latencies(quick, say, app, [
    ["Shopkeeper", shop.gateway],
    ["node:http pipe", pipe],
    ...(nginx.kind === "running" ? [["nginx", nginx.port] as const] : []),
  ]);
  const ms = (name: string): string => `${(added.get(name) ?? Number.NaN).toFixed(2)} ms`;
  const pipePeer = { name: "node:http + Agent pipe", figure: figure("node:http pipe"), shown: figure("node:http pipe").toFixed(0) };
  const nginxPeer = nginx.kind === "running" ? { name: "nginx", figure: figure("nginx"), shown: figure("nginx").toFixed(0) } : { missing: nginx.why };
  const row = "pass-through";
  const shown = (name: string): string => figure(name).toFixed(0);
  return [
    compared({ row, what: "requests per CPU second, page route, cart", measured: shown("Shopkeeper"), budget: "≥ 0.24" }, figure("Shopkeeper"), nginxPeer, (ratio) => ratio >= 0.24),
    compared({ row, what: "requests per CPU second, page route, cart", measured: shown("Shopkeeper"), budget: "> 1.00 (a bound for node:http proxies)" }, figure("Shopkeeper"), pipePeer, (ratio) => ratio > 1),
    compared({ row, what: "requests per CPU second, pass route", measured: shown("Shopkeeper, pass route"), budget: "≥ 0.24" }, figure("Shopkeeper, pass route"), nginxPeer, (ratio) => ratio >= 0.24),
    bounded({ row, what: `added p50 at ${RATE} requests/s`, measured: ms("Shopkeeper"), budget: "≤ 0.5 ms" }, (added.get("Shopkeeper") ?? Number.NaN) <= 0.5, `node:http pipe ${ms("node:http pipe")}${nginx.kind === "running" ? `, nginx ${ms("nginx")}` : ""}`),
  ];
}

/** Median over rounds of the p50 through each proxy less the p50 of the application itself in the same round. */
async function latencies(quick: boolean, say: (text: string) => void, app: number, proxies: readonly (readonly [string, number])[]): Promise<ReadonlyMap<string, number>> {
  const seconds = quick ? 1 : 2;
  const p50 = async (port: number): Promise<number> => {
    const { tookMs, failed } = await paced({ port, path: PAGE_PATH, headers: CART }, RATE, seconds);
    if (failed > 0) throw new Error(`${failed} paced requests failed`);
    return median(tookMs);
  };
  const seen = new Map<string, number[]>(proxies.map(([name]) => [name, []]));
  for (let round = 0; round <= (quick ? 1 : 3); round += 1) {
    const direct = await p50(app);
    for (const [name, port] of proxies) {
      const added = (await p50(port)) - direct;
      // The first round warms.
      if (round === 0) continue;
      seen.get(name)?.push(added);
      say(`added p50, round ${round}: ${name} ${added.toFixed(2)} ms (application ${direct.toFixed(2)} ms)`);
    }
  }
  return new Map([...seen].map(([name, values]) => [name, median(values.toSorted((a, b) => a - b))]));
}
