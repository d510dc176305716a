import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { settle } from "../support/manual-clock.ts";
import { createWorld, NONCE, openRequest, passTime, rendered, sendPage, until, WINDOWS, type World } from "./ingress-world.ts";

const CART = { cookie: "cart=anything" };
const SESSION = { cookie: "session=abc; cart=1" };

/** An application that renders every page and counts. */
function shop(): Promise<World> {
  return createWorld((_, res) => sendPage(res, "hello"));
}

/** A world where "/products/pack" is stored and has gone stale beyond refreshing. */
async function stale(): Promise<World> {
  const world = await shop();
  await world.visit("/products/pack");
  await world.clock.advance(WINDOWS.ttl + WINDOWS.staleWhileRevalidate + 1_000);
  return world;
}

describe("a page that is well", () => {
  test("is forwarded once, stored by a fetch of our own, then served from the copy with a fresh nonce", async () => {
    await using world = await shop();
    const first = await world.visit("/products/pack?utm_source=mail");
    expect(first.headers["x-cache-status"]).toBe("MISS");
    const second = await world.ask("/products/pack?gclid=1");
    const third = await world.ask("/products/pack");
    expect(second.headers).toMatchObject({ "x-cache-status": "HIT", "cache-control": "no-store", age: "0" });
    expect(second.headers["cache-status"]).toBe("shopkeeper; hit; ttl=60");
    const nonces = [second, third].map((answer) => /'nonce-([0-9a-f]{32})'/.exec(answer.headers["content-security-policy"]?.toString() ?? "")?.[1] ?? "none");
    expect(new Set([...nonces, NONCE]).size).toBe(3);
    expect(second.body).toBe(rendered("hello", nonces[0]));
    expect(third.body).toBe(rendered("hello", nonces[1]));
    expect(world.seen.map(({ url }) => url)).toEqual(["/products/pack", "/products/pack"]);
  });

  test("our own fetch carries nothing of any buyer", async () => {
    await using world = await shop();
    await world.ask("/", { headers: { cookie: "_shopify_y=1", "accept-language": "de", "x-react-router-spa-mode": "yes" } });
    await until(() => world.seen.length === 2);
    const fetched = world.seen[1];
    expect(Object.keys(fetched?.headers ?? {}).toSorted()).toEqual(["accept", "accept-encoding", "connection", "host", "request-id", "user-agent", "x-forwarded-host", "x-forwarded-proto"]);
    expect(fetched?.headers).toMatchObject({ accept: "text/html", "accept-encoding": "identity", host: `127.0.0.1:${world.port}` });
  });

  test("what is one visitor's is not stored", async () => {
    await using world = await createWorld((_, res) => sendPage(res, "x", { "set-cookie": ["_shopify_y=1", "cart=2"], "server-timing": "_y;desc=me, _sfapi_proxy;desc=1" }));
    await world.visit("/");
    const copy = await world.ask("/");
    expect(copy.headers["x-cache-status"]).toBe("HIT");
    expect(copy.headers["set-cookie"]).toBeUndefined();
    expect(copy.headers["server-timing"]).toBe("_sfapi_proxy;desc=1");
  });

  test("is served stale while one fetch refreshes it", async () => {
    await using world = await shop();
    await world.visit("/");
    const held = Promise.withResolvers<void>();
    world.given.app = (_, res) => void held.promise.then(() => sendPage(res, "newer"));
    await world.clock.advance(WINDOWS.ttl + 1_000);
    const answers = await Promise.all([world.ask("/"), world.ask("/"), world.ask("/")]);
    expect(answers.map(({ headers }) => headers["x-cache-status"])).toEqual(["UPDATING", "UPDATING", "UPDATING"]);
    expect(answers[0]?.body).toContain("hello");
    held.resolve();
    await until(() => world.copies.all().some(({ meta }) => meta.filledAt === world.clock.now()));
    expect((await world.ask("/")).body).toContain("newer");
    expect(world.seen).toHaveLength(3);
  });

  test("HEAD on a copy has the copy's length and no body", async () => {
    await using world = await shop();
    await world.visit("/");
    const head = await world.ask("/", { method: "HEAD" });
    expect(head).toMatchObject({ status: 200, body: "" });
    expect(head.headers["content-length"]).toBe(String(rendered("hello").length));
    expect(head.headers["x-cache-status"]).toBe("HIT");
  });

  test("a page without a nonce answers If-None-Match by its tag", async () => {
    await using world = await createWorld((_, res) => {
      res.writeHead(200, { "content-type": "text/html", etag: '"v1"' });
      res.end(rendered("plain").replaceAll(` nonce="${NONCE}"`, ""));
    });
    await world.visit("/");
    expect(await world.ask("/", { headers: { "if-none-match": 'W/"v1"' } })).toMatchObject({ status: 304, body: "" });
    expect((await world.ask("/", { headers: { "if-none-match": '"v2"' } })).status).toBe(200);
  });

  test("bots and browsers have copies of their own, and in an outage one stands in for the other", async () => {
    await using world = await createWorld((req, res) => sendPage(res, /bot/i.test(req.headers["user-agent"] ?? "") ? "for bots" : "for people"));
    await world.visit("/");
    const bot = { headers: { "user-agent": "Googlebot/2.1" } };
    expect((await world.ask("/", bot)).headers["x-cache-status"]).toBe("EXPIRED");
    await until(() => world.copies.size() === 2);
    expect((await world.ask("/", bot)).body).toContain("for bots");
    await world.visit("/collections");
    await world.kill();
    expect((await world.ask("/collections", bot)).body).toContain("for people");
  });
});

