/**
 * Does a saturated gateway slow the daemon's own word about itself?
 *
 * The daemon is pinned to one core, load and questioner to the others, so that the gateway's
 * thread and the main thread have to share. wrk runs at a lower priority than the questioner:
 * what is asked for is the daemon's delay, not the questioner's.
 */
import { cpus } from "node:os";
import { findProgram } from "../../test/support/provide-servers.ts";
import { questions, until } from "../support/ask.ts";
import type { Bench, Row } from "../support/bench.ts";
import { Opened } from "../support/bench.ts";
import { wrk } from "../support/load.ts";
import { cpuSeconds, freePort, pause } from "../support/processes.ts";
import { median } from "../support/rounds.ts";
import { startScript } from "../support/scripts.ts";
import { startShopkeeper } from "../support/shopkeeper.ts";
import { bounded, type Line } from "../support/table.ts";

const PATH = "/products/one";
const CONNECTIONS = 256;
/** Share of its core that the daemon must use for the gateway to count as saturated. */
const SATURATED = 0.8;

export const liveUnderLoad: Row = {
  name: "live-under-load",
  about: "p50 of /health/live, idle and while wrk saturates the gateway with stored copies (256 connections), daemon on one core",
  run,
};

async function run({ quick, say }: Bench): Promise<readonly Line[]> {
  await using opened = new Opened();
  const app = await freePort();
  opened.keep(await startScript("page-app", [app], { port: app }));
  const pins = findProgram("taskset") !== null && cpus().length > 1;
  const shop = opened.keep(
    await startShopkeeper({
      folder: opened.folder,
      targets: `  app: { url: "http://127.0.0.1:${app}", pulse: false }`,
      gateway: "  preset: hydrogen-react-router",
      ...(pins ? { before: ["taskset", "-c", "0"] } : {}),
    }),
  );
  await until({ port: shop.gateway, path: PATH }, ({ headers }) => headers["x-cache-status"] === "HIT", "Shopkeeper stores the page");

  const seconds = quick ? 2 : 4;
  const load = (port: number): ReturnType<typeof wrk> => wrk({ url: `http://127.0.0.1:${port}${PATH}`, connections: CONNECTIONS, seconds: seconds + 1, ...(pins ? { before: ["nice", "-n", "5", "taskset", "-c", `1-${cpus().length - 1}`] } : {}) });
  await load(shop.gateway);
  const ratios: number[] = [];
  const shares: number[] = [];
  const figures: { readonly idle: number; readonly busy: number }[] = [];
  for (let round = 1; round <= (quick ? 2 : 3); round += 1) {
    const idle = await p50(shop.health, seconds);
    const running = load(shop.gateway);
    await pause(500);
    const cpuBefore = cpuSeconds(shop.pid);
    const busy = await p50(shop.health, seconds);
    const share = (cpuSeconds(shop.pid) - cpuBefore) / seconds;
    const { perSecond } = await running;
    shares.push(share);
    ratios.push(busy / idle);
    figures.push({ idle, busy });
    say(`round ${round}: idle ${idle.toFixed(2)} ms, saturated ${busy.toFixed(2)} ms (gateway ${perSecond.toFixed(0)} requests/s, daemon at ${(share * 100).toFixed(0)} % of a core), ratio ${(busy / idle).toFixed(2)}`);
  }
  const middle = (values: readonly number[]): number => median(values.toSorted((a, b) => a - b));
  const ratio = middle(ratios);
  // Where something else took the machine, the gateway was not saturated, and nothing was shown.
  const saturated = middle(shares) >= SATURATED;
  return [
    {
      ...bounded({ row: "live-under-load", what: `p50 of /health/live saturated${pins ? ", one core" : ", not pinned"}`, measured: `${middle(figures.map(({ busy }) => busy)).toFixed(2)} ms${saturated ? "" : ", but not saturated"}`, budget: "≤ 1.50 × idle" }, saturated ? ratio <= 1.5 : null, `idle ${middle(figures.map(({ idle }) => idle)).toFixed(2)} ms`),
      ratio,
    },
  ];
}

/** One question every 10 ms. */
async function p50(port: number, seconds: number): Promise<number> {
  return median(await questions(port, "/health/live", seconds, 10));
}
