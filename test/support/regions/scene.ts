/**
 * Two regions, a witness and a provider, as the tests and the bench break them: in each region an application, a gateway
 * before it and a guard beside it, all of them processes of their own; a network that can be cut between them; a Cloudflare
 * stand-in that writes into a real PowerDNS, behind a real caching resolver; an edge; and buyers.
 *
 * It stands under `test/support` since benches import from there and tests never from the bench.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { request } from "undici";
import { startCloudflare, type CloudflareStandIn } from "../../../demo/cloudflare/stand-in.ts";
import type { StoredRecord } from "../../../demo/cloudflare/world.ts";
import type { Right } from "../../../demo/cloudflare/tokens.ts";
import { startDnsmasq, dnsmasqLacks } from "../../../demo/dns/dnsmasq.ts";
import { powerDnsLacks, startPowerDns, type PublicDns } from "../../../demo/dns/powerdns.ts";
import { freeDnsPort as freePort } from "../../../demo/dns/server-process.ts";
import { accountToken, tokenValue } from "../cloudflare-daemons.ts";
import { chooseNetwork, openNetwork, type Choice } from "./choose-network.ts";
import { startBuyers, type Buyers } from "./buyers.ts";
import { gatewayYaml, guardEnv, guardYaml, PLAIN, PROXIED, SHADOW, witnessYaml, ZONE, type Zone } from "./configuration.ts";
import { startDaemon, type Daemon } from "./daemons.ts";
import { startEdge, type Edge } from "./edge.ts";
import { REGIONS, urlOf, WITNESS, type Address, type Network, type Ports, type Region } from "./network.ts";
import { startProcess, waitUntil, type SceneProcess } from "./process.ts";
import { startReceiver, type Receiver } from "./receiver.ts";

/** What is missing to open one, as commands; empty: nothing. */
export const sceneLacks = (): readonly string[] => [powerDnsLacks(), dnsmasqLacks()].filter((lack) => lack !== null);

export type SceneOptions = {
  /** Default: what `chooseNetwork` chooses. */
  readonly kind?: Choice["kind"];
  /** An Enterprise zone takes a TTL of 30 s, others of 60 s. */
  readonly enterprise?: boolean;
  /** Of what the caching resolver keeps and tells; null: as it was told. */
  readonly resolverCapSeconds?: number | null;
  /** From a change at the provider until its edge fetches from the new place. */
  readonly edgeDelayMs?: number;
  /** Beside the shop's records, from the start; null: nothing. */
  readonly comment?: string | null;
};

/** A record led somewhere. */
export type Change = { readonly at: number; readonly name: string; readonly leadsTo: Region | null };

const APPLICATION = fileURLToPath(new URL("../../e2e/daemon/application.ts", import.meta.url));
export const WEAK_TOKEN = "weak";
const TOKENS: Readonly<Record<string, readonly Right[]>> = { eu: ["dns:edit"], us: ["dns:edit"], [WEAK_TOKEN]: ["dns:read"] };

/** One region's own: killed and started again as part of a fault. */
export type RegionSite = {
  readonly address: string;
  readonly guard: Daemon;
  killApplication(): Promise<void>;
  killGateway(): Promise<void>;
  /** What was killed, and waits until the region's way in answers with the application's own page. */
  revive(): Promise<void>;
};

export type RegionScene = AsyncDisposable & {
  readonly network: Network;
  readonly cloudflare: CloudflareStandIn;
  readonly regions: Readonly<Record<Region, RegionSite>>;
  readonly buyers: Readonly<Record<"plain" | "proxied", Buyers>>;
  readonly alerts: Receiver;
  /** Each time a record began to lead elsewhere, oldest first. */
  readonly changes: readonly Change[];
  readonly resolverPort: number;
  /** A guard of `us` beside the one that is there, which only records, with a token that may not write. */
  readonly startWeakGuard: () => Promise<Daemon>;
};