describe("personal requests", () => {
  test.each([["a cart", CART], ["a session", SESSION], ["an unknown cookie", { cookie: "what=ever" }], ["Authorization", { authorization: "Basic eA==" }]])("%s is always forwarded, and told to nobody else", async (_, headers) => {
    await using world = await shop();
    await world.visit("/");
    const before = world.seen.length;
    const answer = await world.ask("/", { headers });
    expect(answer.headers).toMatchObject({ "x-cache-status": "BYPASS", "cache-control": "private, no-store" });
    expect(world.seen).toHaveLength(before + 1);
  });

  test("a personal request alone stores nothing", async () => {
    await using world = await shop();
    await world.ask("/", { headers: CART });
    await world.ask("/", { headers: SESSION });
    expect(world.copies.size()).toBe(0);
    expect(world.seen).toHaveLength(2);
  });

  test("in an outage a cart gets the page without its empty cart, a session a refusal", async () => {
    await using world = await shop();
    await world.visit("/");
    await world.kill();
    const cart = await world.ask("/", { headers: CART });
    expect(cart.headers).toMatchObject({ "x-cache-status": "HIT", "cache-control": "private, no-store" });
    const nonce = /'nonce-([0-9a-f]{32})'/.exec(cart.headers["content-security-policy"]?.toString() ?? "")?.[1] ?? "none";
    expect(cart.body).toMatch(new RegExp(`<style nonce="${nonce}">[^<]*display:none[^<]*</style></head>`));
    expect(cart.headers["content-length"]).toBe(String(cart.body.length));
    const session = await world.ask("/", { headers: SESSION });
    expect(session.status).toBe(502);
    expect(session.headers["retry-after"]).toBe("5");
    expect(session.body).toContain("Your cart is safe");
  });
});

