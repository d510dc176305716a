import { gzipSync } from "node:zlib";
import type { RequestListener } from "node:http";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { createWorld, passTime, rendered, sendPage, until, WINDOWS } from "./ingress-world.ts";
import { settle } from "../support/manual-clock.ts";

const FETCH = "AppleWebKit";

describe("our own fetches", () => {
  test("are two at a time, one a page", async () => {
    const waiting: (() => void)[] = [];
    await using world = await createWorld((req, res) => {
      if (req.headers["user-agent"]?.includes(FETCH) === true) waiting.push(() => sendPage(res, "x"));
      else sendPage(res, "x");
    });
    for (const path of ["/pages/a", "/pages/a", "/pages/b", "/pages/c", "/pages/c"]) await world.ask(path);
    await until(() => waiting.length === 2);
    await settle();
    expect(world.seen.filter(({ headers }) => headers["user-agent"]?.includes(FETCH)).map(({ url }) => url)).toEqual(["/pages/a", "/pages/b"]);
    waiting.shift()?.();
    await until(() => world.seen.length === 8);
    for (const answer of waiting) answer();
    await until(() => world.copies.size() === 3);
  });

  test("take a twentieth of the time once what was saved up is spent", async () => {
    const slow: (() => void)[] = [];
    await using world = await createWorld((req, res) => {
      if (req.headers["user-agent"]?.includes(FETCH) === true) slow.push(() => sendPage(res, "x"));
      else sendPage(res, "x");
    });
    let asked = 0;
    while (slow.length === asked && asked < 60) {
      await world.ask(`/pages/p${asked}`);
      asked += 1;
      for (let turn = 0; turn < 20 && slow.length < asked; turn += 1) await settle();
      await world.clock.advance(1_000);
      if (slow.length === asked) slow[asked - 1]?.();
      await settle();
    }
    // 10 s saved, 250 ms charged a fetch, 50 ms saved in each second between.
    expect(asked).toBeGreaterThan(40);
    expect(asked).toBeLessThan(60);
    await world.clock.advance(10_000);
    await until(() => slow.length >= asked);
  });

  test("leave a page alone for two minutes that may not be kept", async () => {
    await using world = await createWorld((_, res) => sendPage(res, "x", { "cache-control": "no-store" }));
    await world.ask("/");
    await until(() => world.seen.length === 2);
    await settle();
    await world.ask("/");
    await world.clock.advance(110_000);
    await world.ask("/");
    expect(world.seen).toHaveLength(4);
    await world.clock.advance(11_000);
    await world.ask("/");
    await until(() => world.seen.length === 6);
  });

  test("do not replace what we hold while the API is unwell, for the page may lack parts", async () => {
    await using world = await createWorld((_, res) => sendPage(res, "whole"));
    await world.visit("/");
    world.given.storefront = "unhealthy";
    world.given.app = (_, res) => sendPage(res, "lacks its footer");
    await world.clock.advance(WINDOWS.ttl + 1_000);
    expect((await world.ask("/")).headers["x-cache-status"]).toBe("UPDATING");
    await settle();
    expect(world.seen).toHaveLength(2);
    await world.visit("/pages/new");
    expect(world.copies.size()).toBe(2);
  });

  test("do not happen while the breaker denies", async () => {
    await using world = await createWorld((_, res) => sendPage(res, "x"));
    await world.visit("/");
    world.breakers.ingressApp.hold({ breaker: "ingress:app", position: "open", until: world.clock.now() + 3_600_000, by: "test", why: "a person said so" });
    await world.clock.advance(WINDOWS.ttl + 1_000);
    expect((await world.ask("/")).headers["cache-status"]).toContain("breaker-open");
    await settle();
    expect(world.seen).toHaveLength(2);
  });

  test("a page too large to keep is left at the limit, and the buyer has it whole", async () => {
    const text = "x".repeat(600_000);
    await using world = await createWorld((_, res) => sendPage(res, text));
    expect((await world.ask("/")).body).toBe(rendered(text));
    await until(() => world.seen.length === 2);
    await settle();
    expect(world.copies.size()).toBe(0);
  });

  test("hosts are answered whatever their name, and only a few of those that got a page are remembered", async () => {
    await using world = await createWorld((_, res) => sendPage(res, "x"));
    for (let host = 0; host < 12; host += 1) expect((await world.ask("/", { headers: { host: `h${host}.example` } })).status).toBe(200);
    await settle();
    await until(() => world.copies.size() === 6);
    expect(world.seen).toHaveLength(18);
  });

  test("a host that got no whole page takes nobody's place", async () => {
    const answers: Readonly<Record<string, RequestListener>> = {
      "/pages/gone": (_, res) => void res.writeHead(404, { "content-type": "text/html" }).end(rendered("gone")),
      "/pages/moved": (_, res) => void res.writeHead(302, { location: "/" }).end(),
      "/pages/feed": (_, res) => void res.writeHead(200, { "content-type": "application/json" }).end("{}"),
      "/pages/cut": (_, res) => void res.writeHead(200, { "content-type": "text/html", "content-length": "900" }).write("half", () => res.destroy()),
      "/api/x": (_, res) => sendPage(res, "no page of the shop"),
    };
    await using world = await createWorld((req, res) => {
      const answer = answers[req.url ?? ""];
      if (answer === undefined) sendPage(res, "x");
      else answer(req, res);
    });
    for (let host = 0; host < 4; host += 1) {
      for (const path of Object.keys(answers)) await world.ask(path, { headers: { host: `h${host}.${path.length}.example` } }).catch(() => {});
      await world.ask("/", { method: "HEAD", headers: { host: `h${host}.example` } });
    }
    expect((await world.ask("/", { headers: { host: "shop.example" } })).status).toBe(200);
    await until(() => world.copies.size() === 1);
    expect((await world.ask("/", { headers: { host: "shop.example" } })).headers["x-cache-status"]).toBe("HIT");
  });

  test("a host whose copy another worker stored is known by it", async () => {
    const host = { headers: { host: "shop.example" } };
    await using first = await createWorld((_, res) => sendPage(res, "x"));
    await first.ask("/", host);
    await until(() => first.copies.size() === 1);
    await using second = await createWorld((_, res) => sendPage(res, "y"));
    for (const copy of first.copies.all()) second.copies.put(copy);
    await second.clock.advance(WINDOWS.ttl + 1_000);
    expect((await second.ask("/", host)).headers["x-cache-status"]).toBe("UPDATING");
    await until(() => second.seen.length === 1);
  });
});

