/**
 * What it costs to look: 1,000 targets, each an origin of its own, asked over HTTP every 10 s.
 * All contestants look at the same farm in the same windows.
 */
import http from "node:http";
import { ask } from "../support/ask.ts";
import type { Bench, Row } from "../support/bench.ts";
import { Opened } from "../support/bench.ts";
import { farmAddress } from "../support/farm.ts";
import { startBlackbox, startHaproxyChecks, type Peer } from "../support/peers.ts";
import { cpuSeconds, freePort, memoryMb, pause } from "../support/processes.ts";
import { median } from "../support/rounds.ts";
import { startScript } from "../support/scripts.ts";
import { startShopkeeper } from "../support/shopkeeper.ts";
import { bounded, compared, type Line } from "../support/table.ts";

const TARGETS = 1_000;
const EVERY_S = 10;

export const probeCpu: Row = {
  name: "probe-cpu",
  about: "CPU seconds per 10,000 looks, 1,000 targets at 10 s, JSON health body; all contestants at once, three windows each",
  run,
};

async function run({ quick, say }: Bench): Promise<readonly Line[]> {
  await using opened = new Opened();
  const { folder } = opened;
  const port = await freePort();
  const addresses = Array.from({ length: TARGETS }, (_, at) => farmAddress(at));
  opened.keep(await startScript("health-farm", [port, TARGETS], { port, host: farmAddress(TARGETS - 1) }));

  const shop = opened.keep(
    await startShopkeeper({
      folder,
      targets: addresses.map((address, at) => `  t${at}: { url: "http://${address}:${port}", pulse: false }`).join("\n"),
      gateway: null,
    }),
  );
  const haproxy = opened.keep(await startHaproxyChecks(folder, addresses, port));
  const blackbox = opened.keep(await startBlackbox(folder));
  const scraper = opened.keep(startScraper(blackbox, addresses, port));

  const entries: { readonly name: string; readonly pid: number; readonly windows: number[] }[] = [{ name: "Shopkeeper", pid: shop.pid, windows: [] }];
  if (haproxy.kind === "running") entries.push({ name: "HAProxy", pid: haproxy.pid, windows: [] });
  if (blackbox.kind === "running") entries.push({ name: "blackbox_exporter", pid: blackbox.pid, windows: [] });

  // Two cycles until connections stand and compilers are done.
  say("warming: two cycles of 10 s");
  await pause(2 * EVERY_S * 1_000);
  const windows = quick ? 1 : 3;
  const windowS = 2 * EVERY_S;
  let looks = await looksDone(shop.health);
  let scraped = scraper.done();
  const rates: number[] = [];
  for (let window = 1; window <= windows; window += 1) {
    const before = entries.map(({ pid }) => cpuSeconds(pid));
    await pause(windowS * 1_000);
    const nowLooks = await looksDone(shop.health);
    const nowScraped = scraper.done();
    entries.forEach(({ name, pid, windows: seen }, at) => {
      const done = name === "Shopkeeper" ? nowLooks - looks : name === "blackbox_exporter" ? nowScraped - scraped : (TARGETS * windowS) / EVERY_S;
      const per10k = ((cpuSeconds(pid) - (before[at] ?? 0)) / done) * 10_000;
      seen.push(per10k);
      say(`window ${window} of ${windows}: ${name} ${per10k.toFixed(2)} CPU s per 10,000 (${done} looks)`);
    });
    rates.push(nowLooks - looks);
    looks = nowLooks;
    scraped = nowScraped;
  }
  const figure = (name: string): number => median((entries.find((one) => one.name === name)?.windows ?? []).toSorted((a, b) => a - b));
  const ours = figure("Shopkeeper");
  const line = (peer: Peer, name: string, budget: string, within: (ratio: number) => boolean): Line =>
    compared({ row: "probe-cpu", what: "CPU s per 10,000 looks", measured: ours.toFixed(2), budget }, ours, peer.kind === "missing" ? { missing: peer.why } : { name, figure: figure(name), shown: figure(name).toFixed(2) }, within);
  const expected = (TARGETS * windowS) / EVERY_S;
  const memory = memoryMb(shop.pid);
  return [
    line(haproxy, "HAProxy", "< 1.00", (ratio) => ratio < 1),
    line(blackbox, "blackbox_exporter", "≤ 0.17", (ratio) => ratio <= 1 / 6),
    bounded({ row: "probe-cpu", what: "looks done of those due; RSS with 1,000 targets", measured: `${((100 * median(rates.toSorted((a, b) => a - b))) / expected).toFixed(0)} %; ${memory.rss.toFixed(0)} MB`, budget: "" }, null),
  ];
}

/** Looks finished so far, as the daemon's own metrics count them. */
async function looksDone(health: number): Promise<number> {
  const { body, status } = await ask({ port: health, path: "/metrics", keepBody: true });
  const counts = [...body.matchAll(/^shopkeeper_check_duration_seconds_count\{[^}]*check="application"[^}]*\} (\d+)/gm)];
  if (status !== 200 || counts.length === 0) throw new Error(`no count of looks in /metrics (${status})`);
  return counts.reduce((sum, found) => sum + Number(found[1]), 0);
}

/** Asks blackbox_exporter as Prometheus does: each target every 10 s, evenly spread. Runs here, so its own cost is not counted. */
function startScraper(blackbox: Peer, addresses: readonly string[], port: number): { done(): number; stop(): void } {
  if (blackbox.kind === "missing") return { done: () => 0, stop: () => {} };
  const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
  const begun = performance.now();
  let asked = 0;
  let done = 0;
  const beat = setInterval(() => {
    const due = ((performance.now() - begun) / 1_000) * (addresses.length / EVERY_S);
    while (asked < due) {
      const target = encodeURIComponent(`http://${addresses[asked % addresses.length]}:${port}/health`);
      asked += 1;
      void ask({ port: blackbox.port, path: `/probe?module=http_2xx&target=${target}`, agent }).then(({ status }) => void (done += status === 200 ? 1 : 0));
    }
  }, 10);
  return {
    done: () => done,
    stop: () => {
      clearInterval(beat);
      agent.destroy();
    },
  };
}