describe("paths that are never stored", () => {
  test.each(["/cart", "/CART", "/%63art", "/account/orders", "/discount/SALE", "/cart/123:1", "/checkouts/x"])("%s", async (path) => {
    await using world = await shop();
    await world.ask(path);
    const answer = await world.ask(path);
    expect(answer.headers).toMatchObject({ "x-cache-status": "BYPASS", "cache-control": "private, no-store" });
    expect(world.copies.size()).toBe(0);
    expect(world.seen.map(({ url }) => url)).toEqual([path, path]);
  });

  test.each(["/products/%2e%2e", "/blogs//x", "/blogs/..%2fcart", "/products/a%5Cb"])("%s is refused", async (path) => {
    await using world = await shop();
    expect((await world.ask(path)).status).toBe(400);
    expect(world.seen).toHaveLength(0);
  });

  test("a POST to a page is forwarded and stores nothing", async () => {
    await using world = await shop();
    const answer = await world.ask("/products/pack", { method: "POST", body: "a=1" });
    expect(answer.headers["x-cache-status"]).toBe("BYPASS");
    expect(world.copies.size()).toBe(0);
    expect(world.seen[0]?.body).toBe("a=1");
  });
});

describe("pages that are not kept", () => {
  test.each([
    ["no-store", { "cache-control": "no-store" }],
    ["private", { "cache-control": "private, max-age=60" }],
    ["a Vary we have no name for", { vary: "accept-language" }],
    ["another nonce in the policy", { "content-security-policy": "default-src 'nonce-ffffffffffffffffffffffffffffffff'" }],
    ["another type", { "content-type": "application/json" }],
  ])("%s", async (_, fields) => {
    await using world = await createWorld((_req, res) => sendPage(res, "x", fields));
    await world.ask("/");
    await world.ask("/");
    expect(world.copies.size()).toBe(0);
    expect(world.seen.length).toBeLessThanOrEqual(3);
  });

  test("revalidate directives keep it fresh only as long as they say, and never stale", async () => {
    await using world = await createWorld((_, res) => sendPage(res, "x", { "cache-control": "s-maxage=10" }));
    await world.visit("/");
    expect(world.copies.all()[0]?.meta).toMatchObject({ ttl: 10_000, staleWhileRevalidate: 0, staleIfError: 0 });
  });
});

