/** The simulator keeps its own promises: the shop it serves, and every way it can fail. */
import { describe, expect, test } from "vitest";
import { findStarter } from "./build-starter.ts";
import type { Seen } from "./buyer.ts";
import { visit } from "./buyer.ts";
import type { FaultRule, Simulator } from "./simulator.ts";
import { startSimulator } from "./simulator.ts";

const found = await findStarter();
const missing = found.kind === "missing";

const SHOP = "query ShopName { shop { name } }";
const PRICE = `query Price($handle: String!, $country: CountryCode) @inContext(country: $country) {
  product(handle: $handle) { title priceRange { minVariantPrice { amount currencyCode } } }
}`;
const NEW_CART = `mutation NewCart($id: ID!) {
  cartCreate(input: { lines: [{ merchandiseId: $id, quantity: 2 }] }) {
    cart { id totalQuantity cost { totalAmount { amount } } } userErrors { message }
  }
}`;

function start(): Promise<Simulator> {
  if (found.kind === "missing") throw new Error(found.reason);
  return startSimulator(found.starter);
}

function ask({ url }: Simulator, query: string, variables: object = {}, patienceMs = 5_000): Promise<Seen> {
  const headers = { "content-type": "application/json", accept: "application/json" };
  return visit(`${url}/api/2026-04/graphql.json`, { method: "POST", headers, body: JSON.stringify({ query, variables }), patienceMs });
}

function answerOf(seen: Seen): unknown {
  return seen.kind === "answered" ? JSON.parse(seen.body) : seen;
}

