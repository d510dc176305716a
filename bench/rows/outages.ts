/**
 * A local application is killed or frozen: how long until buyers are well served again.
 *
 * Buyers with a cart ask for a page every 20 ms. Their pages are always the application's
 * own, so every one of them meets the fault; anonymous buyers are served fresh copies and
 * would notice nothing. Shopkeeper and HAProxy stand before the same application and
 * meet the same fault in the same moment. Shopkeeper does not own the process here: it
 * must find out, as HAProxy must.
 *
 * "Well served" is an answer with status 200 within a second of asking. A fault ends when
 * the last request that was not well served had been asked; what is printed is how long
 * after the fault the first good answer stood in a buyer's hands with no bad one after it.
 */
import { ask, until, type Answer } from "../support/ask.ts";
import type { Bench, Row } from "../support/bench.ts";
import { Opened } from "../support/bench.ts";
import { startHaproxyFailover } from "../support/peers.ts";
import { freePort, pause, type Running } from "../support/processes.ts";
import { median } from "../support/rounds.ts";
import { startScript } from "../support/scripts.ts";
import { startShopkeeper } from "../support/shopkeeper.ts";
import { bounded, compared, type Line } from "../support/table.ts";

const PATH = "/products/one";
const CART = { cookie: "cart=c1-abc" };
const GOOD_MS = 1_000;
const EVERY_MS = 20;

type Fault = "killed" | "frozen";

export const killed: Row = {
  name: "killed",
  about: "SIGKILL of the application; buyers with a cart every 20 ms; from the kill until every buyer is served again",
  run: (bench) => run(bench, "killed", { watchMs: 4_500, budgetS: 0.3 }),
};

export const frozen: Row = {
  name: "frozen",
  about: "SIGSTOP of the application; buyers with a cart every 20 ms; from the stop until every buyer is served again",
  run: (bench) => run(bench, "frozen", { watchMs: 11_000, budgetS: 3 }),
};

async function run({ quick, say }: Bench, fault: Fault, { watchMs, budgetS }: { readonly watchMs: number; readonly budgetS: number }): Promise<readonly Line[]> {
  await using opened = new Opened();
  const [appPort, copyPort] = [await freePort(), await freePort()];
  let app: Running = await startScript("page-app", [appPort], { port: appPort });
  opened.keep({ stop: () => app.stop() });
  opened.keep(await startScript("bare-server", [copyPort], { port: copyPort }));
  const shop = opened.keep(await startShopkeeper({ folder: opened.folder, targets: `  app: { url: "http://127.0.0.1:${appPort}" }`, gateway: "  preset: hydrogen-react-router" }));
  await until({ port: shop.gateway, path: PATH }, ({ headers }) => headers["x-cache-status"] === "HIT", "Shopkeeper stores the page");
  const haproxy = opened.keep(await startHaproxyFailover(opened.folder, appPort, copyPort));
  const ours: Served[] = [];
  const theirs: Served[] = [];

  const rounds = quick ? 2 : 10;
  for (let round = 1; round <= rounds; round += 1) {
    await forwarding(shop.gateway);
    if (haproxy.kind === "running") await until({ port: haproxy.port, path: "/health" }, ({ status, headers }) => status === 200 && headers["content-type"] === "application/json", "HAProxy uses the application again");
    // At a moment of its own within both parties' rhythms.
    await pause(500 + Math.random() * 2_000);
    const streams = [buyers(shop.gateway), ...(haproxy.kind === "running" ? [buyers(haproxy.port)] : [])];
    await pause(200);
    const at = performance.now();
    app.hit(fault === "killed" ? "SIGKILL" : "SIGSTOP");
    await pause(watchMs);
    const [own, other] = await Promise.all(streams.map((stream) => stream.served(at)));
    if (fault === "killed") app = await startScript("page-app", [appPort], { port: appPort });
    else app.hit("SIGCONT");
    if (own !== undefined) ours.push(own);
    if (other !== undefined) theirs.push(other);
    say(`round ${round} of ${rounds}: Shopkeeper ${shownOf(own)}${other === undefined ? "" : `; HAProxy ${wellOf(other)}`}`);
  }
  const row = fault;
  const middle = (served: readonly Served[], pick: (one: Served) => number): number => median(served.map(pick).toSorted((a, b) => a - b));
  const all = middle(ours, ({ wellS }) => wellS);
  const peer = haproxy.kind === "missing" ? { missing: haproxy.why } : { name: "HAProxy fastinter 500ms", figure: middle(theirs, ({ wellS }) => wellS), shown: `${middle(theirs, ({ wellS }) => wellS).toFixed(2)} s, ${middle(theirs, ({ bad }) => bad)} buyers` };
  return [
    { ...compared({ row, what: `${fault} → all buyers served, median of ${rounds}; buyers not well served`, measured: `${all.toFixed(2)} s, ${middle(ours, ({ bad }) => bad)} buyers`, budget: `≤ ${budgetS} s` }, all, peer, null), holds: all <= budgetS },
    bounded({ row, what: "first copy in a buyer's hands; breaker open", measured: `${middle(ours, ({ firstCopyS }) => firstCopyS).toFixed(2)} s; ${middle(ours, ({ openS }) => openS).toFixed(2)} s`, budget: `≤ ${budgetS} s` }, middle(ours, ({ openS }) => openS) <= budgetS),
  ];
}