/** As it stands at the provider. @throws {Error} where there is none */
export function recordOf({ cloudflare }: Pick<RegionScene, "cloudflare">, name: string): StoredRecord {
  const found = [...cloudflare.world.records.values()].find((one) => one.name === name);
  if (found === undefined) throw new Error(`the zone has no ${name}`);
  return found;
}

/** Where both of the shop's records lead; null: to different regions. */
export function ledTo(scene: RegionScene): Region | null {
  return REGIONS.find((region) => [PLAIN, PROXIED].every((name) => recordOf(scene, name).content === scene.regions[region].address)) ?? null;
}

/** Both guards have read that the buyers are led there, under the same epoch. */
export async function knownEverywhere(scene: RegionScene, region: Region): Promise<void> {
  await waitUntil(`both guards know that buyers are led to ${region}`, async () => {
    const views = await Promise.all(REGIONS.map((one) => scene.regions[one].guard.regions()));
    return views.every((view) => view.leadsTo === region && view.epoch === views[0]?.epoch);
  });
}

/** A person puts the shop's mark beside its records. */
export async function adopt(scene: RegionScene): Promise<void> {
  const { done, text } = await scene.regions.eu.guard.order("failover/adopt");
  if (!done) throw new Error(`the records were not adopted: ${text}`);
  await knownEverywhere(scene, "eu");
}

/** Buyers are led to `eu`; the records bear nobody's mark yet. */
export async function openRegions({ kind, enterprise = false, resolverCapSeconds = 5, edgeDelayMs = 2_000, comment = null }: SceneOptions = {}): Promise<RegionScene> {
  const closing = new AsyncDisposableStack();
  try {
    return await open(closing, { kind: kind ?? (await chooseNetwork()).kind, enterprise, resolverCapSeconds, edgeDelayMs, comment });
  } catch (error) {
    await closing.disposeAsync();
    throw error;
  }
}