describe("when the application fails under a stale page", () => {
  const faults: readonly (readonly [string, Parameters<typeof createWorld>[0], string])[] = [
    ["500", (_, res) => void res.writeHead(500, { "content-type": "text/html" }).end("Oops"), "status"],
    ["503", (_, res) => void res.writeHead(503).end(), "status"],
    ["an error page under 200", (_, res) => void res.writeHead(200, { "content-type": "text/html" }).end('<div class="route-error"></div></html>'), "error-page"],
    ["a page cut off by length", (_, res) => { res.writeHead(200, { "content-type": "text/html", "content-length": "5000" }); res.write("<html>"); setImmediate(() => res.destroy()); }, "truncated"],
    ["a page cut off by chunks", (_, res) => { res.writeHead(200, { "content-type": "text/html" }); res.write("<html>"); setImmediate(() => res.destroy()); }, "truncated"],
    ["a page that ends early", (_, res) => void res.writeHead(200, { "content-type": "text/html" }).end("<html>half"), "truncated"],
    ["a connection cut before any byte", (_, res) => void res.destroy(), "reset"],
    ["no answer", () => {}, "first-byte"],
    ["a page without end", (_, res) => { res.writeHead(200, { "content-type": "text/html" }); res.write("<html>"); }, "whole"],
  ];

  test.each(faults)("%s: the buyer gets the copy", async (_, app, detail) => {
    await using world = await stale();
    world.given.app = app;
    const answer = await passTime(world, world.ask("/products/pack"));
    expect(answer).toMatchObject({ status: 200, cut: false });
    expect(answer.headers["x-cache-status"]).toBe("STALE");
    expect(answer.headers["cache-status"]).toMatch(new RegExp(`^shopkeeper; fwd=stale; (fwd-status=\\d+; )?ttl=-\\d+; detail=${detail}$`));
    expect(answer.body).toContain("hello");
    expect(world.troubles).toContain(`product:${detail.replaceAll("-", "_")}`);
  });

  test("429: the copy, and no word of failure", async () => {
    await using world = await stale();
    world.given.app = (_, res) => void res.writeHead(429).end();
    expect((await world.ask("/products/pack")).headers["cache-status"]).toContain("fwd-status=429");
    expect(world.troubles).toEqual([]);
    expect(world.breakers.ingressApp.throttle().recent).toBe(1);
  });

  test("a refused connection: the copy", async () => {
    await using world = await stale();
    await world.kill();
    expect((await world.ask("/products/pack")).headers["cache-status"]).toContain("detail=connect");
  });

  test("a failed refresh never replaces the copy", async () => {
    await using world = await shop();
    await world.visit("/");
    world.given.app = (_, res) => void res.writeHead(200, { "content-type": "text/html" }).end("<html>half");
    await world.clock.advance(WINDOWS.ttl + 1_000);
    await world.ask("/");
    await until(() => world.troubles.includes("fill:home"));
    expect((await world.ask("/")).body).toContain("hello");
  });

  test("a 404 is not believed while the API is unwell, and only after a while when it is well", async () => {
    await using world = await stale();
    world.given.app = (_, res) => void res.writeHead(404, { "content-type": "text/html" }).end("not found");
    world.given.storefront = "unhealthy";
    expect((await world.ask("/products/pack")).headers["cache-status"]).toContain("fwd-status=404; ttl=-61; detail=wrong-404");
    world.given.storefront = "healthy";
    expect((await world.ask("/products/pack")).status).toBe(200);
    await world.clock.advance(31_000);
    expect((await world.ask("/products/pack")).status).toBe(404);
    expect(world.copies.size()).toBe(0);
    expect((await world.ask("/products/new")).status).toBe(404);
  });

  test("an error without a copy passes, silence is refused in time", async () => {
    await using world = await createWorld((_, res) => void res.writeHead(500, { "content-type": "text/html" }).end("Oops"));
    expect(await world.ask("/")).toMatchObject({ status: 500, body: "Oops" });
    world.given.app = () => {};
    const answer = await passTime(world, world.ask("/"));
    expect(answer.status).toBe(504);
    expect(answer.headers["retry-after"]).toBe("5");
    await world.kill();
    expect((await world.ask("/", { headers: { accept: "application/json" } })).headers["content-type"]).toBe("application/problem+json");
  });

  test("once the breaker is open the application is left alone: copies, robots.txt passes, the rest waits", async () => {
    await using world = await stale();
    world.given.app = (req, res) => void res.writeHead(req.url === "/robots.txt" ? 200 : 500).end();
    for (let failure = 0; failure < 5; failure += 1) await world.ask("/products/pack");
    const before = world.seen.length;
    expect((await world.ask("/products/pack")).headers["cache-status"]).toContain("hit; ttl=-61; detail=breaker-open");
    expect((await world.ask("/pages/unseen")).status).toBe(503);
    expect((await world.ask("/cart", { method: "POST", body: "x" })).status).toBe(503);
    expect(world.seen).toHaveLength(before);
    expect((await world.ask("/robots.txt")).status).toBe(200);
  });

  test("a suspect is not forwarded: a copy or a refusal", async () => {
    await using world = await shop();
    await world.visit("/products/pack");
    world.given.suspects = new Set(["GET product cart", "GET never cart"]);
    const before = world.seen.length;
    expect((await world.ask("/products/pack", { headers: CART })).headers["cache-status"]).toContain("detail=quarantine");
    expect((await world.ask("/cart", { headers: CART })).status).toBe(503);
    expect(world.seen).toHaveLength(before);
    expect((await world.ask("/cart")).status).toBe(200);
  });

  test("bypass passes everything as it is", async () => {
    await using world = await shop();
    await world.visit("/");
    world.given.bypass = true;
    world.given.app = (_, res) => void res.writeHead(500).end("as it is");
    expect(await world.ask("/")).toMatchObject({ status: 500, body: "as it is" });
  });
});

