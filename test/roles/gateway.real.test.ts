/** A gateway's own troubles reach status, ledger and metrics by way of the engine it is joined with. */
import { get } from "node:http";
import pino from "pino";
import { Registry } from "prom-client";
import { afterEach, expect, test } from "vitest";
import { eventRecorder } from "../../src/adapters/event-recorder.ts";
import { createMemoryCopies } from "../../src/adapters/memory-copies.ts";
import { createEngineMetrics } from "../../src/adapters/metrics.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { markClock } from "../../src/adapters/thread-clock.ts";
import type { Config } from "../../src/config/config.ts";
import { startGateway, type GatewayHostEvent } from "../../src/gateway/worker-host.ts";
import { gatewaySetting, joinGateway, openGateway, type Gateway } from "../../src/roles/gateway.ts";
import { load, SITE } from "../config/harness.ts";
import type { TinySetup } from "../gateway/tiny-worker.ts";
import { until } from "../support/faulty-server.ts";
import { createWatch, createWatchedWorld } from "../support/watched-world.ts";

const CLASS = "GET product cart";
const clock = createSystemClock();
const silent = pino({ level: "silent" });
const open: Gateway[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map(({ host }) => host.stop()));
});

async function configOf(): Promise<Config> {
  const loaded = await load({ "shopkeeper.yaml": SITE.replace("gateway: {}", "gateway: { listen: 127.0.0.1:0 }") });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  return loaded.config;
}

/** A gateway of one tiny worker, whose paths do what it is asked to survive. */
async function tinyGateway(config: Config): Promise<Gateway> {
  const setting = gatewaySetting(config);
  if (setting === null) throw new Error("the site has no gateway");
  const copies = createMemoryCopies({ totalBytes: 1 << 20, entryBytes: 1 << 19 });
  let told: ((event: GatewayHostEvent) => void) | null = null;
  const host = await startGateway({
    workerUrl: new URL("../gateway/tiny-worker.ts", import.meta.url),
    setup: { routes: ["page"], clock: markClock(clock) } satisfies TinySetup,
    routes: ["page"],
    workers: 1,
    port: 0,
    copies,
    clock,
    on: (event) => told?.(event),
  });
  const gateway: Gateway = { host, copies, setting, tell: (take) => void (told = take) };
  open.push(gateway);
  return gateway;
}

async function setUp() {
  const config = await configOf();
  const gateway = await tinyGateway(config);
  const world = createWatchedWorld();
  const registry = new Registry();
  const engine = createWatch(world, { application: () => "." }, { events: eventRecorder(silent, createEngineMetrics(registry)) });
  joinGateway(gateway, engine, config, clock, silent);
  const entries = async () => (await engine.idle(), world.ledger.query({ kinds: ["quarantine", "worker_lost"] }));
  const metric = async (name: string, labels: string): Promise<string | undefined> => (await registry.metrics()).split("\n").find((line) => line.startsWith(`${name}${labels} `))?.split(" ")[1];
  return { world, gateway, engine, entries, metric };
}

/** One GET on a connection of its own, answered or cut. */
function ask({ host }: Gateway, path: string): Promise<void> {
  return new Promise((resolve) => void get({ port: host.port, host: "127.0.0.1", path, agent: false }, (res) => res.resume().once("close", resolve)).once("error", () => resolve()));
}

/** Two deaths of the application, far enough apart to be two, with a request of the class in flight. */
async function quarantine(gateway: Gateway): Promise<void> {
  await ask(gateway, `/send?name=${encodeURIComponent(CLASS)}`);
  gateway.host.appDied();
  const second = clock.now() + 300;
  await until(() => clock.now() >= second, "the next death is another one");
  gateway.host.appDied();
  await until(() => gateway.host.view().quarantined.length > 0, "the class is held");
}

test("a class is in status, ledger and metrics from its second death until the API is healthy", async () => {
  const { gateway, engine, entries, metric } = await setUp();
  await quarantine(gateway);
  expect(engine.snapshot().gateway?.quarantined).toMatchObject([{ requestClass: CLASS }]);
  expect(await metric("shopkeeper_quarantined_classes", "")).toBe("1");
  gateway.host.setStorefrontApi("healthy");
  expect(engine.snapshot().gateway?.quarantined).toEqual([]);
  expect(await metric("shopkeeper_quarantined_classes", "")).toBe("0");
  expect((await entries()).map(({ target, text }) => [target, text])).toEqual([
    ["app", `"${CLASS}" is not forwarded for now: in flight at two deaths of the application`],
    ["app", `"${CLASS}" is forwarded again: the Storefront API is healthy`],
  ]);
});

test("the application is up from its first good look on; where nobody looks, from the start", async () => {
  const { world, gateway, engine } = await setUp();
  expect(gateway.host.firstFill().upAt).toBeNull();
  await engine.start();
  await world.clock.advance(30_000);
  await engine.stop();
  expect(gateway.host.firstFill().upAt).not.toBeNull();

  const config = await configOf();
  const unwatched = await tinyGateway(config);
  joinGateway(unwatched, engine, { ...config, checks: [] }, clock, silent);
  expect(unwatched.host.firstFill().upAt).not.toBeNull();
});

test("a worker that crashes is in status, ledger and metrics, with the reason", async () => {
  const { gateway, engine, entries, metric } = await setUp();
  await ask(gateway, "/crash");
  await until(() => gateway.host.view().workersLost.length > 0, "the worker is lost");
  expect(engine.snapshot().gateway?.workersLost).toMatchObject([{ loss: "crashed", count: 1, lastDetail: "Error: crashed as asked" }]);
  expect(await metric("shopkeeper_gateway_workers_lost_total", '{reason="crashed"}')).toBe("1");
  expect(await entries()).toMatchObject([{ kind: "worker_lost", text: "a worker of the gateway crashed and is replaced: Error: crashed as asked", details: { loss: "crashed" } }]);
});

test("a gateway that takes over says that what its predecessor held back is forwarded", async () => {
  const before = await tinyGateway(await configOf());
  await quarantine(before);
  const next = await openGateway(before.setting, clock, before, {});
  open.push(next);
  const heard: GatewayHostEvent[] = [];
  next.tell((event) => heard.push(event));
  expect(heard.map((event) => ("classes" in event ? [event.kind, event.classes] : [event.kind]))).toEqual([["quarantine_lifted", [CLASS]], ["worker_ready"]]);
});
