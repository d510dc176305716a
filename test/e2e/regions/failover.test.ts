/**
 * Two regions of real processes, a witness, and a provider before a real name server: who leads buyers where, and who may not.
 *
 * One scene serves all tests in their order, since to start it costs more than they do: each but the last leaves buyers at `eu`.
 */
import { execFile } from "node:child_process";
import { Resolver } from "node:dns/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundle } from "../../support/bundle.ts";
import type { Fetch } from "../../support/regions/buyers.ts";
import { chooseNetwork } from "../../support/regions/choose-network.ts";
import { PLAIN, PROXIED, SHADOW } from "../../support/regions/configuration.ts";
import { OPERATOR } from "../../support/regions/daemons.ts";
import { REGIONS, WITNESS, type Region } from "../../support/regions/network.ts";
import { waitUntil } from "../../support/regions/process.ts";
import { knownEverywhere, ledTo, openRegions, recordOf, sceneLacks, type RegionScene } from "../../support/regions/scene.ts";

const lacks = sceneLacks();
const { kind, said } = await chooseNetwork();
const CLI_MS = 60_000;
const FETCHES_OF_TWO_LOOKS = 40;
const NOTHING = { leadsTo: "eu", begun: [], changes: [], errors: [] };
const WORDS = "ask Ann before you touch this";

type Said = { readonly code: number; readonly out: string; readonly err: string };

function shopkeeper(server: string, ...args: readonly string[]): Promise<Said> {
  const { PATH = "" } = process.env;
  return new Promise((resolve) => {
    execFile(process.execPath, [bundle(), "--server", server, ...args], { env: { PATH, SHOPKEEPER_TOKEN: OPERATOR }, timeout: CLI_MS }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err });
    });
  });
}

test.runIf(process.env["CI"] === "true")("what real failovers need is on this machine", () => expect(lacks).toEqual([]));

