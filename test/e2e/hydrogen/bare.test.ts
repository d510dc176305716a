/**
 * The real starter on its own: how a storefront without Shopkeeper fails.
 *
 * Each of these is a fault buyers meet today. They are tests, not folklore: an
 * upgrade of Hydrogen that heals one of them fails here and says so.
 */
import { describe, expect, test } from "vitest";
import type { Starter } from "./build-starter.ts";
import { findStarter } from "./build-starter.ts";
import type { Seen } from "./buyer.ts";
import { isErrorPage, visit } from "./buyer.ts";
import type { FaultRule, Simulator } from "./simulator.ts";
import { startSimulator } from "./simulator.ts";
import type { Storefront } from "./storefront.ts";
import { freePort, startStorefront } from "./storefront.ts";

const TEST_TIMEOUT_MS = 120_000;
/** A buyer's patience with a page that does not come. */
const PATIENCE_MS = 8_000;

const HOME = "/";
const PRODUCT = "/products/alder-daypack";
const OTHER_PRODUCT = "/products/birch-camp-mug";
const COLLECTION = "/collections/everything";

const API_DOWN: readonly FaultRule[] = [{ kind: "status", status: 503 }];
const INVENTED_CART = "cart=invented";

const found = await findStarter();
const missing = found.kind === "missing";

type Shop = AsyncDisposable & { readonly simulator: Simulator; readonly storefront: Storefront };

/** A storefront with nothing cached, and the API it calls. */
async function openShop(starter: Starter): Promise<Shop> {
  const simulator = await startSimulator({ schemaFile: starter.schemaFile });
  const storefront = await startStorefront({ starter, simulator });
  return {
    simulator,
    storefront,
    [Symbol.asyncDispose]: async () => {
      await storefront.stop();
      await simulator.stop();
    },
  };
}

/** The status of a whole answer, or what came instead. */
function outcome(seen: Seen): number | Exclude<Seen["kind"], "answered"> {
  return seen.kind === "answered" ? seen.status : seen.kind;
}

/** What each path answers: its status, marked where the page is the error boundary's. */
async function outcomes(url: string, paths: readonly string[]): Promise<Readonly<Record<string, string | number>>> {
  const seen = new Map<string, string | number>();
  for (const path of paths) {
    const answer = await visit(url + path);
    seen.set(path, isErrorPage(answer) ? `error page, ${outcome(answer)}` : outcome(answer));
  }
  return Object.fromEntries(seen);
}

