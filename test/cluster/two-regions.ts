/**
 * Two regions and a witness: each region a namespace with two pods, a pair of singletons and a public origin of its own;
 * the shop's name stands at a Cloudflare of ours. One API server stands for the two clusters.
 */
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { startCloudflare, type CloudflareStandIn } from "../../demo/cloudflare/stand-in.ts";
import { createRegionEyes } from "../../src/adapters/http-region-eyes.ts";
import { createLeanHttp } from "../../src/adapters/lean-http.ts";
import { ownAddress } from "../../src/adapters/own-address.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { createSystemRandom } from "../../src/adapters/system-random.ts";
import { Secret } from "../../src/config/secret.ts";
import type { Alert } from "../../src/core/alert.ts";
import { formatMark, parseMark } from "../../src/core/region/mark.ts";
import { DEFAULT_REGION_RULES } from "../../src/core/region/region.ts";
import type { RegionReport } from "../../src/core/region/report.ts";
import { accountToken } from "../support/cloudflare-daemons.ts";
import { startRelay, type Behind } from "./relay.ts";
import { addressesFor, folderOf, RunningSingleton, SECRETS, Singletons, type Place } from "./singletons.ts";

export type RegionName = "eu" | "us";

/** What a region has before its singletons: two pods behind a Service, in a namespace of their own. */
export type Shopfront = {
  readonly kubeconfig: string;
  readonly namespace: string;
  readonly sidecarPort: number;
  /** What the shop's name leads to when it leads here: an IPv4 address. */
  readonly address: string;
  /** Where it is looked at from outside. */
  readonly origin: string;
  /** All its pods are taken away, and its origin answers no more. */
  vanish(): Promise<void>;
};

export type Region<Front extends Shopfront> = {
  readonly name: RegionName;
  readonly leader: RunningSingleton;
  readonly other: RunningSingleton;
  readonly front: Front;
  /** What the one that does not lead answers another region's question; null: nothing that counts. */
  askOther(): Promise<RegionReport | null>;
};

export type TwoRegions<Front extends Shopfront = Shopfront> = AsyncDisposable & {
  readonly eu: Region<Front>;
  readonly us: Region<Front>;
  readonly cloudflare: CloudflareStandIn;
  /** Of the record that buyers follow. */
  readonly recordId: string;
  /** Where it leads and what it is marked as: "us, us epoch 2". */
  record(): string;
  /** Each write of it that the provider took, oldest first, as `record` says it. */
  writes(): readonly string[];
  /** What was sent to people because of regions, oldest first: "us firing region_late_write". */
  pages(): readonly string[];
};

const PODS = 2;
const NAME = "shop.example.com";
/** Several start at once, on cores that others use too. */
const START_WITHIN_MS = 60_000;
/** Ten singletons of other shops may start meanwhile: a leader that is kept waiting must not lose its lead by that. */
const LEASE = "  lease: { duration: 5s, renew_within: 4s, retry: 400ms }\n  watch_first: 2s";
/** Each region has a token of its own, of this id. */
export const tokenId = (region: RegionName): string => region.padEnd(32, "0");

/** Processes that start all at once keep each other from starting in time: those of shops side by side start one after the other. */
let starting: Promise<unknown> = Promise.resolve();

function inTurn<T>(start: () => Promise<T>): Promise<T> {
  const started = starting.then(start);
  starting = started.catch(() => undefined);
  return started;
}

/** Shops that stand at a time: each is five processes, on cores on which the leaders of other suites have to keep their leases. */
const AT_ONCE = 3;
let standing = 0;
const waiting: (() => void)[] = [];

/** Waits until one of the others is gone. */
async function takePlace(stack: AsyncDisposableStack): Promise<void> {
  if (standing < AT_ONCE) standing += 1;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  stack.defer(() => {
    const next = waiting.shift();
    if (next === undefined) standing -= 1;
    else next();
  });
}

/**
 * Resolves once both regions are well, see each other, and know that buyers are led to `first`.
 *
 * @param open of one region; what it defers is ended after the singletons.
 */
