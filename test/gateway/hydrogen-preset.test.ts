import { describe, expect, test } from "vitest";
import { compileQuery } from "../../src/core/cache-key.ts";
import { compileCookies } from "../../src/core/cookies.ts";
import { compileRoutes } from "../../src/core/route.ts";
import { hydrogenReactRouter as preset } from "../../src/gateway/presets/hydrogen-react-router.ts";
import { PRESETS } from "../../src/gateway/presets/index.ts";

const find = compileRoutes(preset.routes, preset.never, { name: "nothing", match: "/**", mode: "pass", ttl: 0, staleWhileRevalidate: 0, staleIfError: 0, query: [], firstByte: 0, bodyIdle: 0, whole: 0 });
const buyer = compileCookies(preset);

describe("the Hydrogen preset", () => {
  test.each([
    ["/", "home", "page"],
    ["/products/alder-daypack", "product", "page"],
    ["/products/alder-daypack.data", "data", "pass"],
    ["/products/cartridge", "product", "page"],
    ["/collections", "collections", "page"],
    ["/collections/everything", "collection", "page"],
    ["/blogs/journal/first", "blog", "page"],
    ["/policies/refund-policy", "policy", "page"],
    ["/_root.data", "data", "pass"],
    ["/__manifest", "manifest", "pass"],
    ["/assets/app.css", "assets", "asset"],
    ["/search", "search", "pass"],
    ["/api/2026-01/graphql.json", "api", "pass"],
    ["/robots.txt", "rest", "pass"],
    ["/cart", "never", "never"],
    ["/cart.data", "never", "never"],
    ["/cart/40000:1", "never", "never"],
    ["/discount/SALE10", "never", "never"],
    ["/account/login", "never", "never"],
    ["/account_/authorize", "never", "never"],
    ["/en-de/cart/lines", "never", "never"],
    ["/webhooks/orders", "never", "never"],
  ])("%s is %s (%s)", (path, name, mode) => {
    expect(find(path)).toMatchObject({ name, mode });
  });

  test.each([
    ["_shopify_essential=:x:; _shopify_analytics=1; _ga_ABC=1", "ignorable"],
    ["cart=c5ad%3Fkey%3D9e", "cart"],
    ["session=eyJ9.sig", "session"],
    ["customerAccessToken=x", "session"],
    ["locale=de", "other"],
  ])("a buyer with %s is %s", (cookie, kind) => {
    expect(buyer(cookie, false).kind).toBe(kind);
  });

  test("marketing goes before anything is forwarded, variants stay", () => {
    const product = find("/products/x");
    expect(compileQuery(product.query, preset.dropQuery)("utm_campaign=a&Color=Red&fbclid=x&Size=L")).toEqual({ forward: "Color=Red&Size=L", key: "Color=Red&Size=L" });
  });

  test("warms only pages, and its style is plain text", () => {
    expect(preset.warm.map((path) => find(path).mode)).toEqual(preset.warm.map(() => "page"));
    expect(preset.neutraliseStyle).toMatch(/^[\x20-\x7e]+$/);
    expect(preset.neutraliseStyle).not.toContain("<");
  });

  test("bots are told from browsers", () => {
    const bots = new RegExp(preset.botAgents ?? "", "i");
    expect([preset.agents.bot, "Googlebot/2.1", "curl/8.5.0"].map((agent) => bots.test(agent))).toEqual([true, true, true]);
    expect([preset.agents.browser, "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1", ""].map((agent) => bots.test(agent))).toEqual([false, false, false]);
  });

  test("every preset is listed under its own name", () => {
    expect(Object.entries(PRESETS).every(([name, { name: own }]) => name === own)).toBe(true);
  });
});
