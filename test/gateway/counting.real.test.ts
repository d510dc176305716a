/** Each event is counted where it happens, once. */
import { connect } from "node:net";
import { expect, test } from "vitest";
import type { BreakerName } from "../../src/core/breaker.ts";
import { createWorld, openRequest, sendPage, until, WINDOWS, type World } from "./ingress-world.ts";

const CART = { headers: { cookie: "cart=c1" } };
const PAGE = "/products/pack";

function shop(): Promise<World> {
  return createWorld((_, res) => sendPage(res, "pack"));
}

/** A shop with one stored page, past its freshness. */
async function stale(): Promise<World> {
  const world = await shop();
  await world.visit(PAGE);
  await world.clock.advance(WINDOWS.ttl + WINDOWS.staleWhileRevalidate + 1_000);
  return world;
}

function holdOpen({ breakers, clock }: World, breaker: BreakerName): void {
  const held = breaker === "ingress:app" ? breakers.ingressApp : breakers.egressStorefront;
  held.hold({ breaker, position: "open", until: clock.now() + 3_600_000, by: "test", why: "a person said so" });
}

const FILLED = { fill_started: 1, fill_stored: 1 };

test("fills by what became of them, and orders for one that runs", async () => {
  let release = (): void => {};
  await using world = await createWorld((req, res) => {
    if (req.headers["user-agent"]?.includes("AppleWebKit") === true) release = () => sendPage(res, "pack", req.url === "/" ? { "cache-control": "no-store" } : {});
    else sendPage(res, "pack");
  });
  await world.ask(PAGE);
  await until(() => world.seen.length === 2);
  await world.ask(PAGE);
  await until(() => world.counted().coalesced === 1);
  release();
  await until(() => world.counted().fill_stored === 1);
  await world.ask("/");
  await until(() => world.seen.length === 5);
  release();
  await until(() => world.counted().fill_rejected === 1);
  await world.ask("/pages/new");
  await until(() => world.counted().fill_started === 3);
  await world.kill();
  await until(() => world.counted().fill_failed === 1);
  expect(world.counted()).toEqual({ fill_started: 3, fill_stored: 1, fill_rejected: 1, fill_failed: 1, coalesced: 1 });
});

test("copies served, by why they were", async () => {
  await using failing = await stale();
  failing.given.app = (_, res) => void res.writeHead(500).end();
  await failing.ask(PAGE);
  expect(failing.counted()).toEqual({ ...FILLED, served_on_failure: 1 });

  await using denied = await stale();
  holdOpen(denied, "ingress:app");
  await denied.ask(PAGE);
  expect(denied.counted()).toEqual({ ...FILLED, served_breaker_open: 1 });

  await using without = await stale();
  holdOpen(without, "egress:storefront");
  await without.ask(PAGE);
  expect(without.counted()).toEqual({ ...FILLED, served_storefront_open: 1 });

  await using fresh = await shop();
  await fresh.visit(PAGE);
  await fresh.ask(PAGE);
  expect(fresh.counted()).toEqual(FILLED);
});

test("what the quarantine refused, and what it answered from copies", async () => {
  await using world = await shop();
  await world.visit(PAGE);
  world.given.suspects = new Set(["GET product cart", "GET never cart"]);
  await world.ask(PAGE, CART);
  await world.ask("/cart", CART);
  expect(world.counted()).toEqual({ ...FILLED, served_quarantined: 1, quarantine_refused: 1 });
});

test("what was passed by, upgraded, and left by its buyer", async () => {
  await using world = await createWorld((req, res) => {
    if (req.url === "/api/slow") res.writeHead(200).write("half");
    else res.end("whole");
  });
  const { answer, close } = openRequest(world.port, "/api/slow");
  (await answer).once("error", () => {});
  close();
  await until(() => world.counted().client_gone === 1);
  const socket = connect(world.port, "127.0.0.1", () => socket.write("GET /api/x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
  socket.on("error", () => {});
  await until(() => world.counted().upgrade === 1);
  socket.destroy();
  world.given.bypass = true;
  await world.ask(PAGE);
  expect(world.counted()).toEqual({ client_gone: 1, upgrade: 1, bypassed: 1 });
});