describe("the warm list", () => {
  test("is fetched at the start and again before it goes stale", async () => {
    const world = await createWorld((_, res) => sendPage(res, "warm"), { config: { warm: ["/", "/cart", "/collections"], hosts: ["shop.example"] } });
    await using _ = world;
    world.ingress.warm();
    await until(() => world.copies.size() === 2);
    expect(world.seen.map(({ url }) => url).toSorted()).toEqual(["/", "/collections"]);
    await world.clock.advance(WINDOWS.ttl * 0.85);
    await until(() => world.seen.length === 4);
    expect((await world.ask("/", { headers: { host: "shop.example" } })).headers["x-cache-status"]).toBe("HIT");
    expect((await world.ask("/", { headers: { host: "evil.example" } })).status).toBe(421);
  });

  test("tells once what came of its first filling: stored, or turned down for good", async () => {
    await using world = await createWorld((req, res) => sendPage(res, "warm", req.url === "/collections" ? { "cache-control": "no-store" } : {}), { config: { warm: ["/", "/collections"], hosts: ["shop.example"] } });
    world.ingress.warm();
    for (let turn = 0; turn < 50 && world.filled.length === 0; turn += 1) {
      await world.clock.advance(100);
      await settle();
    }
    expect(world.filled).toEqual([{ stored: 1, listed: 2 }]);
    await world.clock.advance(60_000);
    expect(world.filled).toHaveLength(1);
  });

  test("has 20 s for its first filling, and tries again meanwhile what failed", async () => {
    await using world = await createWorld((_, res) => void res.writeHead(500).end(), { config: { warm: ["/"], hosts: ["shop.example"] } });
    world.ingress.warm();
    for (let ms = 0; ms < 19_900; ms += 100) await world.clock.advance(100);
    expect(world.filled).toEqual([]);
    await world.clock.advance(100);
    expect(world.filled).toEqual([{ stored: 0, listed: 1 }]);
    expect(world.seen.length).toBeGreaterThan(2);
  });

  test("an empty one is filled at once", async () => {
    await using world = await createWorld((_, res) => sendPage(res, "x"), { config: { hosts: ["shop.example"] } });
    world.ingress.warm();
    expect(world.filled).toEqual([{ stored: 0, listed: 0 }]);
  });

  test("waits for the application: nothing is asked, and the breaker stays closed, until it answered a buyer", async () => {
    await using world = await createWorld((_, res) => sendPage(res, "warm"), { config: { warm: ["/", "/collections"], hosts: ["shop.example"] } });
    await world.clock.advance(60_000);
    expect(world.seen).toEqual([]);
    expect(world.breakers.ingressApp.admits()).toBe(true);
    await world.ask("/pages/a", { headers: { host: "shop.example" } });
    await until(() => world.copies.size() === 3);
  });
});

describe("the door", () => {
  test("absolute-form is refused", async () => {
    await using world = await shop();
    expect((await world.ask("http://evil.example/")).status).toBe(400);
  });

  test("a port that is taken is told", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const address = taken.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;
    await expect(createWorld((_, res) => void res.end(), { config: { listen: { host: "127.0.0.1", port } } })).rejects.toThrow("EADDRINUSE");
    taken.close();
  });
});

describe("a slow reader", () => {
  test("gets its page untouched, whatever others are served meanwhile", async () => {
    const text = "0123456789".repeat(40_000);
    await using world = await createWorld((_, res) => sendPage(res, text));
    await world.visit("/");
    const slow = await openRequest(world.port, "/").answer;
    const nonce = /'nonce-([0-9a-f]{32})'/.exec(slow.headers["content-security-policy"]?.toString() ?? "")?.[1] ?? "none";
    for (let turn = 0; turn < 20; turn += 1) await world.ask("/");
    let body = "";
    slow.setEncoding("latin1");
    for await (const chunk of slow) body += String(chunk);
    expect(body === rendered(text, nonce)).toBe(true);
  });
});
