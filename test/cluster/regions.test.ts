/** Two regions, each with its own singleton on a real API server, and a witness: one that has lost its pods is left, by itself and by the others. */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startCloudflare } from "../../demo/cloudflare/stand-in.ts";
import { bundle } from "../support/bundle.ts";
import { freePort, until } from "../support/faulty-server.ts";
import { apiScene } from "./api-scene.ts";
import { createApiWorld } from "./api-world.ts";
import { lacking } from "./needs.ts";
import { addressesFor, SECRETS, Singletons, type RunningSingleton } from "./singletons.ts";
import { toldSidecar } from "./told-sidecars.ts";

const LATE_MS = 60_000;
const REGIONS = ["eu", "us"] as const;
type Region = (typeof REGIONS)[number];

describe.skipIf(lacking("api").length > 0)("regions on a real API server", () => {
  const world = createApiWorld();

  test("one whose pods are all gone gives itself up, and the other leads buyers to itself", { timeout: 150_000 }, async () => {
    await using stack = new AsyncDisposableStack();
    const cloudflare = await startCloudflare({
      zoneName: "example.com", plan: "free", edge: { v4: ["192.0.2.1"], v6: [] }, dns: null,
      tokens: [{ value: SECRETS.CLOUDFLARE_TOKEN, id: "a".repeat(32), kind: "account", status: "active", rights: ["dns:edit"] }],
    });
    stack.defer(() => cloudflare.close());
    const record = await cloudflare.world.addRecord({ name: "shop.example.com", type: "A", content: "203.0.113.7", proxied: true, comment: "shopkeeper site=shop region=eu epoch=1 at=1" });
    const ports = Object.fromEntries(await Promise.all(["eu", "us", "home"].map(async (name) => [name, await freePort()] as const)));
    const [eu, us] = await Promise.all(REGIONS.map(() => openRegion(stack)));
    if (eu === undefined || us === undefined) throw new Error("no regions");
    const shared = sharedSettings({ eu: eu.url, us: us.url }, ports);
    const provider = `  cloudflare: { zone: "${cloudflare.world.zoneId}", account: "${cloudflare.world.accountId}", token: "\${CLOUDFLARE_TOKEN}", api: "${cloudflare.url}", records: [{ name: shop.example.com, type: A, to: { eu: 203.0.113.7, us: 198.51.100.9 } }] }`;
    const guard = (name: Region, region: typeof eu): Promise<RunningSingleton> => {
      const singletons = new Singletons({ kubeconfig: world.api().kubeconfig, namespace: region.scene.cluster.namespace, sidecarPort: region.sidecarPort, publicPort: ports[name] ?? 0, settings: `region: ${name}\narmed: [failover]\n${shared}\n${provider}` });
      stack.defer(() => singletons.stop());
      return singletons.start();
    };
    await startWitness(stack, `site: shop\nrole: witness\nwitness: home\nconnectivity: []\nlisteners: { health: "127.0.0.1:0", public: "127.0.0.1:${ports["home"]}" }\n${shared}\n`);
    const [ofEu, ofUs] = await Promise.all([guard("eu", eu), guard("us", us)]);
    const calm = await ofUs.until((seen) => seen.status === "healthy" && seen.regions?.leadsTo === "eu" && seen.regions.regions.every(({ sees, says }) => sees === "up" && says?.ready === 2), LATE_MS);
    expect(calm.regions).toMatchObject({ here: "us", provider: "cloudflare_dns", onlyRecords: null });

    await Promise.all(eu.pods.map((name) => eu.scene.removePod(name)));
    await eu.stopOrigin();
    const after = await ofUs.until((seen) => seen.regions?.leadsTo === "us", LATE_MS);
    expect(after.regions).toMatchObject({ epoch: 2 });
    expect(cloudflare.world.records.get(record.id)).toMatchObject({ content: "198.51.100.9", comment: expect.stringMatching(/^shopkeeper site=shop region=us epoch=2 at=\d+$/) });
    const acts = (await ofUs.ledger()).filter(({ target, kind }) => target === "region/us" && (kind === "intent" || kind === "outcome"));
    expect(acts.map(({ kind, details }) => [kind, details["epoch"]])).toEqual([["intent", 1], ["outcome", 1]]);
    await until(async () => (await ofEu.answer("health", "/health/region")).status === 503, "the region that is lost says so");
    const lost = await ofUs.until((seen) => seen.regions?.regions[0]?.says?.givesUp != null, LATE_MS);
    expect(lost.regions?.regions[0]).toMatchObject({ name: "eu", sees: "down", says: { ready: 0, givesUp: "it has no instance left" } });
    expect(cloudflare.control.problems).toEqual([]);
  });

  /** Two pods behind a Service, and what buyers would reach. */
  async function openRegion(stack: AsyncDisposableStack) {
    const scene = await apiScene(world);
    stack.defer(() => scene.end());
    const { port, ips } = await addressesFor(2);
    const sidecars = await Promise.all(ips.map((ip) => toldSidecar(ip, port)));
    stack.defer(async () => void (await Promise.all(sidecars.map((one) => one.stop()))));
    const pods = ["web-1", "web-2"];
    const refs = await Promise.all(pods.map((name, index) => scene.addPod({ name, app: "storefront", ip: ips[index] ?? "" })));
    await scene.addEndpoints("storefront", refs);
    await scene.addDeployment("storefront");
    const origin = createServer((_request, response) => response.end("<html></html>"));
    const originPort = await listen(origin);
    stack.defer(() => close(origin));
    return { scene, pods, sidecarPort: port, url: `http://127.0.0.1:${originPort}`, stopOrigin: () => close(origin) };
  }
});

function sharedSettings(origins: Readonly<Record<Region, string>>, ports: Readonly<Record<string, number>>): string {
  const regions = REGIONS.map((name) => `  ${name}: { origin: "${origins[name]}", daemon: "http://127.0.0.1:${ports[name]}", floor: 2 }`).join("\n");
  return `regions:\n${regions}\nwitnesses: { home: { daemon: "http://127.0.0.1:${ports["home"]}" } }\nfailover:\n  secret: "\${REGION_SECRET}"`;
}

async function startWitness(stack: AsyncDisposableStack, site: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "shopkeeper-witness-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, "shopkeeper.yaml"), site);
  const child = spawn(process.execPath, [bundle(), "run", "--config", join(folder, "shopkeeper.yaml")], { env: { ...process.env, ...SECRETS }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output = (output + chunk.toString()).slice(-10_000)));
  const gone = new Promise((resolve) => child.once("exit", resolve));
  stack.defer(async () => {
    child.kill("SIGTERM");
    await gone;
  });
  await until(() => {
    if (child.exitCode !== null) throw new Error(output);
    return output.includes('"event":"started"');
  }, "the witness has started");
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => void server.close(() => resolve()));
}
