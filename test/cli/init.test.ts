import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { diskFiles } from "../../src/config/files.ts";
import { loadConfig } from "../../src/config/load.ts";
import { catalogues } from "../../src/roles/catalogues.ts";
import { run } from "./recording-terminal.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "shopkeeper-init-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

const MANIFEST = `apiVersion: apps/v1
kind: Deployment
metadata: { name: shop }
spec:
  replicas: 3
  template:
    metadata: { labels: { app: shop } }
    spec:
      containers:
        - name: web
          ports: [{ containerPort: 8080 }]
          livenessProbe: { httpGet: { path: /alive, port: 8080 } }
          env: [{ name: PUBLIC_STORE_DOMAIN, value: shop.myshopify.com }]
---
apiVersion: v1
kind: Service
metadata: { name: shop-web }
spec: { selector: { app: shop }, ports: [{ port: 80, targetPort: 8080 }] }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: shop }
spec: { rules: [{ host: shop.example.com }] }
`;

describe("init", () => {
  test("writes a shopkeeper.yaml that is valid as it stands, and says what it saw", async () => {
    await write({ "package.json": '{"name":"my-shop","dependencies":{"@shopify/hydrogen":"1"},"scripts":{"start":"node server.mjs"}}' });
    const { code, out } = await run(["init"], { cwd: folder });
    expect(code).toBe(0);
    expect(out).toContain("a Hydrogen storefront");
    expect(await run(["validate"], { cwd: folder })).toMatchObject({ code: 0, out: expect.stringContaining("valid; 1 targets") });
    expect(await readFile(join(folder, "shopkeeper.yaml"), "utf8")).toContain('command: ["node","server.mjs"]');
  });

  test("writes into the folder named, which need not be there", async () => {
    expect(await run(["init", "shop", "--json"], { cwd: folder })).toMatchObject({ code: 0, err: "" });
    expect(await readdir(join(folder, "shop"))).toEqual(["shopkeeper.yaml"]);
  });

  test("overwrites nothing: 1, and the file stays as it was", async () => {
    await write({ "shopkeeper.yaml": "site: mine\n" });
    expect(await run(["init"], { cwd: folder })).toMatchObject({ code: 1, out: "", err: expect.stringContaining("there already is") });
    expect(await readFile(join(folder, "shopkeeper.yaml"), "utf8")).toBe("site: mine\n");
  });

  test("a package.json that is not JSON, and options without their file, are 2", async () => {
    await write({ "package.json": "{" });
    expect(await run(["init"], { cwd: folder })).toMatchObject({ code: 2, err: expect.stringContaining("not valid JSON") });
    expect(await run(["init", "--container", "web"], { cwd: folder })).toMatchObject({ code: 2, err: expect.stringContaining("--kubernetes") });
  });
});

