import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { get, type IncomingHttpHeaders } from "node:http";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { createMemoryCopies } from "../../src/adapters/memory-copies.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { markClock } from "../../src/adapters/thread-clock.ts";
import type { GatewayConfig } from "../../src/config/config.ts";
import { hydrogenReactRouter as preset } from "../../src/gateway/presets/hydrogen-react-router.ts";
import { startGateway, type GatewayHost, type GatewayHostEvent } from "../../src/gateway/worker-host.ts";
import { workerSetup } from "../../src/gateway/worker-setup.ts";

const MIB = 1024 * 1024;
const HOST = "shop.example";
const clock = createSystemClock();
const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const gatewayConfig: GatewayConfig = {
  preset: preset.name,
  listen: { host: "127.0.0.1", port: 0 },
  target: "app",
  hosts: [],
  routes: preset.routes,
  never: preset.never,
  ignoreCookies: preset.ignoreCookies,
  neutralisedCookies: preset.neutralisedCookies,
  personalCookies: preset.personalCookies,
  dropQuery: preset.dropQuery,
  errorMarks: preset.errorMarks,
  trustedHops: 0,
  workers: 1,
  copyBytes: 16 * MIB,
  copyBytesPerEntry: 2 * MIB,
  warm: [],
  maxConnections: 256,
  breaker: { errorThresholdPercent: 50, windowMs: 10_000, volumeThreshold: 20, consecutiveFailures: 5, resetMs: 30_000, maxResetMs: 300_000 },
};

/** Starts the storefront's process; 0 for any port. */
async function startApp(port = 0): Promise<{ readonly port: number; readonly kill: () => Promise<void> }> {
  const child: ChildProcess = spawn(process.execPath, [fileURLToPath(new URL("./page-app.ts", import.meta.url)), String(port)], { stdio: ["ignore", "pipe", "inherit"] });
  const gone = once(child, "exit");
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await gone;
  };
  ends.push(kill);
  if (child.stdout === null) throw new Error("the application has no output");
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { port: Number(line.toString()), kill };
}

/** An application with the real gateway before it. */
async function setUp(overrides: Partial<GatewayConfig> = {}) {
  const app = await startApp();
  const events: GatewayHostEvent[] = [];
  const gateway = { ...gatewayConfig, ...overrides };
  const host = await startGateway({
    workerUrl: new URL("./detonator-worker.ts", import.meta.url),
    ...workerSetup(gateway, `http://127.0.0.1:${app.port}`, markClock(clock)),
    workers: gateway.workers,
    port: 0,
    copies: createMemoryCopies({ totalBytes: gateway.copyBytes, entryBytes: gateway.copyBytesPerEntry }),
    clock,
    on: (event) => events.push(event),
  });
  ends.push(() => host.stop());
  return { app, host, events, visit: (path: string, headers: IncomingHttpHeaders = {}) => visit(host.port, path, headers) };
}

type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string };

/** One GET as a buyer's browser makes it; status 0 when the connection was cut. */
function visit(port: number, path: string, headers: IncomingHttpHeaders = {}): Promise<Answer> {
  const cut: Answer = { status: 0, headers: {}, body: "" };
  return new Promise((resolve) => {
    get({ port, host: "127.0.0.1", path, agent: false, headers: { host: HOST, "user-agent": preset.agents.browser, ...headers } }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body })).on("error", () => resolve(cut));
    }).on("error", () => resolve(cut));
  });
}

