/**
 * What a sidecar weighs, and how soon it is there: from the bundle, with the flags its
 * manifest gives it.
 */
import { spawn } from "node:child_process";
import { connect } from "node:net";
import { ask, until } from "../support/ask.ts";
import type { Bench, Row } from "../support/bench.ts";
import { Opened } from "../support/bench.ts";
import { wrk } from "../support/load.ts";
import { freePort, memoryMb, pause } from "../support/processes.ts";
import { median } from "../support/rounds.ts";
import { startScript } from "../support/scripts.ts";
import { bundle } from "../../test/support/bundle.ts";
import { launch, type Shopkeeper, type ShopkeeperOptions } from "../support/shopkeeper.ts";
import { bounded, type Line } from "../support/table.ts";

const PATH = "/products/one";
/**
 * Without it V8 optimises undici's WebAssembly parser once it is warm, which holds 12 MB for good and 20 MB for a moment. What it costs: stored
 * pages about a tenth more CPU, what is passed through nothing that could be told from noise.
 */
export const ENV = { SHOPKEEPER_PARSER: "baseline" };
/** The compile cache is baked into the image, whose flags these are (deploy/image/shopkeeper). */
export const FLAGS = ["--max-semi-space-size=1", "--max-old-space-size=64"];

export const sidecar: Row = {
  name: "sidecar",
  about: `one worker, from the bundle, ${FLAGS.join(" ")}, SHOPKEEPER_PARSER=baseline, warm compile cache, MALLOC_ARENA_MAX=1; memory after 3 s and after saturation; time until the gateway accepts`,
  run,
};

async function run({ quick, say }: Bench): Promise<readonly Line[]> {
  await using opened = new Opened();
  const { folder } = opened;
  bundle();
  const app = await freePort();
  opened.keep(await startScript("page-app", [app], { port: app }));
  const options: ShopkeeperOptions = {
    folder,
    role: "sidecar",
    nodeFlags: FLAGS,
    env: { ...ENV, NODE_COMPILE_CACHE: `${folder}/compiled`, MALLOC_ARENA_MAX: "1" },
    targets: `  app: { url: "http://127.0.0.1:${app}" }`,
    gateway: "  preset: hydrogen-react-router",
  };
  // Fills the compile cache.
  await (await ready(options)).shop.stop();

  const starts: number[] = [];
  const answers: number[] = [];
  const bare: number[] = [];
  const idle: { readonly rss: number; readonly anon: number }[] = [];
  const busy: { readonly rss: number; readonly anon: number }[] = [];
  const rounds = quick ? 3 : 15;
  for (let round = 1; round <= rounds; round += 1) {
    bare.push(await bareStart());
    const { shop, acceptsMs, answersMs } = await ready(options);
    starts.push(acceptsMs);
    answers.push(answersMs);
    // Memory is steadier than time: two rounds of it suffice.
    if (round <= 2) {
      await pause(3_000);
      idle.push(memoryMb(shop.pid));
      busy.push(await saturated(shop, quick ? 2 : 5));
      say(`memory, round ${round}: idle ${shown(idle.at(-1))}, flat out ${shown(busy.at(-1))}`);
    }
    await shop.stop();
    say(`start, round ${round} of ${rounds}: accepts after ${acceptsMs.toFixed(0)} ms, answers after ${answersMs.toFixed(0)} ms, bare Node ${(bare.at(-1) ?? 0).toFixed(0)} ms`);
  }
  const middle = (values: readonly number[]): number => median(values.toSorted((a, b) => a - b));
  const [start, answered, node] = [middle(starts), middle(answers), middle(bare)];
  const mb = (of: readonly { readonly rss: number; readonly anon: number }[], which: "rss" | "anon"): number => middle(of.map((one) => one[which]));
  const row = "sidecar";
  return [
    bounded({ row, what: "RSS idle, after 3 s", measured: `${mb(idle, "rss").toFixed(0)} MB`, budget: "≤ 110 MB" }, mb(idle, "rss") <= 110),
    bounded({ row, what: "private (RssAnon) idle", measured: `${mb(idle, "anon").toFixed(0)} MB`, budget: "≤ 55 MB" }, mb(idle, "anon") <= 55),
    bounded({ row, what: "RSS flat out, the most seen", measured: `${mb(busy, "rss").toFixed(0)} MB (private ${mb(busy, "anon").toFixed(0)})`, budget: "≤ 150 MB" }, mb(busy, "rss") <= 150),
    { ...bounded({ row, what: "start until the gateway accepts", measured: `${start.toFixed(0)} ms`, budget: "≤ 7.00 × bare Node" }, start / node <= 7, `bare Node ${node.toFixed(0)} ms`), ratio: start / node },
    { row, what: "… until a page has come through it", measured: `${answered.toFixed(0)} ms`, peer: `bare Node ${node.toFixed(0)} ms`, ratio: answered / node, budget: "", holds: null },
  ];
}

function shown(memory: { readonly rss: number; readonly anon: number } | undefined): string {
  return memory === undefined ? "" : `${memory.rss.toFixed(0)} MB, private ${memory.anon.toFixed(0)} MB`;
}

type Started = { readonly shop: Shopkeeper; readonly acceptsMs: number; readonly answersMs: number };

/** Starts it; times are from the start of the process until the gateway takes a connection, and until a page of the application has come through it. */
async function ready(options: ShopkeeperOptions): Promise<Started> {
  const shop = await launch(options);
  const end = performance.now() + 60_000;
  let acceptsMs = 0;
  while (performance.now() < end) {
    if (acceptsMs === 0 && (await accepts(shop.gateway))) acceptsMs = performance.now() - shop.startedAt;
    if (acceptsMs > 0) {
      const { status } = await ask({ port: shop.gateway, path: PATH, timeoutMs: 2_000 });
      if (status > 0) return { shop, acceptsMs, answersMs: performance.now() - shop.startedAt };
    }
    await pause(2);
  }
  await shop.stop();
  throw new Error("the sidecar did not accept within a minute");
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const settle = (taken: boolean): void => {
      socket.destroy();
      resolve(taken);
    };
    socket.once("connect", () => settle(true)).once("error", () => settle(false));
  });
}

/** Half of the load from copies, half passed through; the highest figures seen on the way. */
async function saturated(shop: Shopkeeper, seconds: number): Promise<{ readonly rss: number; readonly anon: number }> {
  await until({ port: shop.gateway, path: PATH }, ({ headers }) => headers["x-cache-status"] === "HIT", "the sidecar stores the page");
  const url = `http://127.0.0.1:${shop.gateway}${PATH}`;
  let over = false;
  const load = (async () => {
    await wrk({ url, connections: 30, seconds });
    await wrk({ url, connections: 30, seconds, headers: { cookie: "cart=c1-abc" } });
    over = true;
  })();
  let [rss, anon] = [0, 0];
  while (!over) {
    const seen = memoryMb(shop.pid);
    rss = Math.max(rss, seen.rss);
    anon = Math.max(anon, seen.anon);
    await pause(100);
  }
  await load;
  return { rss, anon };
}

/** From the start of the process until a program of one line has written its byte. */
function bareStart(): Promise<number> {
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["-e", "process.stdout.write('.')"], { stdio: ["ignore", "pipe", "inherit"], timeout: 30_000 });
    let took = 0;
    child.stdout.once("data", () => (took = performance.now() - begun));
    child.on("error", reject);
    child.on("exit", () => resolve(took));
  });
}
