/**
 * Files that never change: kept when asked for or when a stored page needs them, and served whatever becomes of the application.
 */
import type { RequestListener } from "node:http";
import { describe, expect, test } from "vitest";
import { settle } from "../support/manual-clock.ts";
import { createWorld, passTime, sendPage, until, type World } from "./ingress-world.ts";

const CSS = "h1{color:rgb(1,2,3)}";
const IMMUTABLE = { "content-type": "text/css", "cache-control": "public, max-age=31536000, immutable", etag: '"css-1"', "last-modified": "Wed, 01 Jan 2025 00:00:00 GMT" };
const CSS_PATH = "/assets/app-abc.css";

type Fields = Readonly<Record<string, string | string[]>>;

function sending(fields: Fields, status = 200, body = CSS): RequestListener {
  return (_, res) => void res.writeHead(status, { "content-length": String(Buffer.byteLength(body)), ...fields }).end(body);
}

/** A shop whose pages need a style and two scripts, one of which changes. */
const shop: RequestListener = (req, res) => {
  if (req.url?.startsWith("/assets/") === true) return sending(IMMUTABLE)(req, res);
  if (req.url?.startsWith("/other/") === true) return sending({ "content-type": "text/javascript" })(req, res);
  sendPage(res, `<link rel="stylesheet" href="${CSS_PATH}"><script src='/assets/entry-1.js' nonce></script><script src="/other/plain.js"></script><a href="/products/next">next</a>`);
};

/** Asks for an asset and waits until its copy is stored. */
async function keep(world: World, path = CSS_PATH): Promise<void> {
  await world.ask(path);
  await until(() => world.copies.all().some(({ meta }) => meta.url === path));
}

function deny({ breakers, clock }: World): void {
  breakers.ingressApp.hold({ breaker: "ingress:app", position: "open", until: clock.now() + 3_600_000, by: "test", why: "a person said so" });
}

/** Lets whatever was going to be fetched be fetched. */
async function quiet(world: World): Promise<void> {
  let before = -1;
  while (before !== world.seen.length) {
    before = world.seen.length;
    for (let turn = 0; turn < 20; turn += 1) await settle();
  }
}

