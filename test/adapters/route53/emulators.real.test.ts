/**
 * On emulators that others wrote. moto compares a DELETE with everything that ever stood there, so a late write is not refused by
 * it; ministack, as the real one, with what stands now. Neither checks signatures, or fails on command: route53.real.test.ts.
 */
import { ChangeResourceRecordSetsCommand, CreateHostedZoneCommand, ListResourceRecordSetsCommand, Route53Client } from "@aws-sdk/client-route-53";
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRoute53 } from "../../../src/adapters/route53/route53.ts";
import { createSystemClock } from "../../../src/adapters/system-clock.ts";
import { Secret } from "../../../src/config/secret.ts";
import { formatMark } from "../../../src/core/region/mark.ts";
import type { Traffic } from "../../../src/ports/traffic.ts";
import { serveHttp, type Served } from "../../support/faulty-server.ts";
import { findEmulator, startEmulator, type Emulator, type RunningEmulator } from "../../support/python-servers.ts";
import { EU, first, KEY, mark, NEVER, RECORD, US } from "./scene.ts";

const ZONE_NAME = "example.com";

describe.each<{ readonly name: Emulator; readonly fences: boolean }>([
  { name: "moto_server", fences: false },
  { name: "ministack", fences: true },
])("on $name", ({ name, fences }) => {
  const here = findEmulator(name) !== null;
  let emulator: RunningEmulator;
  let sdk: Route53Client;
  let zones = 0;

  beforeAll(async () => {
    if (!here) return;
    emulator = await startEmulator(name);
    sdk = new Route53Client({ endpoint: emulator.url, region: "us-east-1", credentials: { accessKeyId: KEY.id, secretAccessKey: KEY.secret } });
  });
  afterAll(async () => {
    if (!here) return;
    sdk.destroy();
    await emulator[Symbol.asyncDispose]();
  });

  /** A zone of the test's own, the shop's record leading to eu. */
  async function zone(text: string | null = formatMark(mark("eu", 1))): Promise<string> {
    zones += 1;
    const { HostedZone } = await sdk.send(new CreateHostedZoneCommand({ Name: ZONE_NAME, CallerReference: `${name} ${zones}` }));
    const id = (HostedZone?.Id ?? "").replace("/hostedzone/", "");
    await put(id, "shop.example.com", "A", EU);
    if (text !== null) await put(id, "_shopkeeper.shop.example.com", "TXT", `"${text}"`);
    return id;
  }
  async function put(zoneId: string, Name: string, Type: "A" | "TXT", Value: string): Promise<void> {
    const set = { Name, Type, TTL: 60, ResourceRecords: [{ Value }] };
    await sdk.send(new ChangeResourceRecordSetsCommand({ HostedZoneId: zoneId, ChangeBatch: { Changes: [{ Action: "UPSERT", ResourceRecordSet: set }] } }));
  }
  async function state(zoneId: string): Promise<string[]> {
    const { ResourceRecordSets = [] } = await sdk.send(new ListResourceRecordSetsCommand({ HostedZoneId: zoneId }));
    return ResourceRecordSets.filter(({ Type }) => Type === "A" || Type === "TXT").map(({ Name, Type, ResourceRecords }) => `${Name} ${Type} ${ResourceRecords?.map(({ Value }) => Value).join()}`).toSorted();
  }
  const open = (zoneId: string, endpoint = emulator.url): Traffic =>
    createRoute53({ clock: createSystemClock(), site: "shop", zoneId, records: [RECORD], shadow: null, credentials: { accessKeyId: KEY.id, secretAccessKey: new Secret(KEY.secret, "${AWS_SECRET}") }, endpoint });

  test.runIf(here)("a record is read with its mark, switched there and back", async () => {
    const zoneId = await zone();
    const traffic = open(zoneId);
    const entry = await first(traffic);
    expect(entry).toMatchObject({ name: "shop.example.com A", leadsTo: "eu", value: `${EU}, TTL 60 s`, mark: mark("eu", 1), foreign: null });
    const there = await traffic.switch({ entry, to: "us", mark: mark("us", 2) }, NEVER);
    expect(there).toMatchObject({ kind: "switched", entry: { leadsTo: "us", mark: mark("us", 2) } });
    expect(await state(zoneId)).toEqual([`_shopkeeper.shop.example.com. TXT "${formatMark(mark("us", 2))}"`, `shop.example.com. A ${US}`]);
    if (there.kind !== "switched") throw new Error(there.kind);
    expect(await traffic.switch({ entry: there.entry, to: "eu", mark: mark("eu", 3) }, NEVER)).toMatchObject({ kind: "switched", entry: { leadsTo: "eu", mark: mark("eu", 3) } });
    await traffic.close();
  });

  test.runIf(here)("a switch over what has changed since is not made", async () => {
    const zoneId = await zone();
    const traffic = open(zoneId);
    const entry = await first(traffic);
    await put(zoneId, "_shopkeeper.shop.example.com", "TXT", `"${formatMark(mark("eu", 2))}"`);
    expect(await traffic.switch({ entry, to: "us", mark: mark("us", 2) }, NEVER)).toMatchObject({ kind: "moved", found: { leadsTo: "eu", mark: mark("eu", 2) } });
    await put(zoneId, "shop.example.com", "A", "192.0.2.1");
    expect(await traffic.switch({ entry, to: "us", mark: mark("us", 2) }, NEVER)).toMatchObject({ kind: "moved", found: { leadsTo: null } });
    await traffic.close();
  });

  test.runIf(here)("a record without a mark is adopted, one with somebody's words is not", async () => {
    const traffic = open(await zone(null));
    expect(await traffic.adopt(await first(traffic), mark("eu", 0), NEVER)).toMatchObject({ kind: "switched", entry: { mark: mark("eu", 0) } });
    await traffic.close();
    const theirs = open(await zone("ask Ann"));
    const entry = await first(theirs);
    expect(entry).toMatchObject({ mark: null, foreign: "ask Ann" });
    await expect(theirs.adopt(entry, mark("eu", 0), NEVER)).rejects.toMatchObject({ code: "NOT_OURS" });
    await theirs.close();
  });

  test.runIf(here)("no such zone is NOT_FOUND", async () => {
    const traffic = open("ZNOWHERE");
    await expect(traffic.read(NEVER)).rejects.toMatchObject({ code: "NOT_FOUND" });
    await traffic.close();
  });

  if (!fences) return;

  test.runIf(here)("a writer paused between compare and write is refused, and nothing changes", async () => {
    const zoneId = await zone();
    await using gate = await holdChanges(emulator.url);
    const late = open(zoneId, gate.url);
    const other = open(zoneId);
    const order = { entry: await first(late), to: "us", mark: mark("us", 2) };
    const outcome = late.switch(order, NEVER);
    await gate.arrived;
    await other.switch({ ...order, mark: mark("us", 3) }, NEVER);
    const before = await state(zoneId);
    gate.open();
    expect(await outcome).toMatchObject({ kind: "moved", found: { leadsTo: "us", mark: mark("us", 3) } });
    expect(await state(zoneId)).toEqual(before);
    await late.close();
    await other.close();
  });

  test.runIf(here)("rights are proven by a batch that changes nothing", async () => {
    const zoneId = await zone();
    const before = await state(zoneId);
    const traffic = open(zoneId);
    expect(await traffic.proveRights(NEVER)).toMatchObject({ ok: true, findings: ["It may read shop.example.com A.", expect.stringContaining("refused for that alone")] });
    expect(await state(zoneId)).toEqual(before);
    await traffic.close();
  });
});

/** Passes requests on; one that changes something waits at the gate. */
async function holdChanges(target: string): Promise<AsyncDisposable & { readonly url: string; readonly arrived: Promise<void>; open(): void }> {
  const [arrived, opened] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const served: Served = await serveHttp((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      if (incoming.method === "POST") arrived.resolve();
      void (incoming.method === "POST" ? opened.promise : Promise.resolve()).then(() => {
        const onward = request(new URL(incoming.url ?? "/", target), { method: incoming.method ?? "GET", headers: incoming.headers }, (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        });
        onward.on("error", () => response.destroy());
        onward.end(Buffer.concat(chunks));
      });
    });
  });
  return { url: served.url, arrived: arrived.promise, open: opened.resolve, [Symbol.asyncDispose]: () => served.close() };
}
