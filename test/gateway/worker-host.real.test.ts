import { get } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createMemoryCopies } from "../../src/adapters/memory-copies.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { markClock } from "../../src/adapters/thread-clock.ts";
import { startGateway, type GatewayHost, type GatewayHostEvent, type GatewayHostParts } from "../../src/gateway/worker-host.ts";
import { copyOf } from "../contract/copy-store.ts";
import type { TinySetup } from "./tiny-worker.ts";

const ROUTES = ["page"];
const clock = createSystemClock();
const running: GatewayHost[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((host) => host.stop()));
});

/** A gateway of tiny workers, what it reported, and a buyer. */
async function setUp({ copies = createMemoryCopies({ totalBytes: 1 << 20, entryBytes: 1 << 19 }), ...overrides }: Partial<GatewayHostParts> = {}) {
  const events: GatewayHostEvent[] = [];
  const host = await startGateway({
    workerUrl: new URL("./tiny-worker.ts", import.meta.url),
    setup: { routes: ROUTES, clock: markClock(clock) } satisfies TinySetup,
    routes: ROUTES,
    workers: 1,
    port: 0,
    copies,
    clock,
    on: (event) => events.push(event),
    ...overrides,
  });
  running.push(host);
  const ask = (path: string): Promise<string> => request(host.port, path);
  const state = async (name = ""): Promise<Record<string, unknown>> => JSON.parse(await ask(`/state?name=${encodeURIComponent(name)}`)) as Record<string, unknown>;
  const kinds = (): readonly string[] => events.map(({ kind }) => kind);
  return { host, copies, events, kinds, ask, state };
}

