/**
 * The real starter behind the real daemon, with the shipped checks and policies; the
 * daemon keeps the process, and buyers come in through its gateway.
 */
import { expect } from "vitest";
import type { LedgerEntry } from "../../../src/core/ledger-entry.ts";
import type { LookView } from "../../../src/core/snapshot.ts";
import type { Daemon, Installation, OnFailed } from "../support/daemon.ts";
import { createInstallation, freePorts, listeners, startDaemon, until } from "../support/daemon.ts";
import type { Starter } from "./build-starter.ts";
import { visit } from "./buyer.ts";
import type { Pages, Stream, StreamOptions, Tally } from "./buyers.ts";
import { howServed, look, startBuyers } from "./buyers.ts";
import type { Simulator } from "./simulator.ts";
import { startSimulator } from "./simulator.ts";
import { storefrontCommand } from "./storefront.ts";

/** Pages that buyers have seen before the fault, and what only they have. */
export const PAGES: Pages = {
  "/": "Recommended Products",
  "/products/alder-daypack": "<h1>Alder Daypack</h1>",
  "/collections": "<h1>Collections</h1>",
  "/products/birch-camp-mug": "<h1>Birch Camp Mug</h1>",
  "/collections/everything": "<h1>Everything</h1>",
  "/products/cedar-rain-shell": "<h1>Cedar Rain Shell</h1>",
};

/** `fresh`: the preset's own times, so that the copies stay fresh through the test. `stale`: past their TTL at once, so that each buyer's request goes to the application. */
export type CopyAge = "fresh" | "stale";

/** Only the freshness is shortened: with the preset's minute nothing would be asked of the application in the time of a test. */
const STALE_ROUTES = ["home", "product", "collections", "collection"].map((name) => `    ${name}: { ttl: 1s, stale_while_revalidate: 0s }`).join("\n");

/** The shipped policy, armed. */
const POD_RESTART = `name: pod_restart
trigger: application fails 3 consecutive times or page fails 3 consecutive times
action: restart_pod
mode: act
escalation: { after: 5 failed restarts, within: 1h, alert: on_call }
`;

export type KeptShop = AsyncDisposable & {
  readonly age: CopyAge;
  readonly simulator: Simulator;
  readonly daemon: Daemon;
  readonly installation: Installation;
  /** The application itself, past the gateway. */
  readonly appUrl: string;
  /** The application's process; fails unless there is exactly one. */
  readonly appPid: () => Promise<number>;
  /** Empties the application's own cache, so that every page is rendered anew. */
  readonly flush: () => Promise<void>;
  readonly buyers: (options?: Partial<StreamOptions>) => Stream;
  /** Restarts the daemon has carried out, its first start of the application aside. */
  readonly restarts: () => Promise<readonly LedgerEntry[]>;
};

/** Starts everything, and has every page of `PAGES` seen and stored. */
export async function openKeptShop(starter: Starter, age: CopyAge, onTestFailed: OnFailed): Promise<KeptShop> {
  await using stack = new AsyncDisposableStack();
  const simulator = stack.use(await startSimulator({ schemaFile: starter.schemaFile }));
  const [port = 0] = await freePorts(1);
  const installation = stack.use(await createInstallation(`hydrogen-${age}`, {
    "shopkeeper.yaml": configuration(age, storefrontCommand({ starter, simulator, port }), port, simulator.url),
    "policies/pod_restart.yaml": POD_RESTART,
  }, onTestFailed));
  const daemon = stack.use(await startDaemon(installation));
  const appUrl = `http://127.0.0.1:${port}`;
  await storeAll(daemon.url);
  const kept = stack.move();
  return {
    age, simulator, daemon, installation, appUrl,
    appPid: async () => {
      const pids = await installation.pids("app");
      const [pid] = pids;
      if (pid === undefined || pids.length > 1) throw new Error(`${pids.length} processes are kept for the application with copies ${age}`);
      return pid;
    },
    flush: async () => void (await fetch(`${appUrl}/__app/flush`, { method: "POST", signal: AbortSignal.timeout(5_000) })),
    buyers: (options) => startBuyers(daemon.url, { pages: PAGES, everyMs: 100, ...options }),
    restarts: async () => (await daemon.ledger()).filter((entry) => entry.kind === "intent" && entry.subject === "pod_restart"),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function configuration(age: CopyAge, command: readonly string[], port: number, api: string): string {
  return `site: hydrogen-${age}
targets:
  app:
    url: http://127.0.0.1:${port}
    process:
      command: ${JSON.stringify(command)}
      log_file: app.log
      on_exit: stop
    # Shortened, so that it is the other guards that must hold a restart, not the grace after the start.
    startup_grace: 5s
storefront:
  origin: ${api}
gateway:
  listen: 127.0.0.1:0
${age === "stale" ? `  routes:\n${STALE_ROUTES}\n` : ""}${listeners()}`;
}

/** Visits every page until its answer comes from a copy, or could. */
async function storeAll(url: string): Promise<void> {
  await until("the application answers every page", async () => (await look(url, PAGES)).length === 0);
  for (const path of Object.keys(PAGES)) {
    await until(`a copy of ${path} is stored`, async () => /^(?:HIT|EXPIRED|STALE)/.test(howServed(await visit(url + path))));
  }
}

/** Fails unless every buyer got the right page, whole, in time, no copy was anybody's, and buyers came by the way that was to be tested. */
export function expectAllServed({ age }: KeptShop, { visits, good, bad, by, leaks }: Tally): void {
  const served = `${good} of ${visits} buyers served with copies ${age}: ${JSON.stringify(by)}`;
  expect({ served, bad, leaks: leaks.slice(0, 20) }).toEqual({ served, bad: [], leaks: [] });
  const took = (way: string): boolean => Object.keys(by).some((one) => one.startsWith(way));
  const ways = age === "fresh" ? took("HIT") : took("STALE") && took("EXPIRED");
  expect({ served, ways }).toEqual({ served, ways: true });
}

/** Waits until the application is judged healthy by all that looks at it, and the gateway's breakers are closed. */
export async function untilWell({ daemon, age }: KeptShop, withinMs = 60_000): Promise<void> {
  await until(`the shop with copies ${age} is well again`, async () => {
    const { status, breakers } = await daemon.status();
    return status !== "unhealthy" && status !== "unknown" && breakers.every(({ effective }) => effective === "closed");
  }, withinMs);
}

/** No living process was restarted: one that died by itself may be started again. */
export async function expectLeftAlone(shop: KeptShop): Promise<void> {
  const taken = (await shop.restarts()).filter(({ text }) => !text.includes("process exited"));
  expect({ copies: shop.age, restarts: taken.map(({ text }) => text) }).toEqual({ copies: shop.age, restarts: [] });
}

/** Waits until so many more buyers of a stream have been answered. */
export async function untilMore({ tally }: Stream, buyers: number): Promise<void> {
  const before = tally.visits;
  await until(`another ${buyers} buyers have been answered`, () => tally.visits >= before + buyers);
}

/** Waits until a check's verdict is this. */
export async function untilVerdict({ daemon, age }: KeptShop, check: string, verdict: LookView["verdict"]): Promise<void> {
  await until(`${check} is ${verdict} with copies ${age}`, async () => (await daemon.status()).looks.some((one) => one.check === check && one.verdict === verdict));
}