describe("an asset", () => {
  test("asked for once is stored by a fetch of our own and served to everybody from then on", async () => {
    await using world = await createWorld(shop);
    const first = await world.ask(CSS_PATH, { headers: { cookie: "session=abc; cart=1" } });
    expect(first).toMatchObject({ status: 200, body: CSS });
    expect(first.headers).toMatchObject({ "x-cache-status": "MISS", "cache-control": IMMUTABLE["cache-control"] });
    await until(() => world.copies.size() === 1);
    expect(world.seen[1]?.headers).toMatchObject({ accept: "*/*", "accept-encoding": "identity" });
    expect(world.seen[1]?.headers.cookie).toBeUndefined();
    await world.clock.advance(7_000);
    for (const headers of [{}, { cookie: "session=abc; cart=1" }, { authorization: "Basic eDp5" }, { "user-agent": "Googlebot" }]) {
      const hit = await world.ask(CSS_PATH, { headers });
      expect(hit).toMatchObject({ status: 200, body: CSS });
      expect(hit.headers).toMatchObject({ ...IMMUTABLE, "x-cache-status": "HIT", age: "7", "content-length": String(CSS.length) });
      expect(hit.headers["cache-status"]).toMatch(/^shopkeeper; hit; ttl=\d+$/);
    }
    expect(world.seen).toHaveLength(2);
  });

  test("is served without asking while the application is frozen or gone, and one without a copy is refused at once", async () => {
    await using world = await createWorld(shop);
    await keep(world);
    world.given.app = () => {};
    expect(await world.ask(CSS_PATH)).toMatchObject({ status: 200, body: CSS });
    deny(world);
    const before = world.seen.length;
    // The clock stands still: an answer that waited for a deadline would never come.
    expect((await world.ask("/assets/unseen.css")).status).toBe(503);
    expect(world.seen).toHaveLength(before);
    await world.kill();
    expect(await world.ask(CSS_PATH)).toMatchObject({ status: 200, body: CSS });
  });

  test("outlives a rollout that took the file away, beyond its own time too", async () => {
    await using world = await createWorld(sending({ ...IMMUTABLE, "cache-control": "max-age=60, immutable" }));
    await keep(world);
    world.given.app = sending({ "content-type": "text/html" }, 404, "gone");
    expect((await world.ask(CSS_PATH)).headers["x-cache-status"]).toBe("HIT");
    await world.clock.advance(120_000);
    for (let turn = 0; turn < 3; turn += 1) {
      expect(await world.ask(CSS_PATH)).toMatchObject({ status: 200, body: CSS, headers: { "x-cache-status": "STALE" } });
      await world.clock.advance(60_000);
    }
    world.given.storefront = "unhealthy";
    expect((await world.ask(CSS_PATH)).body).toBe(CSS);
    expect(world.troubles).toEqual([]);
  });

  test("answers HEAD, and conditional requests by tag before date", async () => {
    await using world = await createWorld(shop);
    await keep(world);
    const asked = (headers: Fields, method = "GET") => world.ask(CSS_PATH, { method, headers: { cookie: "cart=1", ...headers } });
    expect(await asked({}, "HEAD")).toMatchObject({ status: 200, body: "", headers: { "content-length": String(CSS.length), "x-cache-status": "HIT" } });
    expect(await asked({ "if-none-match": 'W/"css-1"' })).toMatchObject({ status: 304, body: "", headers: { etag: '"css-1"' } });
    expect((await asked({ "if-modified-since": IMMUTABLE["last-modified"] })).status).toBe(304);
    expect((await asked({ "if-modified-since": "Tue, 31 Dec 2024 00:00:00 GMT" })).status).toBe(200);
    expect((await asked({ "if-modified-since": "nonsense" })).status).toBe(200);
    expect((await asked({ "if-none-match": '"old"', "if-modified-since": IMMUTABLE["last-modified"] })).status).toBe(200);
    expect(world.seen).toHaveLength(2);
  });

  test("a part is the application's to cut; while the breaker denies the whole is given", async () => {
    await using world = await createWorld(shop);
    await keep(world);
    world.given.app = sending({ ...IMMUTABLE, "content-range": `bytes 0-1/${CSS.length}` }, 206, "h1");
    expect(await world.ask(CSS_PATH, { headers: { range: "bytes=0-1" } })).toMatchObject({ status: 206, body: "h1" });
    await quiet(world);
    deny(world);
    expect(await world.ask(CSS_PATH, { headers: { range: "bytes=0-1" } })).toMatchObject({ status: 200, body: CSS });
  });

  test("no part or silence of the application breaks off what a copy could answer", async () => {
    await using world = await createWorld(shop);
    await keep(world);
    world.given.app = () => {};
    const answer = await passTime(world, world.ask(CSS_PATH, { headers: { range: "bytes=0-1" } }));
    expect(answer).toMatchObject({ status: 200, body: CSS });
    expect(world.troubles).toEqual(["assets:first_byte"]);
  });
});

describe("what is no asset to keep", () => {
  const { "cache-control": _, ...changeable } = IMMUTABLE;
  const cases: readonly { readonly what: string; readonly app: RequestListener; readonly path?: string }[] = [
    { what: "a file that may change", app: sending({ ...changeable, "cache-control": "public, max-age=3600" }) },
    { what: "one that is somebody's", app: sending({ ...changeable, "cache-control": "private, immutable" }) },
    { what: "one that nobody may store", app: sending({ ...changeable, "cache-control": "no-store, immutable" }) },
    { what: "one that sets a cookie", app: sending({ ...IMMUTABLE, "set-cookie": "a=1" }) },
    { what: "one that varies by its asker", app: sending({ ...IMMUTABLE, vary: "Accept-Encoding, Origin" }) },
    { what: "one in a coding nobody asked for", app: sending({ ...IMMUTABLE, "content-encoding": "br" }) },
    { what: "an answer that is not there", app: sending(IMMUTABLE, 404) },
    { what: "a failure", app: sending(IMMUTABLE, 500) },
    { what: "a page in an asset's place", app: sending({ ...IMMUTABLE, "content-type": "text/html; charset=utf-8" }) },
    { what: "one that is too large", app: sending(IMMUTABLE, 200, "x".repeat(600_000)) },
    { what: "one without a time to live", app: sending({ ...changeable, "cache-control": "max-age=0, immutable" }) },
    { what: "one asked for with a query", app: sending(IMMUTABLE), path: `${CSS_PATH}?v=2` },
    { what: "one with a dubious name", app: sending(IMMUTABLE), path: "/assets/a%2Fb.css" },
    { what: "one cut off before its length", app: (_, res) => void res.writeHead(200, { ...IMMUTABLE, "content-length": "1000" }).write(CSS, () => res.destroy()) },
    { what: "one that ends with its connection and says no length", app: (_, res) => {
      res.removeHeader("transfer-encoding");
      res.writeHead(200, { ...IMMUTABLE, connection: "close" }).end(CSS);
    } },
  ];

  test.each(cases)("$what, neither when a buyer asks for it nor when a page needs it", async ({ app, path = CSS_PATH }) => {
    await using world = await createWorld((req, res) => (req.url === "/" ? sendPage(res, `<link rel="stylesheet" href="${path}">`) : app(req, res)));
    await world.ask(path);
    await quiet(world);
    await world.visit("/");
    await quiet(world);
    expect(world.copies.all().map(({ meta }) => meta.url)).toEqual(["/"]);
  });

  test("is turned down too when the application says otherwise to us than to a buyer", async () => {
    let asked = 0;
    const answers = [sending(IMMUTABLE), sending({ ...IMMUTABLE, "content-type": "text/html" }, 200, "<h1>Oops</h1>")];
    await using world = await createWorld((req, res) => (answers[asked++] ?? sending(IMMUTABLE))(req, res));
    expect((await world.ask(CSS_PATH)).body).toBe(CSS);
    await quiet(world);
    expect(asked).toBe(2);
    expect(world.copies.size()).toBe(0);
  });
});