describe("init --kubernetes", () => {
  test("writes a folder of kustomize beside the manifest and says what it found, changed and left", async () => {
    await write({ "k8s/shop.yaml": MANIFEST });
    const { code, out, err } = await run(["init", "--kubernetes", "k8s/shop.yaml"], { cwd: folder });
    expect([code, err]).toEqual([0, ""]);
    for (const text of ["found:", "changed:", "not touched, for you to decide:", "port 8090 (8080 is taken)", "kubectl create secret generic shop-shopkeeper", "kubectl apply -k k8s"]) expect(out).toContain(text);
    expect((await readdir(join(folder, "k8s/shopkeeper"))).toSorted()).toEqual(["checks", "deployment-patch.yaml", "kustomization.yaml", "peers-service.yaml", "service-shop-web-patch.yaml", "shopkeeper.yaml", "singleton"]);
  });

  test("the configuration it writes is valid with what the patch gives it, and fits its ports", async () => {
    await write({ "shop.yaml": MANIFEST });
    await run(["init", "out", "--kubernetes", "shop.yaml"], { cwd: folder });
    const read = (path: string): Promise<string> => (path.startsWith("/run/secrets/shopkeeper/") ? Promise.resolve("a-token-of-a-test") : diskFiles.read(path));
    const loaded = await loadConfig({ file: join(folder, "out/shopkeeper.yaml"), env: { PUBLIC_STORE_DOMAIN: "shop.myshopify.com" }, catalogues, files: { ...diskFiles, read } });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
    const { role, gateway, targets, checks, storefront, peers } = loaded.config;
    expect(peers).toEqual({ service: "shop-peers", port: 9470 });
    expect({ role, listen: gateway?.listen.port, hosts: gateway?.hosts, url: targets[0]?.url, origin: storefront?.origin }).toEqual({ role: "sidecar", listen: 8090, hosts: ["shop.example.com"], url: "http://127.0.0.1:8080", origin: "https://shop.myshopify.com" });
    expect(checks.find((check) => check.name === "application")?.endpoint).toBe("/alive");
  });

  test("the singleton's configuration is valid with what its Deployment gives it, and has the sidecar's port and names of its own", async () => {
    await write({ "shop.yaml": MANIFEST.replace("        - name: web\n", "        - { name: metrics, ports: [{ containerPort: 9470 }] }\n        - name: web\n") });
    await run(["init", "out", "--kubernetes", "shop.yaml", "--container", "web"], { cwd: folder });
    const read = (path: string): Promise<string> => (path.startsWith("/run/secrets/shopkeeper/") ? Promise.resolve("a-token-of-a-test") : diskFiles.read(path));
    const loaded = await loadConfig({ file: join(folder, "out/singleton/shopkeeper.yaml"), env: { PUBLIC_STORE_DOMAIN: "shop.myshopify.com" }, catalogues, files: { ...diskFiles, read } });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
    const { role, targets, cluster } = loaded.config;
    expect(role).toBe("singleton");
    expect(targets[0]).toMatchObject({ workload: "shop", pods: { service: "shop-web", sidecarPort: 9480 } });
    expect(cluster).toMatchObject({ lease: { name: "shop-shopkeeper" }, state: "shop-shopkeeper-state", ledger: "shop-shopkeeper-ledger" });
  });

  test("its patches name what they are laid over", async () => {
    await write({ "shop.yaml": MANIFEST });
    await run(["init", "out", "--kubernetes", "shop.yaml", "--json"], { cwd: folder });
    const at = async (file: string): Promise<unknown> => parse(await readFile(join(folder, "out", file), "utf8")) as unknown;
    expect(await at("deployment-patch.yaml")).toMatchObject({ kind: "Deployment", metadata: { name: "shop" } });
    expect(await at("service-shop-web-patch.yaml")).toMatchObject({ kind: "Service", metadata: { name: "shop-web" }, spec: { ports: [{ port: 80, targetPort: 8090 }] } });
    expect(await at("kustomization.yaml")).toMatchObject({ kind: "Component", patches: [{ path: "deployment-patch.yaml" }, { path: "service-shop-web-patch.yaml" }] });
  });

  test("a second run overwrites nothing and writes nothing", async () => {
    await write({ "shop.yaml": MANIFEST, "shopkeeper/peers-service.yaml": "mine\n" });
    expect(await run(["init", "--kubernetes", "shop.yaml"], { cwd: folder })).toMatchObject({ code: 1, err: expect.stringContaining("peers-service.yaml") });
    expect(await readdir(join(folder, "shopkeeper"))).toEqual(["peers-service.yaml"]);
  });

  test.each([
    ["a kind written wrong", MANIFEST.replace("kind: Deployment", "kind: Deploymet"), ["shop.yaml:2:7: error: kind: ", "expected kind: Deployment", "did you mean Deployment?"]],
    ["a place in a later document", `kind: ConfigMap\n---\n${MANIFEST.replace("apps/v1", "apps/v1beta1")}`, ["shop.yaml:3:13: error: apiVersion: ", "expected apps/v1"]],
    ["no YAML", "kind: [\n", ["shop.yaml:2:1: error: not valid YAML"]],
    ["a chart's template", "# chart\nkind: {{ .Values.kind }}\n", ["shop.yaml:2:7: error: this is a chart's template", "expected manifests as they are applied", "helm template"]],
    ["nothing", "# nothing\n", ["the file is empty"]],
  ])("%s is 2, with file, line, column and what was expected", async (_what, text, words) => {
    await write({ "shop.yaml": text });
    const { code, out, err } = await run(["init", "--kubernetes", "shop.yaml"], { cwd: folder });
    expect([code, out]).toEqual([2, ""]);
    for (const word of words) expect(err).toContain(word);
    expect(await readdir(folder)).toEqual(["shop.yaml"]);
  });

  test("a file that is not there is 2", async () => {
    expect(await run(["init", "--kubernetes", "nowhere.yaml"], { cwd: folder })).toMatchObject({ code: 2, err: expect.stringContaining("nowhere.yaml:1:1: error: cannot be read") });
  });
});
