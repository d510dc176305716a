/**
 * Does a saturated gateway slow the daemon's own word about itself?
 *
 * The daemon is pinned to one core, load and questioner to the others, so that the gateway's
 * thread and the main thread have to share.
 */
import http from "node:http";
import { cpus } from "node:os";
import { findProgram } from "../../test/support/provide-servers.ts";
import { ask, until } from "../support/ask.ts";
import type { Bench, Row } from "../support/bench.ts";
import { Opened } from "../support/bench.ts";
import { wrk } from "../support/load.ts";
import { freePort, pause } from "../support/processes.ts";
import { median } from "../support/rounds.ts";
import { startScript } from "../support/scripts.ts";
import { startShopkeeper } from "../support/shopkeeper.ts";
import { bounded, type Line } from "../support/table.ts";

const PATH = "/products/one";
const CONNECTIONS = 256;

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

  const seconds = quick ? 2 : 5;
  const load = (port: number): ReturnType<typeof wrk> => wrk({ url: `http://127.0.0.1:${port}${PATH}`, connections: CONNECTIONS, seconds: seconds + 1, ...(pins ? { before: ["taskset", "-c", `1-${cpus().length - 1}`] } : {}) });
  await load(shop.gateway);
  const ratios: number[] = [];
  const figures: { readonly idle: number; readonly busy: number }[] = [];
  for (let round = 1; round <= (quick ? 2 : 5); round += 1) {
    const idle = await p50(shop.health, seconds);
    const running = load(shop.gateway);
    await pause(500);
    const busy = await p50(shop.health, seconds);
    const { perSecond } = await running;
    ratios.push(busy / idle);
    figures.push({ idle, busy });
    say(`round ${round}: idle ${idle.toFixed(2)} ms, saturated ${busy.toFixed(2)} ms (gateway ${perSecond.toFixed(0)} requests/s), ratio ${(busy / idle).toFixed(2)}`);
  }
  const middle = (values: readonly number[]): number => median(values.toSorted((a, b) => a - b));
  const ratio = middle(ratios);
  return [
    {
      ...bounded({ row: "live-under-load", what: `p50 of /health/live saturated${pins ? ", one core" : ", not pinned"}`, measured: `${middle(figures.map(({ busy }) => busy)).toFixed(2)} ms`, budget: "≤ 1.50 × idle" }, ratio <= 1.5, `idle ${middle(figures.map(({ idle }) => idle)).toFixed(2)} ms`),
      ratio,
    },
  ];
}

/** One question every 10 ms on a kept connection. */
async function p50(port: number, seconds: number): Promise<number> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const took: number[] = [];
  const end = performance.now() + seconds * 1_000;
  while (performance.now() < end) {
    const answer = await ask({ port, path: "/health/live", agent });
    if (answer.status !== 200) throw new Error(`/health/live answered ${answer.status}`);
    took.push(answer.tookMs);
    await pause(10);
  }
  agent.destroy();
  return median(took.toSorted((a, b) => a - b));
}