export async function startTwoRegions<Front extends Shopfront>(open: (name: RegionName, stack: AsyncDisposableStack) => Promise<Front>, first: RegionName = "eu"): Promise<TwoRegions<Front>> {
  await using stack = new AsyncDisposableStack();
  await takePlace(stack);
  const grounds = (["eu", "us"] as const).map(async (name) => ground(stack, await open(name, stack)));
  const [[eu, us], witness, receiver] = await Promise.all([Promise.all(grounds) as Promise<[Ground<Front>, Ground<Front>]>, addressesFor(1), startReceiver(stack)]);
  const tokens = [accountToken("eu", { value: SECRETS.CLOUDFLARE_EU }), accountToken("us", { value: SECRETS.CLOUDFLARE_US })];
  const cloudflare = await startCloudflare({ zoneName: "example.com", plan: "free", edge: { v4: ["192.0.2.30"], v6: [] }, dns: null, tokens });
  stack.defer(() => cloudflare.close());
  // By a hand-over: nothing was flipped yet, so no pause between two flips holds.
  const { id } = await cloudflare.world.addRecord({ name: NAME, type: "A", content: { eu, us }[first].front.address, proxied: true, comment: formatMark({ site: "shop", region: first, epoch: 1, flippedAt: 1 }) });
  // What proves the rights writes here.
  await cloudflare.world.addRecord({ name: `shadow.${NAME}`, type: "A", content: eu.front.address });
  const plan = planOf(eu, us, `http://${witness.ips[0]}:${witness.port}`);
  const provider = providerOf(cloudflare, eu, us);
  const region = (name: RegionName, on: Ground<Front>) => startRegion(stack, name, on, `region: ${name}\narmed: [failover]\nalerts: { on_call: { url: "${receiver.url}" } }\n${plan}${provider.replaceAll("TOKEN", `CLOUDFLARE_${name.toUpperCase()}`)}`);
  const [ofEu, ofUs] = await inTurn(() => Promise.all([region("eu", eu), region("us", us), startWitness(stack, plan, `${witness.ips[0]}:${witness.port}`)]));
  for (const { leader } of [ofEu, ofUs]) await leader.until(({ regions }) => regions?.leadsTo === first && regions.regions.every(({ sees, says }) => sees === "up" && says?.ready === PODS), START_WITHIN_MS);
  const kept = stack.move();
  const shown = (content: string, comment: string | null): string => {
    const mark = parseMark(comment ?? "");
    return `${content === eu.front.address ? "eu" : content === us.front.address ? "us" : content}, ${mark === null ? `${comment}` : `${mark.region} epoch ${mark.epoch}`}`;
  };
  return {
    eu: ofEu, us: ofUs, cloudflare, recordId: id,
    record: () => shown(cloudflare.world.records.get(id)?.content ?? "", cloudflare.world.records.get(id)?.comment ?? null),
    writes: () => cloudflare.world.recordChanges.filter((one) => one.id === id).map(({ content, comment }) => shown(content, comment)),
    pages: receiver.pages,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** A region with the addresses of its singletons. */
type Ground<Front extends Shopfront = Shopfront> = {
  readonly front: Front;
  /** Its Service for votes. */
  readonly daemon: string;
  readonly places: readonly [Place, Place];
  /** Whom the Service sends to, and whom the others find by the lease. */
  readonly settled: (singletons: readonly (readonly [Place, RunningSingleton])[]) => void;
};

/**
 * Two that run in one host have its address in common, by which each is found when it leads. So each listens at one of
 * its own, and at the host's stands whoever leads.
 */
async function ground<Front extends Shopfront>(stack: AsyncDisposableStack, front: Front): Promise<Ground<Front>> {
  const host = ownAddress();
  if (host === null) throw new Error("this host has no address but loopback, and of a pair one must reach the other");
  const { ips } = await addressesFor(2);
  let singletons: readonly (readonly [Place, RunningSingleton])[] = [];
  const leading = (which: "health" | "public") => (): Behind | null => {
    const [place] = singletons.toSorted(([, a], [, b]) => epochOf(b) - epochOf(a))[0] ?? [];
    return place === undefined ? null : { host: place.host, port: place[which] };
  };
  let turn = 0;
  const any = (): Behind | null => {
    const running = singletons.filter(([, one]) => one.isRunning());
    turn += 1;
    const [place] = running[turn % Math.max(1, running.length)] ?? [];
    return place === undefined ? null : { host: place.host, port: place.public };
  };
  const [health, votes, service] = await Promise.all([startRelay(host, 0, leading("health")), startRelay(host, 0, leading("public")), startRelay("127.0.0.1", 0, any)]);
  stack.defer(async () => void (await Promise.all([health, votes, service].map((one) => one.stop()))));
  const placeAt = (at = ""): Place => ({ host: at, health: Number(new URL(health.url).port), public: Number(new URL(votes.url).port) });
  return { front, daemon: service.url, places: [placeAt(ips[0]), placeAt(ips[1])], settled: (those) => void (singletons = those) };
}

/** Of the leadership that it won last; 0: it never did. */
function epochOf(one: RunningSingleton): number {
  return Number([...one.output().matchAll(/leads shop, epoch (\d+)/g)].at(-1)?.[1] ?? 0);
}

async function startRegion<Front extends Shopfront>(stack: AsyncDisposableStack, name: RegionName, { front, places, settled }: Ground<Front>, settings: string): Promise<Region<Front>> {
  const { kubeconfig, namespace, sidecarPort } = front;
  const singletons = new Singletons({ kubeconfig, namespace, sidecarPort, lease: LEASE, settings });
  stack.defer(() => singletons.stop());
  const pair: (readonly [Place, RunningSingleton])[] = [];
  for (const place of places) pair.push([place, await singletons.start(undefined, place)]);
  settled(pair);
  const leader = await singletons.leader(START_WITHIN_MS);
  const beside = pair.find(([, one]) => one !== leader);
  if (beside === undefined) throw new Error("no pair");
  const [{ host, public: votes }, other] = beside;
  return { name, leader, other, front, askOther: () => ask(name, `http://${host}:${votes}`) };
}

async function startWitness(stack: AsyncDisposableStack, plan: string, at: string): Promise<void> {
  const folder = await folderOf({ "shopkeeper.yaml": `site: shop\nrole: witness\nwitness: home\nconnectivity: []\nlisteners: { health: "127.0.0.1:0", admin: "off", public: "${at}" }\n${plan}` });
  const home = new RunningSingleton(folder);
  stack.defer(() => home.end());
  await home.started();
}

async function startReceiver(stack: AsyncDisposableStack): Promise<{ readonly url: string; readonly pages: () => readonly string[] }> {
  const alerts = new Map<string, Alert>();
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      // One that is told again has the id that it had: its first telling counts.
      const { id, data } = JSON.parse(body) as { id: string; data: Alert };
      if (!alerts.has(id)) alerts.set(id, data);
      response.end();
    });
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  stack.defer(() => {
    server.closeAllConnections();
    return new Promise((resolve) => void server.close(() => resolve()));
  });
  const address = server.address();
  const pages = (): readonly string[] => [...alerts.values()].filter(({ target }) => target.startsWith("region/")).map(({ target, state, reason }) => `${target.slice("region/".length)} ${state} ${reason}`);
  return { url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/`, pages };
}

const planOf = (eu: Ground, us: Ground, witness: string): string => `regions:
  eu: { origin: "${eu.front.origin}", daemon: "${eu.daemon}", floor: ${PODS} }
  us: { origin: "${us.front.origin}", daemon: "${us.daemon}", floor: ${PODS} }
witnesses: { home: { daemon: "${witness}" } }
failover:
  secret: "\${REGION_SECRET}"
  look_every: 1s
  look_deadline: 900ms
`;

const providerOf = ({ url, world }: CloudflareStandIn, eu: Ground, us: Ground): string => `  cloudflare:
    zone: "${world.zoneId}"
    account: "${world.accountId}"
    token: "\${TOKEN}"
    api: "${url}"
    records: [{ name: ${NAME}, type: A, to: { eu: ${eu.front.address}, us: ${us.front.address} } }]
    shadow: { name: shadow.${NAME}, type: A, proxied: false, to: { eu: ${eu.front.address}, us: ${us.front.address} } }
`;

/** As the witness asks a region's daemon. */
async function ask(name: RegionName, daemon: string): Promise<RegionReport | null> {
  const http = createLeanHttp({ clock: createSystemClock() });
  const regions = {
    here: null, me: "home", plan: { site: "shop", regions: [{ name, floor: 1 }], witnesses: ["home"], rules: DEFAULT_REGION_RULES }, places: [{ name, origin: "http://192.0.2.1", daemon }],
    witnesses: [], secret: new Secret(SECRETS.REGION_SECRET, "${REGION_SECRET}"), page: "/", expect: 200, provider: null,
  };
  try {
    return await createRegionEyes({ regions, http, random: createSystemRandom(), online: async () => null, heard: () => {} }).report(name, AbortSignal.timeout(2_000));
  } finally {
    await http.close();
  }
}
