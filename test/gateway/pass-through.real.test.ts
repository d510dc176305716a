import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { createWorld, openRequest, passTime, sendPage, until, type World } from "./ingress-world.ts";
import { serveTcp } from "../support/faulty-server.ts";
import { settle } from "../support/manual-clock.ts";

/** Sends bytes and gathers what comes back until the connection ends or `enough`. */
function speak(port: number, bytes: string): { readonly socket: Socket; readonly heard: () => string } {
  let heard = "";
  const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
  socket.setEncoding("latin1").on("data", (text: string) => (heard += text));
  socket.on("error", () => {});
  return { socket, heard: () => heard };
}

describe("answers pass as they come", () => {
  test("a stream's first part arrives before its second is written", async () => {
    const second = Promise.withResolvers<void>();
    await using world = await createWorld((_, res) => {
      res.writeHead(200, { "content-type": "text/plain" });
      res.write("first ");
      void second.promise.then(() => res.end("second"));
    });
    const res = await openRequest(world.port, "/search").answer;
    let text = "";
    res.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    await until(() => text === "first ");
    second.resolve();
    await until(() => res.readableEnded);
    expect(text).toBe("first second");
  });

  test("the head of an event stream does not wait for its first event, and silence does not end it", async () => {
    const go = Promise.withResolvers<void>();
    await using world = await createWorld((_, res) => {
      res.writeHead(200, { "content-type": "text/event-stream" });
      res.flushHeaders();
      void go.promise.then(() => res.write("data: 1\n\n"));
    });
    const open = openRequest(world.port, "/search");
    const res = await open.answer;
    await world.clock.advance(300_000);
    go.resolve();
    const [event] = await Promise.all([new Promise((resolve) => res.once("data", (chunk: Buffer) => resolve(chunk.toString())))]);
    expect(event).toBe("data: 1\n\n");
    res.on("error", () => {});
    open.close();
  });

  test("a reader that stops stops the application, and nothing is lost", async () => {
    const total = 64 * 1024 * 1024;
    const state = { written: 0 };
    await using world = await createWorld((_, res) => {
      const chunk = Buffer.alloc(65_536, 7);
      const push = (): void => {
        while (state.written < total) {
          state.written += chunk.length;
          if (!res.write(chunk)) return void res.once("drain", push);
        }
        res.end();
      };
      push();
    });
    const res = await openRequest(world.port, "/search").answer;
    let last = -1;
    await until(() => {
      const stuck = state.written === last;
      last = state.written;
      return stuck && state.written > 0;
    });
    for (let turn = 0; turn < 50; turn += 1) await settle();
    expect(state.written).toBeLessThan(total / 2);
    let read = 0;
    for await (const chunk of res) read += (chunk as Buffer).length;
    expect(read).toBe(total);
  });

  test("an upload reaches the application whole, chunked or measured", async () => {
    await using world = await createWorld((req, res) => {
      const hash = createHash("sha256");
      req.on("data", (chunk: Buffer) => hash.update(chunk)).on("end", () => res.end(hash.digest("hex")));
    });
    const body = Buffer.alloc(3_000_000, "shop");
    const digest = createHash("sha256").update(body).digest("hex");
    expect((await world.ask("/cart", { method: "POST", body })).body).toBe(digest);
    expect((await world.ask("/cart", { method: "POST", body, headers: { "transfer-encoding": "chunked" } })).body).toBe(digest);
  });

  test.each([204, 304])("%i has no body", async (status) => {
    await using world = await createWorld((_, res) => void res.writeHead(status, { "x-mine": "1" }).end());
    const answer = await world.ask("/api/x");
    expect(answer).toMatchObject({ status, body: "" });
    expect(answer.headers["x-mine"]).toBe("1");
    expect(answer.headers["transfer-encoding"]).toBeUndefined();
  });

  test("HEAD keeps the length and sends nothing", async () => {
    await using world = await createWorld((_, res) => void res.writeHead(200, { "content-length": "1234" }).end());
    const answer = await world.ask("/api/x", { method: "HEAD" });
    expect(answer.headers["content-length"]).toBe("1234");
    expect(answer.body).toBe("");
  });

  test("trailers follow the body", async () => {
    await using world = await createWorld((_, res) => {
      res.writeHead(200, { trailer: "x-sum", "content-type": "text/plain" });
      res.write("body");
      res.addTrailers({ "x-sum": "42" });
      res.end();
    });
    expect((await world.ask("/api/x")).trailers).toEqual({ "x-sum": "42" });
  });

  test("early hints go ahead", async () => {
    await using world = await createWorld((_, res) => {
      res.writeEarlyHints({ link: "</a.css>; rel=preload" });
      sendPage(res, "x");
    });
    const { socket, heard } = speak(world.port, "GET /search HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    await until(() => socket.closed);
    expect(heard()).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 OK/i);
  });

  test("a hint that Node would refuse is dropped, and the page follows", async () => {
    const app = await serveTcp((peer) => {
      peer.once("data", () => void peer.end("HTTP/1.1 103 Early Hints\r\nLink: /a.css\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"));
    });
    await using _ = { [Symbol.asyncDispose]: () => app.close() };
    await using world = await createWorld(() => {}, { upstream: app.url });
    expect(await world.ask("/robots.txt")).toMatchObject({ status: 200, body: "ok" });
  });

  test("Set-Cookie stays one field a cookie, and makes an answer nobody else's", async () => {
    await using world = await createWorld((_, res) => void res.writeHead(200, { "set-cookie": ["a=1; Expires=Wed, 01 Jan 2027 00:00:00 GMT", "b=2"], "cache-control": "max-age=86400" }).end());
    const answer = await world.ask("/sitemap.xml");
    expect(answer.headers["set-cookie"]).toHaveLength(2);
    expect(answer.headers["cache-control"]).toBe("private, no-store");
  });

  test("public assets stay public for a buyer with a cart, other answers do not", async () => {
    await using world = await createWorld((req, res) => void res.writeHead(200, { "cache-control": req.url === "/assets/a.js" ? "public, max-age=31536000, immutable" : "max-age=60" }).end());
    const headers = { cookie: "cart=1" };
    expect((await world.ask("/assets/a.js", { headers })).headers["cache-control"]).toContain("immutable");
    expect((await world.ask("/robots.txt", { headers })).headers["cache-control"]).toBe("private, no-store");
    expect((await world.ask("/robots.txt")).headers["cache-control"]).toBe("max-age=60");
  });

  test("the application's own Cache-Status is kept before ours", async () => {
    await using world = await createWorld((_, res) => void res.writeHead(200, { "cache-status": "inner; hit" }).end());
    expect((await world.ask("/api/x")).headers["cache-status"]).toBe("inner; hit, shopkeeper; fwd=bypass; fwd-status=200");
  });

  test("a body cut off after it began is cut off for the buyer too", async () => {
    await using world = await createWorld((_, res) => {
      res.writeHead(200, { "content-length": "100" });
      res.write("half");
      setImmediate(() => res.destroy());
    });
    const answer = await world.ask("/search");
    expect(answer).toMatchObject({ status: 200, body: "half", cut: true });
  });

  test("a body that falls silent is cut off in time", async () => {
    await using world = await createWorld((_, res) => void res.writeHead(200).write("half"));
    expect(await passTime(world, world.ask("/search"))).toMatchObject({ body: "half", cut: true });
  });
});