describe.skipIf(missing)(`the bare starter${missing ? ` (not run: ${found.reason})` : ""}`, { timeout: TEST_TIMEOUT_MS }, () => {
  const starter = (): Starter => {
    if (found.kind === "missing") throw new Error(found.reason);
    return found.starter;
  };

  test("serves whole pages while the API is well, with a fresh nonce in each", async () => {
    await using shop = await openShop(starter());
    const { url } = shop.storefront;
    const paths = [HOME, PRODUCT, COLLECTION, "/collections", "/search?q=wool", "/cart", "/blogs/journal", "/pages/about-us"];
    expect(await outcomes(url, paths)).toEqual(Object.fromEntries(paths.map((path) => [path, 200])));

    const nonces = await Promise.all([visit(url + PRODUCT), visit(url + PRODUCT)]).then((pages) => pages.map(nonceOf));
    expect(nonces[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(nonces[0]).not.toBe(nonces[1]);
    const unmodelled = shop.simulator.log().filter((entry) => entry.outcome === "gql-errors");
    expect(unmodelled).toEqual([]);
  });

  test("answers 500 to a cold page, and keeps serving a warm one, while the API answers 503", async () => {
    await using shop = await openShop(starter());
    const { url } = shop.storefront;
    expect(outcome(await visit(url + PRODUCT))).toBe(200);
    shop.simulator.setFaults(API_DOWN);

    expect(outcome(await visit(url + PRODUCT))).toBe(200);
    const cold = [OTHER_PRODUCT, HOME, COLLECTION];
    expect(await outcomes(url, cold)).toEqual(Object.fromEntries(cold.map((path) => [path, "error page, 500"])));
  });

  test("answers 404 for a product that exists while the API throttles", async () => {
    await using shop = await openShop(starter());
    const { url } = shop.storefront;
    shop.simulator.setFaults([{ kind: "throttled" }]);
    expect(outcome(await visit(url + PRODUCT))).toBe(404);

    shop.simulator.setFaults([]);
    expect(outcome(await visit(url + PRODUCT))).toBe(200);
  });

  test("sends not one byte of a cold page while the API hangs", async () => {
    await using shop = await openShop(starter());
    shop.simulator.setFaults([{ kind: "hang" }]);

    expect(await visit(shop.storefront.url + PRODUCT, { patienceMs: PATIENCE_MS })).toEqual({ kind: "silent" });
    // The buyer has left; the calls made for them stay open.
    expect(shop.simulator.stats().inFlight).toBeGreaterThan(0);
  });

  test("never ends a page when only the footer's call hangs", async () => {
    await using shop = await openShop(starter());
    shop.simulator.setFaults([{ kind: "hang", op: "^Footer$" }]);

    const seen = await visit(shop.storefront.url + PRODUCT, { patienceMs: 3_000 });
    expect(seen).toMatchObject({ kind: "endless", status: 200 });
  });

  test("dies of an invented cart cookie while the API fails, and again after each restart", async () => {
    const port = await freePort();
    await using simulator = await startSimulator({ schemaFile: starter().schemaFile });
    simulator.setFaults(API_DOWN);
    for (let life = 1; life <= 3; life += 1) {
      await using storefront = await startStorefront({ starter: starter(), simulator, port });
      const seen = await visit(storefront.url + HOME, { cookie: INVENTED_CART });

      expect(await storefront.exited).toEqual({ code: 1, signal: null });
      expect(outcome(seen)).not.toBe(200);
      expect(await visit(storefront.url + HOME)).toEqual({ kind: "refused" });
      expect(storefront.errors()).toContain("API response error: 503");
    }
  });

  test("shrugs off the same cookie while the API is well", async () => {
    await using shop = await openShop(starter());
    expect(outcome(await visit(shop.storefront.url + HOME, { cookie: INVENTED_CART }))).toBe(200);
    expect(outcome(await visit(shop.storefront.url + HOME))).toBe(200);
  });

  // The analytics call's promise is awaited only once the page's own call is answered.
  test("dies of a plain visit, without any cookie, when the analytics call fails while the product's call is slow", async () => {
    await using shop = await openShop(starter());
    shop.simulator.setFaults([
      { kind: "status", status: 503, op: "^ShopData$" },
      { kind: "latency", ms: 300, op: "^Product$" },
    ]);

    expect(await visit(shop.storefront.url + PRODUCT)).toMatchObject({ kind: "cut", status: null });
    expect(await shop.storefront.exited).toEqual({ code: 1, signal: null });
  });

  test("answers 500 to every page after one truncated answer, with the API well again and its health route saying pass", async () => {
    await using shop = await openShop(starter());
    const { url } = shop.storefront;
    shop.simulator.setFaults([{ kind: "truncate", op: "^Header$", count: 1 }]);
    expect(outcome(await visit(url + HOME))).toBe(500);

    shop.simulator.setFaults([]);
    const paths = [HOME, PRODUCT, OTHER_PRODUCT, COLLECTION, "/cart"];
    expect(await outcomes(url, paths)).toEqual(Object.fromEntries(paths.map((path) => [path, "error page, 500"])));
    expect(shop.simulator.stats().byOperation["Header"]).toBe(1);
    expect(outcome(await visit(`${url}/robots.txt`))).toBe(200);
    const health = await visit(`${url}/health`);
    expect(health).toMatchObject({ kind: "answered", status: 200 });
    expect(JSON.parse(bodyOf(health))).toEqual({ status: "pass", memory_usage: expect.any(Number), cpu_usage: expect.any(Number) });

    // What heals it is a new process, or an empty cache.
    await shop.storefront.flush();
    expect(outcome(await visit(url + HOME))).toBe(200);
  });

  test("refuses buyers once killed", async () => {
    await using shop = await openShop(starter());
    expect(await shop.storefront.kill()).toEqual({ code: null, signal: "SIGKILL" });
    expect(await visit(shop.storefront.url + HOME)).toEqual({ kind: "refused" });
  });

  test("accepts buyers and tells them nothing while frozen, pages it has served before included", async () => {
    await using shop = await openShop(starter());
    const { url } = shop.storefront;
    expect(outcome(await visit(url + HOME))).toBe(200);
    shop.storefront.freeze();
    expect(await visit(url + HOME, { patienceMs: 2_000 })).toEqual({ kind: "silent" });

    shop.storefront.thaw();
    expect(outcome(await visit(url + HOME))).toBe(200);
  });

  test("puts a buyer's cart, with its secret key, into every page and says so in no header", async () => {
    await using shop = await openShop(starter());
    const { url } = shop.storefront;
    const added = await visit(`${url}/cart`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: `cartFormInput=${encodeURIComponent(JSON.stringify(ADD_A_DAYPACK))}`,
    });
    const cookie = setCookies(added).find((header) => header.startsWith("cart="))?.split(";")[0];
    expect(cookie).toMatch(/^cart=[0-9a-f]{20}%3Fkey%3D[0-9a-f]{16}$/);

    const seen = await visit(url + PRODUCT, { cookie: cookie ?? "" });
    expect(bodyOf(seen)).toContain('<a href="/cart">Cart <span aria-label="(items: 1)">1</span></a>');
    expect(bodyOf(seen)).toContain(decodeURIComponent(cookie?.slice("cart=".length) ?? ""));
    expect(seen.kind === "answered" && [seen.headers.vary, seen.headers["cache-control"]]).toEqual([undefined, undefined]);
  });
});

const ADD_A_DAYPACK = {
  action: "LinesAdd",
  inputs: { lines: [{ merchandiseId: "gid://shopify/ProductVariant/100", quantity: 1 }] },
};

function bodyOf(seen: Seen): string {
  return "body" in seen ? seen.body : "";
}

function setCookies(seen: Seen): readonly string[] {
  return seen.kind === "answered" ? (seen.headers["set-cookie"] ?? []) : [];
}

/** The nonce of a page's Content-Security-Policy, provided its scripts carry the same. */
function nonceOf(seen: Seen): string | undefined {
  if (seen.kind !== "answered") return undefined;
  const nonce = /'nonce-([^']+)'/.exec(String(seen.headers["content-security-policy"]))?.[1];
  return nonce !== undefined && seen.body.includes(`<script nonce="${nonce}"`) ? nonce : undefined;
}