describe("held pages", () => {
  test("compressed by the application are passed as they are", async () => {
    const world = await createWorld((_, res) => sendPage(res, "x"));
    await using _ = world;
    await world.visit("/");
    await world.clock.advance(WINDOWS.ttl + WINDOWS.staleWhileRevalidate + 1_000);
    const packed = gzipSync(rendered("packed"));
    world.given.app = (_req, res) => void res.writeHead(200, { "content-type": "text/html", "content-encoding": "gzip" }).end(packed);
    const answer = await world.ask("/", { headers: { "accept-encoding": "gzip" } });
    expect(answer.headers).toMatchObject({ "x-cache-status": "EXPIRED", "content-encoding": "gzip", "content-length": String(packed.length) });
    expect(world.troubles).toEqual([]);
  });

  test("too large to hold are streamed", async () => {
    const text = "y".repeat(700_000);
    await using world = await createWorld((_, res) => sendPage(res, "small"));
    await world.visit("/");
    await world.clock.advance(WINDOWS.ttl + WINDOWS.staleWhileRevalidate + 1_000);
    world.given.app = (_, res) => sendPage(res, text);
    expect((await world.ask("/")).body).toBe(rendered(text));
  });
});

describe("who is to blame", () => {
  test("an upload its sender broke off is nobody's failure", async () => {
    await using world = await createWorld((req) => void req.resume());
    const socket = connect(world.port, "127.0.0.1", () => socket.write("POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf"));
    await until(() => world.seen.length === 1);
    socket.destroy();
    await until(() => socket.closed);
    for (let turn = 0; turn < 20; turn += 1) await settle();
    expect(world.troubles).toEqual([]);
  });

  test("a login route that fails for reasons of its own says nothing about pages; one that is silent does", async () => {
    await using world = await createWorld((_, res) => void res.writeHead(500).end());
    for (let turn = 0; turn < 6; turn += 1) await world.ask("/account/login");
    expect(world.breakers.ingressApp.admits()).toBe(true);
    expect(world.troubles).toEqual([]);
    world.given.app = () => {};
    await passTime(world, world.ask("/account/login"));
    expect(world.troubles).toEqual(["never:first_byte"]);
  });
});