/** One GET on a connection of its own; "" when it was cut. */
function request(port: number, path: string): Promise<string> {
  return new Promise((resolve) => {
    get({ port, host: "127.0.0.1", path, agent: false, timeout: 20_000 }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => resolve(body)).on("error", () => resolve(""));
    }).on("error", () => resolve(""));
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

describe("a gateway that starts", () => {
  test("listens, and its threads share one time line", async () => {
    const { host, kinds, state } = await setUp();
    expect(host.port).toBeGreaterThan(0);
    expect(kinds()).toEqual(["worker_ready"]);
    const before = clock.now();
    const theirs = Number((await state()).clock);
    expect(theirs).toBeGreaterThanOrEqual(before - 1);
    expect(theirs).toBeLessThanOrEqual(clock.now() + 1);
  });

  test("rejects with the worker's own reason when it cannot", async () => {
    await expect(setUp({ workerUrl: new URL("./no-such-worker.ts", import.meta.url) })).rejects.toThrow(/does not listen: .*no-such-worker/);
    // Without SO_REUSEPORT, so nobody can share it.
    const taken = createServer();
    const port = await new Promise<number>((resolve) => taken.listen(0, "127.0.0.1", () => resolve((taken.address() as AddressInfo).port)));
    await expect(setUp({ port })).rejects.toThrow(/does not listen: .*EADDRINUSE/);
    taken.close();
  });

  test("several workers share the port", async () => {
    const { host, events } = await setUp({ workers: 2 });
    const ports = events.flatMap((event) => (event.kind === "worker_ready" ? [event.port] : []));
    expect(ports).toEqual([host.port, host.port]);
  });
});

describe("a worker that crashes", () => {
  test.each([["/crash", /crashed as asked/], ["/exit", /exited with code 3/]])("by %s is replaced on the same port, and no copy is lost", async (path, detail) => {
    const { host, events, ask, state } = await setUp();
    expect(await ask("/put?name=home")).toBe("stored");
    await until(() => host.copies().count, (count) => count === 1);
    await ask(path);
    const lost = events.find((event) => event.kind === "worker_lost") ?? (await until(() => events.find((event) => event.kind === "worker_lost"), (event) => event !== undefined));
    expect(lost).toMatchObject({ loss: "crashed", worker: 1, detail: expect.stringMatching(detail) });
    expect(await until(() => ask("/copy?name=home"), (body) => body !== "")).toBe("h".repeat(1_000));
    expect(await state()).toMatchObject({ copies: 1 });
    expect(host.view().workersLost).toEqual([{ loss: "crashed", count: 1, lastAt: expect.any(Number), lastDetail: expect.stringMatching(detail) }]);
  });

  test("leaves its counters behind", async () => {
    const { host, ask } = await setUp();
    await ask("/state");
    await ask("/crash");
    await until(() => ask("/state"), (body) => body !== "");
    const requests = await until(() => host.counters().requests, ([row]) => row?.count === 2);
    expect(requests).toEqual([{ route: "page", method: "GET", status: "200", count: 2 }]);
  });

  test("its successor knows the holds, the verdict, the quarantine, the bypass and that the application is up before it listens", async () => {
    const { host, ask, state } = await setUp();
    host.hold({ breaker: "ingress:app", position: "open", until: clock.now() + 60_000, by: "ann", why: "drill" });
    host.setStorefrontApi("unhealthy");
    host.bypass(true);
    host.appUp();
    await ask("/send?name=killer");
    await killTwice(host);
    await ask("/crash");
    await until(() => ask("/state"), (body) => body !== "");
    expect(await state("killer")).toMatchObject({ storefront: "unhealthy", bypass: true, admits: false, suspected: true, appIsUp: true });
  });

  test("again and again is replaced each time, after growing waits", async () => {
    const { host, ask } = await setUp();
    for (let crash = 1; crash <= 4; crash += 1) {
      await ask("/crash");
      await until(() => host.view().workersLost, ([lost]) => lost?.count === crash);
      await until(() => ask("/state"), (body) => body !== "");
    }
    expect(host.view().workersLost).toMatchObject([{ loss: "crashed", count: 4 }]);
  });
});

describe("a worker that is stuck", () => {
  test("is replaced, successor first, and no copy is lost", async () => {
    const { host, events, ask } = await setUp();
    await ask("/put?name=home");
    await until(() => host.copies().count, (count) => count === 1);
    expect(await ask("/stuck")).toBe("");
    expect(await until(() => ask("/copy?name=home"), (body) => body !== "")).toBe("h".repeat(1_000));
    await until(() => host.view().workersLost, ([lost]) => lost !== undefined);
    expect(host.view().workersLost).toMatchObject([{ loss: "stuck", count: 1, lastDetail: "its loop did not turn for 5000 ms" }]);
    expect(events.map((event) => ("worker" in event ? `${event.kind} ${event.worker}` : event.kind))).toEqual(["worker_ready 1", "worker_ready 2", "worker_lost 1"]);
  });
});

describe("copies", () => {
  test("stored by one worker are had by all, and by the main thread", async () => {
    const { host, copies, ask } = await setUp({ workers: 2 });
    await ask("/put?name=home");
    await until(() => host.copies().count, (count) => count === 1);
    // Connections are spread by the kernel: enough of them meet both workers.
    const bodies = await until(
      () => Promise.all(Array.from({ length: 12 }, () => ask("/copy?name=home"))),
      (all) => all.every((body) => body !== "none"),
    );
    expect(new Set(bodies)).toEqual(new Set(["h".repeat(1_000)]));
    expect(copies.get("home")?.meta.url).toBe("/home");
    expect(host.evidence().copies).toBe(1);
  });

  test("known before the start are there from the first request on", async () => {
    const copies = createMemoryCopies({ totalBytes: 1 << 20, entryBytes: 1 << 19 });
    for (let page = 0; page < 600; page += 1) copies.put(copyOf(`page-${page}`, { size: 100 }));
    const { state } = await setUp({ copies });
    expect(await state()).toMatchObject({ copies: 600 });
  });

  test("deleted or purged are gone everywhere", async () => {
    const { host, ask } = await setUp();
    await ask("/put?name=one");
    await ask("/put?name=two");
    await until(() => host.copies().count, (count) => count === 2);
    await ask("/delete?name=one");
    expect(await until(() => host.copies().count, (count) => count === 1)).toBe(1);
    host.purge(["two"]);
    expect(await until(() => ask("/copy?name=two"), (body) => body === "none")).toBe("none");
    expect(host.copies().count).toBe(0);
  });

  test("what the main thread evicts is dropped by the workers too", async () => {
    const { host, copies, ask, state } = await setUp({ copies: createMemoryCopies({ totalBytes: 1 << 20, entryBytes: 1 << 19, canonicalShare: 0.1 }) });
    for (let page = 0; page < 10; page += 1) await ask(`/put?name=page-${page}&size=30000`);
    await until(async () => (await state()).copies, (count) => count === copies.size());
    expect(host.copies().count).toBe(3);
    expect(await state()).toMatchObject({ copies: 3 });
  });
});

describe("breakers and holds", () => {
  test("a position a worker reports is the gateway's; evidence of recovery makes it try at once", async () => {
    const { host, events, ask, state } = await setUp();
    expect(host.breakers().map(({ name, effective }) => [name, effective])).toEqual([["ingress:app", "closed"], ["egress:storefront", "closed"]]);
    await ask("/fail");
    expect(await until(() => host.breakers()[0]?.own, (own) => own === "open")).toBe("open");
    expect(events).toContainEqual(expect.objectContaining({ kind: "breaker", change: expect.objectContaining({ position: "open", why: "5 failures in a row" }) }));
    host.appBack();
    expect(await until(() => host.breakers()[0]?.own, (own) => own === "closed")).toBe("closed");
    expect(await state()).toMatchObject({ admits: true });
  });

  test("a hold is in force until its holder releases it", async () => {
    const { host, state } = await setUp();
    const hold = { breaker: "ingress:app", position: "open", until: clock.now() + 60_000, by: "pulse", why: "connection closed" } as const;
    host.hold(hold);
    expect(host.breakers()[0]).toMatchObject({ effective: "open", own: "closed", hold });
    expect(await until(state, ({ admits }) => admits === false)).toMatchObject({ admits: false });
    host.release("ingress:app", "ann");
    expect(host.breakers()[0]?.hold).toEqual(hold);
    host.release("ingress:app", "pulse");
    expect(host.breakers()[0]?.hold).toBeNull();
    expect(await until(state, ({ admits }) => admits === true)).toMatchObject({ admits: true });
  });
});

/** Two deaths of the application, far enough apart to be two. */
async function killTwice(host: GatewayHost): Promise<void> {
  const instants = [clock.now(), clock.now() + 300];
  for (const at of instants) {
    await until(() => clock.now(), (now) => now >= at);
    host.appDied();
  }
  await until(() => host.view().quarantined.length, (count) => count > 0);
}

describe("the quarantine", () => {
  test("holds back what was in flight at two deaths, in every worker, until the API is healthy", async () => {
    const { host, events, ask, state } = await setUp({ workers: 2 });
    host.setStorefrontApi("unhealthy");
    await ask("/send?name=GET%20product%20cart");
    await killTwice(host);
    expect(host.view().quarantined).toMatchObject([{ requestClass: "GET product cart", until: null }]);
    const answers = await until(
      () => Promise.all(Array.from({ length: 12 }, () => state("GET product cart"))),
      (all) => all.every(({ suspected }) => suspected === true),
    );
    expect(answers.every(({ suspected }) => suspected === true)).toBe(true);
    expect(await state("GET product")).toMatchObject({ suspected: false });

    host.setStorefrontApi("healthy");
    expect(await until(() => state("GET product cart"), ({ suspected }) => suspected === false)).toMatchObject({ suspected: false });
    expect(events.filter(({ kind }) => kind.startsWith("quarantine")).map((event) => ("classes" in event ? [event.kind, event.classes, event.why] : []))).toEqual([
      ["quarantined", ["GET product cart"], "in flight at two deaths of the application"],
      ["quarantine_lifted", ["GET product cart"], "the Storefront API is healthy"],
    ]);
  });

  test("two reports of one death count once", async () => {
    const { host, ask } = await setUp();
    await ask("/send?name=killer");
    host.appDied();
    host.appDied();
    await ask("/state");
    expect(host.view().quarantined).toEqual([]);
  });
});

describe("evidence and events", () => {
  test("requests in flight are seen without asking the worker", async () => {
    const { host, ask } = await setUp();
    await ask("/send?name=page");
    expect(host.evidence()).toMatchObject({ inFlight: 1, lastGoodAt: null, copies: 0 });
  });

  test("trouble is told at most once a second", async () => {
    const { events, ask } = await setUp();
    await ask("/trouble?name=refused");
    await until(() => events.length, (count) => count > 1);
    await ask("/state");
    expect(events.filter(({ kind }) => kind === "trouble")).toMatchObject([{ cause: "refused" }]);
  });
});

describe("the first pages", () => {
  test("may be filled once the application is up, and what came of it is told by the first worker that is done", async () => {
    const { host, ask, state } = await setUp();
    expect(host.firstFill()).toEqual({ upAt: null, fill: null });
    expect(await state("")).toMatchObject({ appIsUp: false });
    host.appUp();
    const { upAt } = host.firstFill();
    expect(upAt).toBeGreaterThan(0);
    await until(() => state(""), (now) => now["appIsUp"] === true);
    await ask("/filled?name=2");
    await ask("/filled?name=3");
    await ask("/state");
    host.appUp();
    expect(host.firstFill()).toEqual({ upAt, fill: { stored: 2, listed: 3 } });
  });
});

describe("draining", () => {
  test("ends the workers, and is no loss", async () => {
    const { host, ask, kinds } = await setUp({ workers: 2 });
    await ask("/state");
    await host.drain(5_000);
    expect(await ask("/state")).toBe("");
    expect(host.view().workersLost).toEqual([]);
    expect(kinds()).not.toContain("worker_lost");
  });
});
