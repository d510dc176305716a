/**
 * The real starter behind Shopkeeper: what buyers see while it fails.
 *
 * Each fault strikes two shops at the same time: one whose copies stay fresh, and one
 * whose copies are past their time, so that every buyer's request goes to the
 * application while it fails. `bare.test.ts` has the same faults without Shopkeeper.
 */
import type { TestContext } from "vitest";
import { describe, expect, test } from "vitest";
import { until } from "../support/daemon.ts";
import type { Starter } from "./build-starter.ts";
import { findStarter } from "./build-starter.ts";
import { isErrorPage, visit } from "./buyer.ts";
import { look } from "./buyers.ts";
import type { KeptShop } from "./kept-shop.ts";
import { expectAllServed, expectLeftAlone, openKeptShop, PAGES, untilMore, untilVerdict, untilWell } from "./kept-shop.ts";
import type { FaultRule } from "./simulator.ts";

const TEST_TIMEOUT_MS = 180_000;

const found = await findStarter();
const missing = found.kind === "missing";

/** Tests at the same time: they mostly wait, and two cores must not be busier than the faults make them. */
const AT_ONCE = 3;
let running = 0;
const waiting: (() => void)[] = [];

/** Lets the same happen to a shop with fresh copies and to one with stale ones, when it is its turn. */
async function both({ onTestFailed }: Pick<TestContext, "onTestFailed">, happens: (shop: KeptShop) => Promise<void>): Promise<void> {
  if (found.kind === "missing") throw new Error(found.reason);
  const { starter } = found;
  if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  running += 1;
  const ended = await Promise.allSettled((["fresh", "stale"] as const).map((age) => within(starter, age, onTestFailed, happens)));
  running -= 1;
  waiting.shift()?.();
  for (const end of ended) if (end.status === "rejected") throw end.reason;
}

async function within(starter: Starter, age: KeptShop["age"], onTestFailed: TestContext["onTestFailed"], happens: (shop: KeptShop) => Promise<void>): Promise<void> {
  await using shop = await openKeptShop(starter, age, onTestFailed);
  await happens(shop);
}

describe.skipIf(missing)(`the starter behind Shopkeeper${missing ? ` (not run: ${found.reason})` : ""}`, { timeout: TEST_TIMEOUT_MS, concurrent: true }, () => {
  test("killed: it is started again, and no buyer notices", (context) =>
    both(context, async (shop) => {
      const buyers = shop.buyers();
      await untilMore(buyers, 20);
      const pid = await shop.appPid();
      process.kill(pid, "SIGKILL");

      await until("another process runs", async () => (await shop.installation.pids("app")).some((one) => one !== pid));
      await untilWell(shop);
      await untilMore(buyers, 30);
      expectAllServed(shop, await buyers.stop());
      expect(await shop.restarts()).toHaveLength(1);
    }));

  test("frozen: it is restarted, and no buyer waits for it in vain", (context) =>
    both(context, async (shop) => {
      const buyers = shop.buyers();
      await untilMore(buyers, 20);
      const pid = await shop.appPid();
      process.kill(pid, "SIGSTOP");

      await until("another process runs", async () => (await shop.installation.pids("app")).every((one) => one !== pid));
      await untilWell(shop);
      await untilMore(buyers, 30);
      expectAllServed(shop, await buyers.stop());
      expect(await shop.restarts()).toHaveLength(1);
    }));

  const apiFaults: readonly (readonly [string, FaultRule, "unhealthy" | "healthy"])[] = [
    ["answers 503", { kind: "status", status: 503 }, "unhealthy"],
    ["hangs", { kind: "hang" }, "unhealthy"],
    // To be throttled is no evidence that the API is ill, so the verdict stays.
    ["throttles", { kind: "throttled" }, "healthy"],
  ];
  test.for(apiFaults)("the API %s: pages seen before are served, and the living process is left alone", ([_name, fault, verdict], context) =>
    both(context, async (shop) => {
      const buyers = shop.buyers();
      await untilMore(buyers, 20);
      shop.simulator.setFaults([fault]);
      // Else the application would go on with what it has cached itself.
      await shop.flush();

      await untilVerdict(shop, "shopify_api", verdict);
      await untilVerdict(shop, "page", "unhealthy");
      await untilMore(buyers, 80);
      await expectLeftAlone(shop);

      shop.simulator.setFaults([]);
      await untilWell(shop);
      await untilMore(buyers, 30);
      await expectLeftAlone(shop);
      expectAllServed(shop, await buyers.stop());
      expect(await look(shop.appUrl, PAGES)).toEqual([]);
    }));

  test("the API's answers are truncated: no restart before the API is well, and the poisoned process is restarted then", (context) =>
    both(context, async (shop) => {
      const buyers = shop.buyers();
      await untilMore(buyers, 20);
      shop.simulator.setFaults([{ kind: "truncate" }]);
      await shop.flush();

      await untilVerdict(shop, "shopify_api", "unhealthy");
      await untilMore(buyers, 80);
      await expectLeftAlone(shop);

      shop.simulator.setFaults([]);
      await until("the application itself is well again", async () => (await look(shop.appUrl, PAGES)).length === 0);
      await untilWell(shop);
      await untilMore(buyers, 30);
      expectAllServed(shop, await buyers.stop());
    }));

  test("one truncated answer has made every page an error while /health says 200: the page check finds it, and a restart heals it", (context) =>
    both(context, async (shop) => {
      const buyers = shop.buyers();
      await untilMore(buyers, 20);
      const pid = await shop.appPid();
      shop.simulator.setFaults([{ kind: "truncate", op: "^Header$", count: 1 }]);
      await shop.flush();
      await until("the application is poisoned", async () => isErrorPage(await visit(shop.appUrl)));
      shop.simulator.setFaults([]);
      expect(await visit(shop.appUrl)).toMatchObject({ status: 500 });
      expect(await visit(`${shop.appUrl}/health`)).toMatchObject({ status: 200 });

      await until("the poisoned process is replaced", async () => (await shop.installation.pids("app")).every((one) => one !== pid));
      await untilWell(shop);
      await untilMore(buyers, 30);
      expectAllServed(shop, await buyers.stop());
      const [restart] = await shop.restarts();
      expect(restart?.text).toMatch(/page/);
      expect(await look(shop.appUrl, PAGES)).toEqual([]);
    }));
});