describe.skipIf(lacks.length > 0)(`two regions (${lacks.length > 0 ? `not run: ${lacks.join("; ")}` : said})`, () => {
  let scene: RegionScene;
  const guard = (region: Region) => scene.regions[region].guard;
  const order = (region: Region, ...args: readonly string[]): Promise<Said> => shopkeeper(guard(region).admin, ...args, "--why", "the test");
  const served = (region: Region, since: number): Promise<unknown> => {
    const isServed = ({ good, origin, askedAt }: Fetch): boolean => good && origin === scene.regions[region].address && askedAt > since;
    return waitUntil(`buyers are served by ${region}, both ways`, () => [scene.buyers.plain, scene.buyers.proxied].every(({ fetches }) => fetches.some(isServed)));
  };

  /** Buyers count the time: one asks every 100 ms, a daemon looks every 2 s. */
  const lookedOn = async (): Promise<unknown> => {
    const { fetches } = scene.buyers.proxied;
    const asked = fetches.length;
    return waitUntil("all have looked twice more", () => fetches.length >= asked + FETCHES_OF_TWO_LOOKS);
  };
  const isHeld = async (votes: string): Promise<boolean> => (await guard("us").regions()).decision.startsWith(`hold (takeover): 1 of the 2 observers needed speak against eu: ${votes}`);
  /** us sees eu down, not for a moment only, and says why that is not enough. */
  const holds = async (votes: string): Promise<void> => {
    await waitUntil(`us holds, since "${votes}"`, () => isHeld(votes));
    await lookedOn();
    await waitUntil("it still does", () => isHeld(votes));
  };
  /** @returns what has happened since: where buyers are led, what was begun or changed, and their fetches that failed. */
  const watch = async (): Promise<() => unknown> => {
    const { buyers, changes } = scene;
    await served("eu", performance.now());
    buyers.plain.forget();
    buyers.proxied.forget();
    const changed = changes.length;
    return () => ({
      leadsTo: ledTo(scene),
      begun: REGIONS.flatMap((region) => guard(region).intended),
      changes: changes.slice(changed),
      errors: [...buyers.plain.fetches, ...buyers.proxied.fetches].filter(({ good }) => !good),
    });
  };

  beforeAll(async () => {
    scene = await openRegions({ kind, comment: WORDS });
  });
  afterAll(async () => {
    await scene[Symbol.asyncDispose]();
  });

  test("records that bear somebody's words are refused with them, not written to, and paged", async () => {
    const { content } = recordOf(scene, PLAIN);
    const adopting = await order("eu", "failover", "--adopt");
    expect(adopting.code).toBe(1);
    expect(adopting.err).toContain(`bears somebody's words: ${WORDS}`);
    const leading = await order("us", "failover", "--to", "us");
    expect(leading.code).toBe(1);
    expect(leading.err).toContain("bears somebody's words");
    const paged = await waitUntil("a person is called", () => scene.alerts.received.find(({ reason }) => reason === "region_records_foreign"));
    expect(paged).toMatchObject({ state: "firing", severity: "page", summary: expect.stringContaining(WORDS), runbook: expect.stringContaining("region-records-foreign.md") });
    expect(recordOf(scene, PLAIN)).toMatchObject({ content, comment: WORDS });
    expect(scene.cloudflare.control.seen.filter(({ method, path }) => method === "PATCH" && !path.endsWith(recordOf(scene, SHADOW).id))).toEqual([]);
    for (const name of [PLAIN, PROXIED]) await scene.cloudflare.world.editRecord(recordOf(scene, name).id, { comment: "" });
  });

  test("a person puts the shop's mark beside the records, and rehearses: the shadow record leads elsewhere, and a resolver says so", async () => {
    expect(await order("eu", "failover", "--adopt")).toMatchObject({ code: 0, out: expect.stringContaining(`marked ${PLAIN} A`) });
    await knownEverywhere(scene, "eu");
    const resolver = new Resolver();
    resolver.setServers([`127.0.0.1:${scene.resolverPort}`]);
    // It has the old answer in its cache.
    expect(await resolver.resolve4(SHADOW)).toEqual([scene.regions.eu.address]);
    const drill = await order("us", "drill", "failover", "--to", "us", "--resolver", `127.0.0.1:${scene.resolverPort}`, "--json");
    expect(drill).toMatchObject({ code: 0, err: "" });
    expect(JSON.parse(drill.out)).toEqual({ name: SHADOW, type: "A", from: "eu", to: "us", provider_ms: expect.any(Number), seen_ms: expect.any(Number), bound_ms: 60_000 });
    expect(recordOf(scene, SHADOW).content).toBe(scene.regions.us.address);
    expect(ledTo(scene)).toBe("eu");
  });

  test("a primary that only the other region cannot reach is not left, whichever way is cut, nor once the witness is silent too; it is said whose word is missing", async () => {
    const { network } = scene;
    const seen = await watch();
    for (const way of ["requests", "answers"] as const) {
      await network.mend();
      await network.cut("us", "eu", way);
      await holds("us: down; home: up");
    }
    await network.cutOff(WITNESS);
    await waitUntil("us misses the witness's word", () => isHeld("us: down; home: no answer"));
    expect(seen()).toEqual(NOTHING);
    await network.mend();
    // Were both mended at once, the witness might speak against eu before it has looked again, in the moment in which us has not either.
    await network.cutOff(WITNESS);
    await waitUntil("us sees eu again", async () => (await guard("us").regions()).decision === "stay: eu answers");
    await network.mend();
  });

  test("a witness that is cut off moves nobody, though for it both regions are gone", async () => {
    const seen = await watch();
    await scene.network.cutOff(WITNESS);
    await lookedOn();
    await lookedOn();
    expect((await guard("us").regions()).decision).toBe("stay: eu answers");
    expect(seen()).toEqual(NOTHING);
    await scene.network.mend();
  });

  test("a primary that cannot reach the provider is not left either, nor can its people lead anybody by it, and buyers notice nothing", async () => {
    const { network } = scene;
    const seen = await watch();
    await network.cut("eu", "provider", "both");
    // It gives up after longer than two looks take.
    const leading = await order("eu", "failover", "--to", "eu");
    expect(leading).toMatchObject({ code: 1, err: expect.stringContaining("what stands at the provider cannot be read") });
    expect((await guard("us").regions()).decision).toBe("stay: eu answers");
    expect((await guard("eu").regions()).decision).toBe("stay: buyers are led to eu, which is here");
    expect(seen()).toEqual(NOTHING);
    await network.mend();
  });

  test("a primary that is cut off is left at once, and buyers are served again both ways", async () => {
    const { network, changes, alerts } = scene;
    const changed = changes.length;
    const struckAt = performance.now();
    await network.cutOff("eu");
    const intended = await waitUntil("us takes over", () => guard("us").intended[0]);
    expect(intended).toMatchObject({ to: "us", cause: "down", epoch: 2 });
    await served("us", struckAt);
    expect(changes.slice(changed).map(({ name, leadsTo }) => [name, leadsTo])).toEqual([[PLAIN, "us"], [PROXIED, "us"]]);
    expect(recordOf(scene, PLAIN).comment).toMatch(/^shopkeeper site=shop region=us epoch=2 at=\d+$/);
    await waitUntil("people are told", () => alerts.received.find(({ reason, severity }) => reason === "region_failed_over" && severity === "page"));
    expect(guard("eu").intended).toEqual([]);
  });

  test("once it is mended a person leads buyers back, by the daemon of that region alone", async () => {
    await scene.network.mend();
    await scene.regions.eu.revive();
    await waitUntil("eu is well from outside", async () => (await guard("eu").regions()).regions.every(({ sees }) => sees === "up"));
    const elsewhere = await order("us", "failback");
    expect(elsewhere).toMatchObject({ code: 1, err: expect.stringContaining("buyers are led to eu by its own daemon") });
    const at = performance.now();
    // Its last reading is from before the failover.
    expect(await order("eu", "failback")).toMatchObject({ code: 0, out: expect.stringContaining("flip from us to eu, epoch 3 (manual)") });
    await served("eu", at);
    await knownEverywhere(scene, "eu");
    expect(await order("us", "failover", "--ack")).toMatchObject({ code: 0 });
  });

  test("a token that may not write is found at the start, and paged", async () => {
    await scene.startWeakGuard();
    const paged = await waitUntil("a person is called", () => scene.alerts.received.find(({ reason }) => reason === "provider_rights"));
    expect(paged).toMatchObject({ state: "firing", severity: "page", target: "region/us", summary: expect.stringMatching(/the token may not write: .*10000/), runbook: expect.stringContaining("provider-rights.md") });
    expect(scene.cloudflare.control.seen.filter(({ status }) => status === 403).map(({ method }) => method)).toContain("PATCH");
    expect(scene.cloudflare.control.problems).toEqual([]);
  });

  test("a primary that hears everybody and answers nobody is left once, and does not take buyers back by itself", async () => {
    const { network, changes } = scene;
    const [changed, intended] = [changes.length, guard("us").intended.length];
    await knownEverywhere(scene, "eu");
    const struckAt = performance.now();
    for (const asker of ["us", WITNESS, "edge", "buyers"] as const) await network.cut(asker, "eu", "answers");
    await served("us", struckAt);
    await network.mend();
    await knownEverywhere(scene, "us");
    await waitUntil("eu says what it waits for", async () => (await guard("eu").regions()).decision.startsWith("hold (failback): eu must be healthy and verified for 15m"));
    expect(guard("us").intended.slice(intended)).toMatchObject([{ to: "us", cause: "down", epoch: 4 }]);
    // Its person led buyers to it before.
    expect(guard("eu").intended).toMatchObject([{ to: "eu", cause: "manual", epoch: 3 }]);
    expect(changes.slice(changed).map(({ name, leadsTo }) => [name, leadsTo])).toEqual([[PLAIN, "us"], [PROXIED, "us"]]);
  });
});