/** Asks until the answer is as wanted; the last answer when it never was. */
async function until<T>(read: () => T | Promise<T>, wanted: (value: T) => boolean, withinMs = 20_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const value = await read();
    if (wanted(value) || performance.now() > deadline) return value;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Visits a page and waits until a copy of it is stored. */
async function seen(host: GatewayHost, path: string): Promise<void> {
  const before = host.copies().count;
  expect((await visit(host.port, path)).status).toBe(200);
  expect(await until(() => host.copies().count, (count) => count > before)).toBe(before + 1);
}

async function detonate(events: readonly GatewayHostEvent[]): Promise<void> {
  const ready = events.filter(({ kind }) => kind === "worker_ready").length;
  const channel = new BroadcastChannel("gateway-detonator");
  channel.postMessage("now");
  await until(() => events.filter(({ kind }) => kind === "worker_ready").length, (count) => count > ready);
  channel.close();
}

describe("the gateway, with everything real", () => {
  test("passes pages through, and counts them", async () => {
    const { host, visit } = await setUp();
    expect(await visit("/products/board")).toMatchObject({ status: 200, body: expect.stringContaining("/products/board") });
    const [row] = await until(() => host.counters().requests, (rows) => rows.length > 0);
    expect(row).toEqual({ route: "product", method: "GET", status: "200", count: 1 });
    // The fill of the page is under way for a moment longer.
    const evidence = await until(() => host.evidence(), ({ lastGoodAt, inFlight }) => lastGoodAt !== null && inFlight === 0);
    expect(evidence).toMatchObject({ lastGoodAt: expect.any(Number), failed: 0, inFlight: 0 });
  });

  test("a copy stored before a worker's crash is served after it", async () => {
    const { app, host, events, visit } = await setUp();
    await seen(host, "/products/board");
    await detonate(events);
    await app.kill();
    const answer = await visit("/products/board");
    expect(answer).toMatchObject({ status: 200, body: expect.stringContaining("</html>") });
    expect(answer.headers["set-cookie"]).toBeUndefined();
    expect(events).toContainEqual(expect.objectContaining({ kind: "worker_lost", loss: "crashed", detail: "Error: detonated" }));
  });

  test("a killed application is not noticed by buyers of pages seen before; its return is taken up at once", async () => {
    const { app, host, events, visit } = await setUp();
    await seen(host, "/");
    await app.kill();
    for (let buyer = 0; buyer < 10; buyer += 1) expect(await visit("/")).toMatchObject({ status: 200 });
    for (let buyer = 0; buyer < 5; buyer += 1) await visit("/products/never-seen");
    expect(await until(() => host.breakers()[0]?.own, (own) => own === "open")).toBe("open");
    expect(await visit("/products/never-seen")).toMatchObject({ status: 503, headers: { "retry-after": expect.any(String) } });
    expect(events.some(({ kind }) => kind === "trouble")).toBe(true);

    await startApp(app.port);
    host.appBack();
    expect(await until(() => host.breakers()[0]?.own, (own) => own === "closed")).toBe("closed");
    expect(await until(() => visit("/products/never-seen"), ({ status }) => status === 200)).toMatchObject({ status: 200 });
  });

  test("trials that meet broken pages do not close the breaker", async () => {
    const { app, host, events, visit } = await setUp();
    await visit("/break");
    for (let buyer = 0; buyer < 8; buyer += 1) await visit("/products/never-seen");
    await until(() => host.breakers()[0]?.own, (own) => own === "open");
    host.appBack();
    const failed = (): boolean => events.some((event) => event.kind === "breaker" && event.change.why.startsWith("trial 1 of 3 failed"));
    expect(await until(failed, (seen) => seen)).toBe(true);
    expect(host.breakers()[0]?.own).toBe("open");
    await request(app.port, "/mend");
    await until(() => (host.appBack(), host.breakers()[0]?.own), (own) => own === "closed");
    expect(host.breakers()[0]?.own).toBe("closed");
  });

  test("while the pulse holds the breaker open, copies are served and nothing is forwarded", async () => {
    const { host, visit } = await setUp();
    await seen(host, "/");
    host.hold({ breaker: "ingress:app", position: "open", until: clock.now() + 60_000, by: "pulse", why: "connection closed" });
    const held = await until(() => visit("/products/board"), ({ status }) => status === 503);
    expect(held.status).toBe(503);
    expect(await visit("/")).toMatchObject({ status: 200 });
    host.release("ingress:app", "pulse");
    expect(await until(() => visit("/products/board"), ({ status }) => status === 200)).toMatchObject({ status: 200 });
  });

  test("a request that kills the application is forwarded twice, then no more", async () => {
    const { app, host, visit } = await setUp();
    host.setStorefrontApi("unhealthy");
    await seen(host, "/products/deadly");
    let running = app;
    for (let death = 0; death < 2; death += 1) {
      await visit("/products/deadly", { cookie: "cart=c1" });
      await running.kill();
      host.appDied();
      const apart = clock.now() + 300;
      await until(() => clock.now(), (now) => now >= apart);
      running = await startApp(app.port);
      await until(() => (host.appBack(), visit("/products/other")), ({ status }) => status === 200);
    }
    expect(await until(() => host.view().quarantined, (classes) => classes.length > 0)).toMatchObject([{ requestClass: "GET product cart" }]);
    for (let buyer = 0; buyer < 5; buyer += 1) expect((await visit("/products/deadly", { cookie: "cart=c1" })).status).toBe(200);
    expect(await visit("/products/other")).toMatchObject({ status: 200 });
    expect((await request(app.port, "/")).status).toBe(200);
  });

  test("two workers serve one port, and each serves what the other stored", async () => {
    const { app, host, visit } = await setUp({ workers: 2 });
    await seen(host, "/collections");
    await app.kill();
    const answers = await until(
      () => Promise.all(Array.from({ length: 12 }, () => visit("/collections"))),
      (all) => all.every(({ status }) => status === 200),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 12 }, () => 200));
  });

  test("draining finishes what runs", async () => {
    const { host, visit } = await setUp();
    const running = visit("/products/board");
    await until(() => host.counters().serving + host.counters().requests.length, (count) => count > 0);
    await host.drain(5_000);
    expect((await running).status).toBe(200);
    expect((await visit("/products/board")).status).toBe(0);
  });
});

/** Past the gateway. */
function request(port: number, path: string): Promise<Answer> {
  return visit(port, path);
}
