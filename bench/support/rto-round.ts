/**
 * One failover end to end: all is calm, a fault strikes, buyers are led away; then it is mended, and a person leads them
 * back and says that the next one may follow.
 */
import type { Buyers, Fetch } from "../../test/support/regions/buyers.ts";
import { PLAIN, PROXIED } from "../../test/support/regions/configuration.ts";
import { waitUntil } from "../../test/support/regions/process.ts";
import { knownEverywhere, type RegionScene } from "../../test/support/regions/scene.ts";
import { pause } from "./processes.ts";
import type { RtoFault } from "./rto-faults.ts";

/** The rhythms of looks, of the resolver's cache and of the provider's readings are met at a moment of their own. */
const RHYTHM_MS = 10_000;
const LED_MS = 60_000;
const MENDED_MS = 120_000;
/** What buyers may still wait for beyond the resolver's cache. */
const PAGE_MS = 15_000;

export type RtoRound = {
  readonly fault: string;
  /** From the fault, in seconds. */
  readonly decided: number;
  readonly changed: number;
  readonly plain: number;
  readonly proxied: number;
  /** Fetches that failed where a gateway stood that could serve them. */
  readonly errors: readonly string[];
  /** Fetches that failed where none stood. */
  readonly lost: number;
};

/** @param ttlSeconds for how long the resolver and the buyers may keep an answer. @throws {Error} where a stage does not come to its end in time */
export async function playRound(scene: RegionScene, fault: RtoFault, ttlSeconds: number): Promise<RtoRound> {
  const { regions, buyers } = scene;
  await calm(scene);
  await pause(Math.random() * RHYTHM_MS);
  buyers.plain.forget();
  buyers.proxied.forget();
  const intents = regions.us.guard.intended.length;
  const struckAt = performance.now();
  await fault.strike(scene);
  const since = (at: number): number => (at - struckAt) / 1_000;

  const withinMs = LED_MS + fault.budget.from * 1_000;
  const decided = await waitUntil(`us decides to take over after "${fault.name}"`, () => regions.us.guard.intended[intents], withinMs);
  const changes = await Promise.all([PLAIN, PROXIED].map((name) => waitUntil(`${name} leads to us`, () => scene.changes.find((one) => one.at > struckAt && one.name === name && one.leadsTo === "us"))));
  const firstPage = async (which: Buyers): Promise<number> => {
    const isFirst = ({ good, origin, askedAt }: Fetch): boolean => good && origin === regions.us.address && askedAt > struckAt;
    return (await waitUntil("a buyer is served by us", () => which.fetches.find(isFirst), ttlSeconds * 1_000 + PAGE_MS)).doneAt;
  };
  const [plain, proxied] = await Promise.all([firstPage(buyers.plain), firstPage(buyers.proxied)]);

  await mend(scene);
  const mendedAt = performance.now();
  await leadBack(scene, ttlSeconds);
  const failed = [...buyers.plain.fetches, ...buyers.proxied.fetches].filter(({ good }) => !good);
  const isLost = ({ origin, askedAt, doneAt }: Fetch): boolean => !fault.serves && origin !== regions.us.address && doneAt > struckAt && askedAt < mendedAt;
  const errors = failed.filter((one) => !isLost(one)).map(({ page, origin, why, askedAt }) => `${page} of ${origin || "nowhere"}, asked after ${since(askedAt).toFixed(1)} s: ${why}`);
  return { fault: fault.name, decided: since(decided.at), changed: since(Math.max(...changes.map(({ at }) => at))), plain: since(plain), proxied: since(proxied), errors, lost: failed.filter(isLost).length };
}

/** Buyers are served by `eu`, and `us` could take over at once. */
async function calm({ regions, buyers }: RegionScene): Promise<void> {
  await waitUntil("all is calm", async () => {
    const view = await regions.us.guard.regions();
    const ready = view.regions.every(({ sees, says }) => sees === "up" && says?.status === "healthy" && says.selling);
    return ready && view.leadsTo === "eu" && view.decision.startsWith("stay") && isServedBy(buyers.plain, regions.eu.address) && isServedBy(buyers.proxied, regions.eu.address);
  }, MENDED_MS);
}

async function mend({ network, regions }: RegionScene): Promise<void> {
  await network.mend();
  await regions.eu.revive();
  await waitUntil("eu is well by its own account", async () => {
    const eu = (await regions.eu.guard.regions()).regions.find(({ name }) => name === "eu");
    return eu?.sees === "up" && eu.says?.status === "healthy" && eu.says.selling;
  }, MENDED_MS);
}

async function leadBack(scene: RegionScene, ttlSeconds: number): Promise<void> {
  const { regions, buyers } = scene;
  await orders(scene, "eu", "failback");
  await knownEverywhere(scene, "eu");
  await orders(scene, "us", "failover/ack");
  await waitUntil("buyers are back at eu", () => isServedBy(buyers.plain, regions.eu.address) && isServedBy(buyers.proxied, regions.eu.address), ttlSeconds * 1_000 + PAGE_MS);
}

async function orders({ regions }: RegionScene, region: "eu" | "us", path: string): Promise<void> {
  const { done, text } = await regions[region].guard.order(path);
  if (!done) throw new Error(`${region} refuses ${path}: ${text}`);
}

function isServedBy({ fetches }: Buyers, address: string): boolean {
  const last = fetches.at(-1);
  return last?.good === true && last.origin === address;
}
