/**
 * The request that kills: while the API fails, one `cart` cookie, even an invented one,
 * ends a cold Hydrogen process; and a restart makes it cold again.
 */
import { describe, expect, test } from "vitest";
import { until } from "../support/daemon.ts";
import { findStarter } from "./build-starter.ts";
import { visit } from "./buyer.ts";
import { howServed, isCopy } from "./buyers.ts";
import { expectAllServed, openKeptShop, untilMore, untilVerdict, untilWell } from "./kept-shop.ts";

const INVENTED_CART = "cart=invented";
/** The preset's style for a buyer whose cart the copy cannot show. */
const NEUTRALISED = 'a[href="/cart"]>span[aria-label^="(items:"]{display:none}';

const found = await findStarter();
const missing = found.kind === "missing";

describe.skipIf(missing)(`the crash loop behind Shopkeeper${missing ? ` (not run: ${found.reason})` : ""}`, { timeout: 120_000, concurrent: true }, () => {
  test.for(["fresh", "stale"] as const)("ends after two deaths at most, while buyers with invented carts keep coming; copies %s", async (age, { onTestFailed }) => {
    if (found.kind === "missing") throw new Error(found.reason);
    await using shop = await openKeptShop(found.starter, age, onTestFailed);
    // A death is what an exited process was started again for.
    const deaths = async (): Promise<number> => (await shop.restarts()).filter(({ text }) => text.includes("process exited")).length;
    const anonymous = shop.buyers();
    await untilMore(anonymous, 20);
    shop.simulator.setFaults([{ kind: "status", status: 503 }]);
    await shop.flush();

    const carts = shop.buyers({ cookie: INVENTED_CART, mayRefuse: true });
    await untilVerdict(shop, "shopify_api", "unhealthy");
    await until("the application has died and runs again", async () => (await deaths()) > 0 && (await shop.installation.pids("app")).length === 1);
    await untilMore(carts, 80);
    const died = await deaths();
    expect(died).toBeLessThanOrEqual(2);
    await untilMore(carts, 80);
    expect(await deaths()).toBe(died);

    const withCart = await visit(`${shop.daemon.url}/products/alder-daypack`, { cookie: INVENTED_CART });
    expect([howServed(withCart), isCopy(withCart)]).toEqual([howServed(withCart), true]);
    expect(withCart).toMatchObject({ status: 200, headers: { "cache-control": "private, no-store" }, body: expect.stringContaining(NEUTRALISED) });
    const withLogin = await visit(`${shop.daemon.url}/products/alder-daypack`, { cookie: "session=invented" });
    expect([howServed(withLogin), isCopy(withLogin)]).toEqual([howServed(withLogin), false]);

    shop.simulator.setFaults([]);
    await untilWell(shop);
    await until("buyers with carts reach the application again", async () => howServed(await visit(shop.daemon.url, { cookie: INVENTED_CART })) === "BYPASS");
    await untilMore(carts, 30);
    const { bad, leaks } = await carts.stop();
    expect({ bad, leaks }).toEqual({ bad: [], leaks: [] });
    expectAllServed(shop, await anonymous.stop());
  });
});