describe.skipIf(missing)(`the Storefront API simulator${missing ? ` (not run: ${found.reason})` : ""}`, () => {
  test("answers by Shopify's schema, in the market asked for", async () => {
    await using simulator = await start();
    const answer = answerOf(await ask(simulator, PRICE, { handle: "alder-daypack", country: "GB" }));
    expect(answer).toMatchObject({
      data: { product: { title: "Alder Daypack", priceRange: { minVariantPrice: { amount: "11.85", currencyCode: "GBP" } } } },
      extensions: { cost: { requestedQueryCost: 2 } },
    });
  });

  test("refuses a document the schema does not have", async () => {
    await using simulator = await start();
    expect(answerOf(await ask(simulator, "{ shop { colour } }"))).toMatchObject({
      errors: [{ message: expect.stringContaining('Cannot query field "colour"'), extensions: { code: "graphqlValidationFailed" } }],
    });
  });

  test("keeps carts, and says which goods do not exist", async () => {
    await using simulator = await start();
    const first = answerOf(await ask(simulator, NEW_CART, { id: "gid://shopify/ProductVariant/100" }));
    expect(first).toMatchObject({ data: { cartCreate: { cart: { totalQuantity: 2, cost: { totalAmount: { amount: "30.0" } } }, userErrors: [] } } });
    const second = answerOf(await ask(simulator, NEW_CART, { id: "gid://shopify/ProductVariant/9" }));
    expect(second).toMatchObject({ data: { cartCreate: { cart: { totalQuantity: 0 }, userErrors: [{ message: expect.stringContaining("does not exist") }] } } });
  });

  test("hands a new visitor tokens and cookies, and a known one none again", async () => {
    await using simulator = await start();
    const fresh = await ask(simulator, SHOP);
    expect(fresh).toMatchObject({ headers: { "server-timing": expect.stringContaining("_y;desc=") } });
    expect(fresh.kind === "answered" && fresh.headers["set-cookie"]?.map((cookie) => cookie.split("=")[0])).toEqual([
      "_shopify_essential",
      "_shopify_analytics",
      "_shopify_marketing",
    ]);
    simulator.setTracking("off");
    const untracked = await ask(simulator, SHOP);
    expect(untracked.kind === "answered" && untracked.headers["set-cookie"]).toBe(undefined);
  });

  const SHOP_DATA = { data: { shop: { name: "Sim Outfitters" } } };
  test.each<[FaultRule, object]>([
    [{ kind: "status", status: 503 }, { status: 503, body: '{"errors":[{"message":"Service Unavailable"}]}' }],
    [{ kind: "status", status: 429, retryAfter: 2 }, { status: 429, headers: { "retry-after": "2" } }],
    [{ kind: "blocked" }, { status: 430 }],
    [{ kind: "throttled" }, { status: 200, body: expect.stringContaining('"code":"THROTTLED"') }],
    [{ kind: "gqlerror" }, { status: 200, body: expect.stringMatching(/^\{"data":null,.*INTERNAL_SERVER_ERROR/) }],
    [{ kind: "partial" }, { status: 200, body: expect.stringMatching(/Sim Outfitters.*INTERNAL_SERVER_ERROR|INTERNAL_SERVER_ERROR.*Sim Outfitters/) }],
    [{ kind: "html" }, { status: 200, headers: { "content-type": "text/html; charset=utf-8" } }],
    [{ kind: "hang" }, { kind: "silent" }],
    [{ kind: "reset" }, { kind: "cut", status: null }],
    [{ kind: "truncate" }, { kind: "cut", status: 200, body: expect.stringMatching(/^\{"data"/) }],
    [{ kind: "drip", ms: 1 }, { status: 200, body: expect.stringContaining(JSON.stringify(SHOP_DATA).slice(0, -1)) }],
    [{ kind: "latency", ms: 5 }, { status: 200, body: expect.stringContaining("Sim Outfitters") }],
  ])("fails as told: %j", async (rule, expected) => {
    await using simulator = await start();
    simulator.setFaults([rule]);
    expect(await ask(simulator, SHOP, {}, rule.kind === "hang" ? 300 : 5_000)).toMatchObject(expected);

    simulator.setFaults([]);
    expect(answerOf(await ask(simulator, SHOP))).toMatchObject(SHOP_DATA);
  });

  test("fails only the operation named, only as often as told, and counts both", async () => {
    await using simulator = await start();
    simulator.setFaults([{ kind: "status", status: 500, op: "^ShopName$", count: 1 }]);
    const statuses: (number | string)[] = [];
    for (const query of ["{ shop { id } }", SHOP, SHOP]) {
      const seen = await ask(simulator, query);
      statuses.push(seen.kind === "answered" ? seen.status : seen.kind);
    }
    expect(statuses).toEqual([200, 500, 200]);
    expect(simulator.stats()).toMatchObject({ requests: 3, byOperation: { anonymous: 1, ShopName: 2 }, byOutcome: { ok: 2, 500: 1 }, inFlight: 0 });
  });

  test("picks the same calls again for the same seed", async () => {
    await using simulator = await start();
    const run = async (): Promise<string> => {
      simulator.setFaults([{ kind: "status", status: 503, rate: 0.5 }], 7);
      let statuses = "";
      for (let call = 0; call < 20; call += 1) {
        const seen = await ask(simulator, SHOP);
        statuses += seen.kind === "answered" && seen.status === 200 ? "." : "x";
      }
      return statuses;
    };
    const first = await run();
    expect(first).toMatch(/^(?=.*\.)(?=.*x)[.x]{20}$/);
    expect(await run()).toBe(first);
  });

  test("is administered over HTTP as well, and refuses what is no fault", async () => {
    await using simulator = await start();
    const put = (body: unknown): Promise<Seen> => {
      // PUT is not something a buyer does.
      return fetch(`${simulator.url}/__sim/faults`, { method: "PUT", body: JSON.stringify(body), signal: AbortSignal.timeout(5_000) }).then(
        async (response) => ({ kind: "answered", status: response.status, headers: {}, body: await response.text() }),
      );
    };
    expect(await put([{ kind: "blocked" }])).toMatchObject({ status: 200 });
    expect(await ask(simulator, SHOP)).toMatchObject({ status: 430 });
    expect(await put([{ kind: "earthquake" }])).toMatchObject({ status: 400 });
    expect(await visit(`${simulator.url}/__sim/reset`, { method: "POST" })).toMatchObject({ status: 200 });
    expect(await ask(simulator, SHOP)).toMatchObject({ status: 200 });
    simulator.setProduct("alder-daypack", { baseCents: 100 });
    expect(answerOf(await ask(simulator, PRICE, { handle: "alder-daypack" }))).toMatchObject({
      data: { product: { priceRange: { minVariantPrice: { amount: "1.0", currencyCode: "USD" } } } },
    });
  });
});
