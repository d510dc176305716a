/** The shopkeeper.yaml of each ConfigMap, by our own loader, with what its Deployment puts beside it. */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Config } from "../../src/config/config.ts";
import { diskFiles } from "../../src/config/files.ts";
import { loadConfig } from "../../src/config/load.ts";
import { catalogues } from "../../src/roles/catalogues.ts";
import { at, containersOf, FILES, FOLDER, MANIFESTS, named, type Manifest } from "./manifests.ts";

const ALL = MANIFESTS.map(({ manifest }) => manifest);
const STOREFRONT = named(ALL, "Deployment", "storefront");
const SINGLETON = named(ALL, "Deployment", "shopkeeper");
/** Whose ConfigMap a file is. */
const DEPLOYMENTS: Readonly<Record<string, Manifest>> = {
  "base/shopkeeper.yaml": STOREFRONT,
  "singleton/shopkeeper.yaml": SINGLETON,
  "overlays/edge/shopkeeper.yaml": SINGLETON,
};

type Named = { readonly name: string };

/** The variables and files that the container called shopkeeper is given; values are of no matter. */
function givenBy(deployment: Manifest): { readonly env: Readonly<Record<string, string>>; readonly files: ReadonlySet<string> } {
  const container = containersOf(deployment).find((one) => one.name === "shopkeeper");
  const env = Object.fromEntries(((container?.["env"] ?? []) as readonly Named[]).map(({ name }) => [name, "shop.myshopify.com"]));
  const mounts = (container?.["volumeMounts"] ?? []) as readonly (Named & { readonly mountPath: string })[];
  const volumes = at(deployment, "spec.template.spec.volumes") as readonly (Named & { readonly secret?: { readonly items: readonly { readonly path: string }[] } })[];
  const files = volumes.flatMap(({ name, secret }) => (secret?.items ?? []).map(({ path }) => `${mounts.find((one) => one.name === name)?.mountPath}/${path}`));
  return { env, files: new Set(files) };
}

async function load(file: string): Promise<Config> {
  const deployment = DEPLOYMENTS[file];
  if (deployment === undefined) throw new Error(`whose configuration is ${file}?`);
  const given = givenBy(deployment);
  const files = { ...diskFiles, read: (path: string) => (given.files.has(path) ? Promise.resolve("a-token-of-a-test") : diskFiles.read(path)) };
  const loaded = await loadConfig({ file: join(FOLDER, file), env: given.env, catalogues, files });
  if (!loaded.ok) throw new Error(loaded.errors.map((one) => `${one.file}:${one.line}:${one.column}: ${one.message}`).join("\n"));
  return loaded.config;
}

describe.each(FILES.filter((file) => file.endsWith("/shopkeeper.yaml")))("%s", (file) => {
  test("is valid with the variables and secrets its Deployment gives", async () => {
    const config = await load(file);
    expect(config.role).toBe(file.startsWith("base") ? "sidecar" : "singleton");
    expect(config.peerToken).not.toBeNull();
  });

  test("writes nothing: no state file, and no token of its own making", async () => {
    const config = await load(file);
    expect(config.role === "sidecar" || config.stores.state.kind === "kubernetes").toBe(true);
    expect(config.tokens.length).toBeGreaterThan(0);
  });
});

test("the sidecar's ports are those of the Service, the probes and the metrics", async () => {
  const config = await load("base/shopkeeper.yaml");
  const sidecar = containersOf(STOREFRONT).find((one) => one.name === "shopkeeper");
  expect(at(named(ALL, "Service", "storefront"), "spec.ports[0].targetPort")).toBe(config.gateway?.listen.port);
  for (const probe of ["startupProbe", "readinessProbe", "livenessProbe"]) expect(at(sidecar, `${probe}.httpGet.port`)).toBe(config.listeners.health.port);
  expect(at(named(ALL, "Service", "storefront-peers"), "spec.ports[0].targetPort")).toBe(config.listeners.health.port);
  // Headless: its name is the pods' own addresses, so the port is the pods', too.
  expect(config.peers).toEqual({ service: "storefront-peers", port: config.listeners.health.port });
  expect(config.targets[0]?.url).toBe(`http://127.0.0.1:${String(at(STOREFRONT, "spec.template.spec.containers[0].ports[0].containerPort"))}`);
});