describe("what the application gets", () => {
  const echo = (): Promise<World> => createWorld((_, res) => void res.end());

  test("the buyer's host and address, and nothing a client may not say", async () => {
    await using world = await echo();
    await world.ask("/api/x", {
      headers: {
        host: "Shop.Example", "x-forwarded-for": "6.6.6.6", "x-forwarded-host": "evil", "x-forwarded-proto": "https", "x-forwarded-port": "1", forwarded: "for=6.6.6.6", "x-original-url": "/admin",
        "x-rewrite-url": "/admin", "x-http-method-override": "DELETE", "x-react-router-prerender-data": "x", "oxygen-buyer-ip": "6.6.6.6", "request-id": "mine", connection: "keep-alive, X-Hop", "x-hop": "1", te: "trailers",
        "proxy-authorization": "x", expect: "100-continue", "x-fine": "1",
      },
    });
    const headers = world.seen[0]?.headers ?? {};
    expect(headers).toMatchObject({ host: "shop.example", "x-forwarded-for": "127.0.0.1", "x-forwarded-host": "shop.example", "x-forwarded-proto": "http", "oxygen-buyer-ip": "127.0.0.1", "x-fine": "1" });
    expect(headers["request-id"]).toMatch(/^[0-9a-f]{32}$/);
    for (const name of ["x-forwarded-port", "forwarded", "x-original-url", "x-rewrite-url", "x-http-method-override", "x-react-router-prerender-data", "x-hop", "te", "proxy-authorization", "expect"]) expect(headers[name]).toBeUndefined();
  });

  test("the answer names the request as the application saw it", async () => {
    await using world = await echo();
    const answer = await world.ask("/api/x");
    expect(answer.headers["request-id"]).toBe(world.seen[0]?.headers["request-id"]);
  });

  test("behind a trusted proxy, its word", async () => {
    await using world = await createWorld((_, res) => void res.end(), { config: { trustedHops: 1 } });
    await world.ask("/api/x", { headers: { "x-forwarded-for": "6.6.6.6, 7.7.7.7", "x-forwarded-proto": "https" } });
    expect(world.seen[0]?.headers).toMatchObject({ "x-forwarded-for": "7.7.7.7, 127.0.0.1", "oxygen-buyer-ip": "7.7.7.7", "x-forwarded-proto": "https" });
  });

  test("no body on GET", async () => {
    await using world = await echo();
    await world.ask("/api/x", { method: "GET", body: "smuggled", headers: { "content-length": "8" } });
    expect(world.seen[0]).toMatchObject({ method: "GET", body: "" });
    expect(world.seen[0]?.headers["content-length"]).toBeUndefined();
  });

  test("100-continue is answered here", async () => {
    await using world = await createWorld((req, res) => void req.resume().on("end", () => res.end("got it")));
    const { socket, heard } = speak(world.port, "POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n");
    await until(() => heard().startsWith("HTTP/1.1 100 Continue"));
    socket.write("ok");
    await until(() => socket.closed);
    expect(heard()).toContain("got it");
  });

  test("a POST never travels on a kept connection, GETs share one", async () => {
    const ports: (number | undefined)[] = [];
    await using world = await createWorld((req, res) => {
      ports.push(req.socket.remotePort);
      req.resume().on("end", () => res.end());
    });
    for (const method of ["GET", "GET", "POST", "POST", "GET"]) await world.ask("/api/x", method === "POST" ? { method, body: "x" } : {});
    const [first, second, third, fourth, fifth] = ports;
    expect([second, fifth]).toEqual([first, first]);
    expect(new Set([first, third, fourth]).size).toBe(3);
  });

  test("a buyer who leaves takes the request with him, and it counts for nothing", async () => {
    const gone = Promise.withResolvers<void>();
    await using world = await createWorld((req) => void req.on("close", () => gone.resolve()));
    const open = openRequest(world.port, "/search");
    open.answer.catch(() => {});
    await until(() => world.seen.length === 1);
    open.close();
    await gone.promise;
    await settle();
    expect(world.troubles).toEqual([]);
  });

  test("nothing is sent twice", async () => {
    await using world = await createWorld((_, res) => void res.destroy());
    expect((await world.ask("/api/x")).status).toBe(502);
    expect((await world.ask("/api/x", { method: "POST", body: "x" })).status).toBe(502);
    expect(world.seen).toHaveLength(2);
  });
});