type Served = {
  /** From the fault until a good answer that no bad one followed. */
  readonly wellS: number;
  /** Requests asked after the fault, or not yet answered then, that were not well served. */
  readonly bad: number;
  readonly firstCopyS: number;
  /** From the fault until the first answer that says the breaker is open. */
  readonly openS: number;
};

function shownOf(served: Served | undefined): string {
  return served === undefined ? "" : `${wellOf(served)} (first copy ${served.firstCopyS.toFixed(2)} s, breaker ${served.openS.toFixed(2)} s)`;
}

function wellOf({ wellS, bad }: Served): string {
  return `${Number.isFinite(wellS) ? `well after ${wellS.toFixed(2)} s` : "not well while watched"}, ${bad} buyers not`;
}

type Seen = { readonly askedAt: number; readonly answer: Answer };

/** A stream of buyers until its result is asked for. */
function buyers(port: number): { served(faultAt: number): Promise<Served> } {
  const asked: Promise<Seen>[] = [];
  const beat = setInterval(() => {
    const askedAt = performance.now();
    asked.push(ask({ port, path: PATH, headers: CART, timeoutMs: 8_000 }).then((answer) => ({ askedAt, answer })));
  }, EVERY_MS);
  return {
    async served(faultAt) {
      clearInterval(beat);
      // Those asked in the last second have no time left to turn out bad.
      const end = performance.now() - GOOD_MS;
      await pause(0);
      const seen = await Promise.all(asked);
      return judge(seen.filter(({ askedAt }) => askedAt <= end), faultAt);
    },
  };
}

function judge(seen: readonly Seen[], faultAt: number): Served {
  const after = seen.filter(({ askedAt, answer }) => askedAt + answer.tookMs > faultAt).toSorted((a, b) => a.askedAt - b.askedAt);
  const good = ({ answer }: Seen): boolean => answer.status === 200 && answer.tookMs <= GOOD_MS;
  const lastBad = after.findLastIndex((one) => !good(one));
  const firstGood = after.slice(lastBad + 1).filter(good)[0];
  const arrived = (one: Seen | undefined): number => (one === undefined ? Number.POSITIVE_INFINITY : Math.max(0, (one.askedAt + one.answer.tookMs - faultAt) / 1_000));
  const said = (one: Seen): string => String(one.answer.headers["cache-status"] ?? "");
  const earliest = (wanted: (one: Seen) => boolean): number => Math.min(...after.filter((one) => one.askedAt >= faultAt && wanted(one)).map(arrived));
  return {
    wellS: arrived(firstGood),
    bad: after.filter((one) => !good(one)).length,
    firstCopyS: earliest((one) => one.answer.status === 200 && said(one).startsWith("shopkeeper") && one.answer.headers["x-cache-status"] !== "BYPASS" && one.answer.headers["x-cache-status"] !== "MISS"),
    openS: earliest((one) => said(one).includes("breaker-open")),
  };
}

/** Waits until a buyer with a cart gets the application's own page again, three times running. */
async function forwarding(port: number): Promise<void> {
  for (let running = 0; running < 3; running += 1) {
    await until({ port, path: PATH, headers: CART }, ({ status, headers }) => status === 200 && headers["x-cache-status"] === "BYPASS", "Shopkeeper forwards again", 120_000);
  }
}
