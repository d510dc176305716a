import { Agent } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { fakeResolver } from "../support/fake-resolver.ts";
import { freePort, until } from "./kept-shop.ts";
import { startPod, type Pod, type PodOptions } from "./pods.ts";

const pods: Pod[] = [];

afterEach(async () => {
  await Promise.all(pods.splice(0).map((pod) => pod.end()));
});

async function start(options: PodOptions): Promise<Pod> {
  const pod = await startPod(options);
  pods.push(pod);
  return pod;
}

const PEERS = (port: number): string => `peers: { service: storefront-peers, port: ${port} }\n`;

/** Waits until a pod says so. */
async function expectReadiness(pod: Pod, status: 200 | 503, why: string): Promise<void> {
  await until(`${pod.address} answers ${status}: ${why}`, async () => {
    const ready = await pod.ready();
    return (ready.status === status && ready.why.includes(why)) || undefined;
  });
}

/** Pods 127.0.0.2 and following, each the others' sibling. */
async function workload(count: number) {
  const [healthPort, appPort] = [await freePort(), await freePort()];
  const addresses = Array.from({ length: count }, (_, at) => `127.0.0.${at + 2}`);
  const resolver = fakeResolver({ "storefront-peers": addresses });
  const all: Pod[] = [];
  for (const address of addresses) all.push(await start({ address, healthPort, appPort, resolver, extra: PEERS(healthPort) }));
  return { resolver, all };
}

describe("pods that ask each other", () => {
  test("one that is ill alone leaves; once all are ill, who has copies is ready; who is well is back at once", async () => {
    const { resolver, all } = await workload(3);
    const [a, b, c] = all as [Pod, Pod, Pod];
    for (const pod of all) await expectReadiness(pod, 200, "the site is healthy");
    expect(resolver.asked).toEqual([]);

    a.app.ill = true;
    await expectReadiness(a, 503, "by this pod's own fault: of 2 siblings asked 2 are well");
    expect((await a.report()).copies).toBeGreaterThan(0);
    for (const pod of [b, c]) expect((await pod.ready()).status).toBe(200);
    // Whoever still comes is served all the same.
    expect(await a.buy("/")).toMatchObject({ status: 200 });

    b.app.ill = true;
    c.app.ill = true;
    for (const pod of all) await expectReadiness(pod, 200, "stored pages are served: of 2 siblings asked");
    expect((await a.ready()).why).toContain("unhealthy too (application");

    a.app.ill = false;
    await expectReadiness(a, 200, "the site is healthy");
    expect(a.log.filter((line) => line["event"] === "siblings").map((line) => [line["finding"], line["left"]]).slice(0, 2)).toEqual([["own", false], ["own", true]]);
  });

  test("one whose siblings are gone stays with its copies; one without copies is not ready", async () => {
    const { all } = await workload(2);
    const [a, b] = all as [Pod, Pod];
    for (const pod of all) await expectReadiness(pod, 200, "the site is healthy");
    pods.splice(pods.indexOf(b), 1);
    await b.end();
    a.app.ill = true;
    await expectReadiness(a, 200, "of 1 sibling asked 1 did not say how they are");

    const [healthPort, appPort] = [await freePort(), await freePort()];
    const bare = await start({ address: "127.0.0.9", healthPort, appPort, resolver: fakeResolver({ "storefront-peers": [] }), extra: PEERS(healthPort), appLater: true });
    await expectReadiness(bare, 503, "there is no stored page to serve");
  });
});

describe("a new pod", () => {
  test("whose application comes late keeps its breaker closed, and is ready with its first pages stored", async () => {
    const pod = await start({ address: "127.0.0.2", healthPort: await freePort(), appPort: await freePort(), appLater: true });
    expect(await pod.ready()).toMatchObject({ status: 503 });
    await expectReadiness(pod, 503, "there is no stored page to serve");
    expect(await pod.metrics()).toMatch(/^shopkeeper_gateway_events_total\{.*event="fill_started".*\} 0$/m);
    expect(pod.log.filter((line) => JSON.stringify(line).includes("failures in a row"))).toEqual([]);

    await pod.app.listen();
    const first = await until("it is ready", async () => {
      const report = await pod.report();
      return report.ready ? report : undefined;
    });
    expect(first.copies).toBe(2);
    await expectReadiness(pod, 200, "the gateway listens and the site is healthy");
  });
});

describe("a pod that ends", () => {
  test("is not ready from the first moment, finishes what runs, and serves copies to its last connection though its application is gone", async () => {
    // Never fresh, so that each request asks the application first.
    const gateway = "  routes: { collections: { ttl: 1ms, stale_while_revalidate: 0s } }\n";
    const pod = await start({ address: "127.0.0.2", healthPort: await freePort(), appPort: await freePort(), gateway });
    await expectReadiness(pod, 200, "the site is healthy");
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect(await pod.buy("/collections", agent)).toMatchObject({ status: 200, headers: { "x-cache-status": "EXPIRED" } });
    const held = Promise.withResolvers<void>();
    pod.app.held = held.promise;
    const slow = pod.buy("/search");
    await until("the application holds a request", () => pod.app.asked.includes("/search") || undefined);

    const ended = pod.daemon.stop();
    expect(await pod.ready()).toEqual({ status: 503, why: "stopping" });
    pod.app.leave();
    const copy = await pod.buy("/collections", agent);
    expect(copy).toMatchObject({ status: 200, text: expect.stringContaining("<h1>/collections</h1>"), headers: { "x-cache-status": "STALE" } });
    expect(copy.headers["cache-status"]).toContain("fwd=stale");

    held.resolve();
    expect(await slow).toMatchObject({ status: 200, text: expect.stringContaining("<h1>/search</h1>") });
    await ended;
    agent.destroy();
    await expect(pod.buy("/collections")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  test("answers each new connection until its door is closed, and none after", async () => {
    const pod = await start({ address: "127.0.0.2", healthPort: await freePort(), appPort: await freePort() });
    await expectReadiness(pod, 200, "the site is healthy");
    const buyer = async (): Promise<readonly (number | string)[]> => {
      const answers: (number | string)[] = [(await pod.buy("/")).status];
      while (answers.at(-1) !== "ECONNREFUSED" && answers.length < 10_000) {
        answers.push(await pod.buy("/").then((answer) => answer.status, (error: unknown) => (error as NodeJS.ErrnoException).code ?? String(error)));
      }
      return answers;
    };
    const buyers = [buyer(), buyer(), buyer(), buyer()];
    await until("they are served", () => pod.app.asked.includes("/") || undefined);
    const ended = pod.daemon.stop();
    pod.app.leave();
    for (const answers of await Promise.all(buyers)) {
      const served = answers.lastIndexOf(200) + 1;
      // Whoever stands in the kernel's queue at the very moment the door closes is sent away by the kernel: once.
      expect([new Set(answers.slice(0, served)), answers.slice(served).filter((one) => one !== "ECONNREFUSED" && one !== "ECONNRESET"), answers.length - served <= 2]).toEqual([new Set([200]), [], true]);
    }
    await ended;
  });
});