describe("upgrades", () => {
  test("a WebSocket is a pipe both ways, and either end closes it", async () => {
    const ended = Promise.withResolvers<void>();
    const app = await serveTcp((peer) => {
      peer.once("data", () => {
        peer.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: k\r\n\r\n");
        peer.on("data", (chunk) => void peer.write(Buffer.concat([Buffer.from("echo:"), chunk])));
      });
      peer.on("close", () => ended.resolve());
    });
    await using _ = { [Symbol.asyncDispose]: () => app.close() };
    await using world = await createWorld(() => {}, { upstream: app.url });
    const { socket, heard } = speak(world.port, "GET /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n");
    await until(() => heard().includes("\r\n\r\n"));
    expect(heard()).toMatch(/^HTTP\/1\.1 101 /);
    socket.write("ping");
    await until(() => heard().endsWith("echo:ping"));
    const big = "x".repeat(2_000_000);
    socket.write(big);
    await until(() => heard().length > 2_000_000);
    socket.end();
    await ended.promise;
  });

  test("a refused upgrade is passed on", async () => {
    await using world = await createWorld((_, res) => void res.writeHead(403, { "x-why": "no" }).end("no"));
    const { socket, heard } = speak(world.port, "GET /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    await until(() => socket.closed);
    expect(heard()).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
    expect(heard()).toContain("x-why: no");
  });

  test("an application that is gone is told in words", async () => {
    await using world = await createWorld(() => {});
    await world.kill();
    const { socket, heard } = speak(world.port, "GET /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    await until(() => socket.closed);
    expect(heard()).toMatch(/^HTTP\/1\.1 502 /);
  });

  test("the header does not get a suspected request past the quarantine", async () => {
    await using world = await createWorld((_, res) => void res.end("reached"));
    const suspected = new Set<string>();
    world.given.suspects = { has: (name: string) => (suspected.add(name), true) } as ReadonlySet<string>;
    const { socket, heard } = speak(world.port, "GET /live HTTP/1.1\r\nHost: a\r\nCookie: cart=1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    await until(() => socket.closed);
    expect(heard()).toMatch(/^HTTP\/1\.1 503 /);
    expect(heard()).toContain("retry-after: 5");
    expect(world.seen).toEqual([]);
    expect([...suspected]).toHaveLength(1);
  });

  test("on a page's path it is an ordinary request, under all the rules of one", async () => {
    await using world = await createWorld((_, res) => void res.end("plain"));
    const { socket, heard } = speak(world.port, "GET /products/alder HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n");
    await until(() => heard().includes("\r\n\r\n"));
    socket.destroy();
    expect(heard()).toContain("x-cache-status");
    expect(world.seen[0]?.headers["upgrade"]).toBeUndefined();
  });

  test("any other offer to upgrade is an ordinary request", async () => {
    await using world = await createWorld((_, res) => void res.end("plain"));
    const { socket, heard } = speak(world.port, "GET /api/x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n");
    await until(() => heard().includes("plain"));
    socket.destroy();
    expect(world.seen[0]?.headers["upgrade"]).toBeUndefined();
  });
});

describe("the end", () => {
  test("what runs is finished, new connections are refused", async () => {
    const go = Promise.withResolvers<void>();
    const world = await createWorld((_, res) => void go.promise.then(() => res.end("done")));
    await using _ = world;
    const answer = world.ask("/api/x");
    await until(() => world.seen.length === 1);
    const drained = world.ingress.drain(60_000);
    go.resolve();
    expect((await answer).body).toBe("done");
    await drained;
    await expect(world.ask("/api/x")).rejects.toThrow("ECONNREFUSED");
  });

  test("what runs too long is cut", async () => {
    const world = await createWorld(() => {});
    await using _ = world;
    const answer = world.ask("/api/x");
    answer.catch(() => {});
    await until(() => world.seen.length === 1);
    const drained = world.ingress.drain(1_000);
    await passTime(world, drained);
    await expect(answer).rejects.toThrow("socket hang up");
  });
});