async function open(closing: AsyncDisposableStack, { kind, enterprise, resolverCapSeconds, edgeDelayMs, comment }: Required<SceneOptions>): Promise<RegionScene> {
  const keep = <T extends { stop(): Promise<void> }>(one: T): T => closing.adopt(one, (kept) => kept.stop());
  const folder = closing.adopt(mkdtempSync(join(tmpdir(), "shopkeeper-regions-")), (path) => rmSync(path, { recursive: true, force: true, maxRetries: 3 }));
  const ports = await choosePorts();
  const network = keep(await openNetwork(kind, ports));
  const { places, origins } = network;
  const regionOf = (content: string): Region | null => REGIONS.find((one) => origins[one] === content) ?? null;

  const powerDns = keep(await startPowerDns(ZONE));
  const resolver = keep(await startDnsmasq(powerDns.port, ZONE, resolverCapSeconds));
  const edge = keep(await startEdge({ host: places.edge, port: ports.shop }, edgeDelayMs, (origin) => {
    const region = regionOf(origin);
    return region === null ? null : network.find("edge", `${region}:shop`);
  }));
  const changes: Change[] = [];
  const dns: PublicDns = {
    put: async (set) => {
      noteChange(cloudflare, set.name, regionOf, changes, edge);
      await powerDns.put(set);
    },
  };
  const cloudflare = await startCloudflare({
    zoneName: ZONE, plan: enterprise ? "enterprise" : "free", edge: { v4: [places.edge], v6: [] }, dns, listen: network.listen("provider"),
    tokens: Object.entries(TOKENS).map(([id, rights]) => accountToken(id, { rights })),
  });
  closing.adopt(cloudflare, (one) => one.close());
  const ttl = enterprise ? 30 : 60;
  for (const name of [PLAIN, PROXIED, SHADOW]) await cloudflare.world.addRecord({ name, type: "A", content: origins.eu, proxied: name === PROXIED, ttl, comment: name === SHADOW ? null : comment });

  const alerts = keep(await startReceiver(places.people));
  const zone: Zone = { zoneId: cloudflare.world.zoneId, accountId: cloudflare.world.accountId, ttlSeconds: ttl, enterprise };
  const guard = async (region: Region, token: string, admin: Address, publicly: Address): Promise<Daemon> => {
    const yaml = guardYaml({ region, network, appPort: ports.apps[region], admin, publicly, zone, token, alerts: alerts.url, armed: token === region });
    const daemon = await startDaemon({ folder: join(folder, `guard-${token}`), yaml, env: guardEnv(tokenValue(token)), behind: network.behind(region), admin });
    keep(daemon.process);
    return daemon;
  };
  const [eu, us] = await Promise.all(REGIONS.map((region) => openSite(region, { folder, ports, network, closing, guard: () => guard(region, region, { host: places[region], port: ports.admins[region] }, network.listen(`${region}:daemon`)) })));
  if (eu === undefined || us === undefined) throw new Error("there are two regions");
  keep((await startDaemon({ folder: join(folder, WITNESS), yaml: witnessYaml(network), env: guardEnv(""), behind: network.behind(WITNESS) })).process);
  const shop = { port: ports.shop, resolverPort: resolver.port, from: places.buyers };
  const buyers = { plain: keep(startBuyers({ ...shop, name: PLAIN })), proxied: keep(startBuyers({ ...shop, name: PROXIED })) };
  const startWeakGuard = async (): Promise<Daemon> => guard("us", WEAK_TOKEN, { host: places.us, port: await freePort() }, { host: places.us, port: await freePort() });
  return { network, cloudflare, regions: { eu, us }, buyers, alerts, changes, resolverPort: resolver.port, startWeakGuard, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}

/** The stand-in writes to the public after its own state: what it holds now is where the record leads. */
function noteChange({ world }: CloudflareStandIn, name: string, regionOf: (content: string) => Region | null, changes: Change[], edge: Edge): void {
  const [origin = ""] = world.originsOf(name);
  if (name === PROXIED) edge.lead(origin);
  const leadsTo = regionOf(origin);
  if (changes.findLast((one) => one.name === name)?.leadsTo !== leadsTo) changes.push({ at: performance.now(), name, leadsTo });
}

type ScenePorts = Ports & {
  readonly apps: Readonly<Record<Region, number>>;
  readonly admins: Readonly<Record<Region, number>>;
};

async function choosePorts(): Promise<ScenePorts> {
  const both = async (): Promise<Record<Region, number>> => ({ eu: await freePort(), us: await freePort() });
  return { shop: await freePort(), apps: await both(), gateways: await both(), admins: await both(), daemons: { ...(await both()), home: await freePort() }, provider: await freePort() };
}

type SiteParts = { readonly folder: string; readonly ports: ScenePorts; readonly network: Network; readonly closing: AsyncDisposableStack; readonly guard: () => Promise<Daemon> };

async function openSite(region: Region, { folder, ports, network, closing, guard }: SiteParts): Promise<RegionSite> {
  const appPort = ports.apps[region];
  const behind = network.behind(region);
  const yaml = gatewayYaml(appPort, network.listen(`${region}:shop`));
  const startApplication = (): SceneProcess => startProcess([APPLICATION, "--port", String(appPort)], { behind });
  const startGateway = async (): Promise<SceneProcess> => (await startDaemon({ folder: join(folder, `gateway-${region}`), yaml, behind })).process;
  let application = startApplication();
  closing.defer(() => application.stop());
  let gateway = await startGateway();
  closing.defer(() => gateway.stop());
  const answers = (): Promise<void> => waitUntil(`${region}'s way in answers with its application's page`, () => isRendered(network.find("buyers", `${region}:shop`))).then(() => undefined);
  await answers();
  return {
    address: network.origins[region],
    guard: await guard(),
    killApplication: () => application.kill(),
    killGateway: () => gateway.kill(),
    revive: async () => {
      if (application.ended()) application = startApplication();
      if (gateway.ended()) gateway = await startGateway();
      await answers();
    },
  };
}

/** The route of the cart is never answered from a copy. */
async function isRendered(at: Address): Promise<boolean> {
  const answer = await request(`${urlOf(at)}/cart`, { headersTimeout: 2_000, bodyTimeout: 2_000 });
  await answer.body.dump();
  return answer.statusCode === 200;
}