describe("the assets of a stored page", () => {
  test("are stored after it, so that it is whole when the application dies before any buyer asked for them", async () => {
    await using world = await createWorld(shop);
    await world.visit("/");
    await until(() => world.copies.size() === 3);
    await quiet(world);
    expect(world.seen.map(({ url }) => url)).toEqual(["/", "/", CSS_PATH, "/assets/entry-1.js"]);
    await world.kill();
    expect((await world.ask(CSS_PATH)).body).toBe(CSS);
    expect((await world.ask("/assets/entry-1.js")).headers["x-cache-status"]).toBe("HIT");
  });

  test("are not fetched again for the next page that needs them", async () => {
    await using world = await createWorld(shop);
    await world.visit("/");
    await until(() => world.copies.size() === 3);
    await world.visit("/pages/about");
    await quiet(world);
    expect(world.seen.filter(({ url }) => url.startsWith("/assets/"))).toHaveLength(2);
  });

  test("are 64 at most, two at a time", async () => {
    const links = Array.from({ length: 100 }, (_, at) => `<link rel="modulepreload" href="/assets/part-${at}.js">`).join("");
    let open = 0;
    let most = 0;
    await using world = await createWorld((req, res) => {
      if (req.url?.startsWith("/assets/") !== true) return sendPage(res, links);
      open += 1;
      most = Math.max(most, open);
      setImmediate(() => {
        open -= 1;
        sending(IMMUTABLE)(req, res);
      });
    });
    await world.visit("/");
    await until(() => world.copies.size() === 65);
    await quiet(world);
    expect(world.copies.size()).toBe(65);
    expect(most).toBeLessThanOrEqual(2);
  });

  test("say nothing about pages: however many are served, five failed pages open the breaker", async () => {
    await using world = await createWorld(shop);
    await keep(world);
    world.given.app = (req, res) => (req.url?.startsWith("/assets/") === true ? sending(IMMUTABLE) : sending({ "content-type": "text/html" }, 500))(req, res);
    for (let failure = 0; failure < 5; failure += 1) {
      await world.ask(`/pages/p${failure}`);
      await world.ask(`/assets/new-${failure}.js`);
    }
    expect(world.breakers.ingressApp.admits()).toBe(false);
  });
});

test("a flood of distinct assets evicts no page", async () => {
  const body = "x".repeat(100_000);
  await using world = await createWorld((req, res) => (req.url?.startsWith("/assets/") === true ? sending(IMMUTABLE, 200, body)(req, res) : sendPage(res, "kept")), { config: { copyBytes: 1_200_000 } });
  await world.visit("/products/pack");
  for (let at = 0; at < 20; at += 1) await keep(world, `/assets/flood-${at}.js`);
  expect(world.copies.size()).toBeLessThan(10);
  expect((await world.ask("/products/pack")).headers["x-cache-status"]).toBe("HIT");
});
