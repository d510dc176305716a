/**
 * The overlays and components as kustomize itself renders them, by `kubectl kustomize`.
 */
import { existsSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { run } from "../cli/recording-terminal.ts";
import { deployment, service } from "../core/kubernetes/manifest.ts";
import { at, containersOf, FOLDER, named, parse, type Manifest } from "../deploy/manifests.ts";
import { OPT_IN, podSecurityViolations, resourceViolations, roleViolations } from "../deploy/rules.ts";
import { findProgram } from "../support/provide-servers.ts";
import { execute, succeed } from "./execute.ts";

const TIMEOUT_MS = 60_000;

/** One built with the cluster's suite, in the environment's folder, or on the PATH; it must know kustomize. */
async function findKubectl(): Promise<string | null> {
  const built = globSync(join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "shopkeeper-cluster/*/kubectl"));
  const asked = process.env["KUBEBUILDER_ASSETS"] === undefined ? [] : [join(process.env["KUBEBUILDER_ASSETS"], "kubectl")].filter((file) => existsSync(file));
  for (const program of [...asked, ...built, findProgram("kubectl")]) {
    if (program !== null && (await execute(program, ["kustomize", join(FOLDER, "overlays/basic")], { timeoutMs: TIMEOUT_MS })).code === 0) return program;
  }
  return null;
}

const kubectl = await findKubectl();
if (kubectl === null && process.env["CI"] === "true") throw new Error("no kubectl with kustomize is there to render the manifests");

/** Components are laid over base or singleton by a kustomization of their own. */
const scratch = mkdtempSync(join(tmpdir(), "shopkeeper-kustomize-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

async function render(folder: string): Promise<readonly Manifest[]> {
  return parse(await succeed(kubectl ?? "kubectl", ["kustomize", folder], { timeoutMs: TIMEOUT_MS }));
}

function withComponents(resource: string, ...components: readonly string[]): Promise<readonly Manifest[]> {
  const folder = join(scratch, [resource, ...components].join("-"));
  mkdirSync(folder);
  // kustomize takes folders by relative paths only.
  const manifests = relative(folder, FOLDER);
  const lines = ["namespace: shop", `resources: [${manifests}/${resource}]`, `components: [${components.map((name) => `${manifests}/components/${name}`).join(", ")}]`];
  writeFileSync(join(folder, "kustomization.yaml"), lines.join("\n"));
  return render(folder);
}

const STOREFRONT_KINDS = ["ConfigMap", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "Service", "Service", "ServiceAccount"];
const SINGLETON_KINDS = ["ConfigMap", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "Role", "Role", "RoleBinding", "RoleBinding", "Service", "ServiceAccount"];

describe.skipIf(kubectl === null)(`kustomize${kubectl === null ? " (not run: no kubectl that knows it)" : ""}`, () => {
  test.each([
    { overlay: "basic", replicas: 2, spread: "ScheduleAnyway", budget: { maxUnavailable: 1 }, scaled: null },
    { overlay: "advanced", replicas: 2, spread: "DoNotSchedule", budget: { maxUnavailable: 1 }, scaled: [2, 10] },
    { overlay: "enterprise", replicas: 3, spread: "DoNotSchedule", budget: { minAvailable: 2 }, scaled: [3, 20] },
  ])("$overlay: $replicas pods, budget $budget, scaled $scaled", async ({ overlay, replicas, spread, budget, scaled }) => {
    const all = await render(join(FOLDER, "overlays", overlay));
    expect(all.map((one) => one.kind).toSorted()).toEqual([...STOREFRONT_KINDS, ...SINGLETON_KINDS, ...(scaled === null ? [] : ["HorizontalPodAutoscaler"])].toSorted());
    const deployment = named(all, "Deployment", "storefront");
    expect(at(deployment, "spec.replicas")).toBe(replicas);
    expect(at(deployment, "spec.template.spec.topologySpreadConstraints[0]")).toMatchObject({ whenUnsatisfiable: spread, nodeTaintsPolicy: "Honor" });
    const { selector, ...rest } = named(all, "PodDisruptionBudget", "storefront")["spec"] as Readonly<Record<string, unknown>>;
    expect(selector).toBeDefined();
    expect(rest).toEqual({ ...budget, unhealthyPodEvictionPolicy: "AlwaysAllow" });
    if (scaled !== null) expect(named(all, "HorizontalPodAutoscaler", "storefront")["spec"]).toMatchObject({ minReplicas: scaled[0], maxReplicas: scaled[1] });
    expect(containersOf(deployment).map((one) => one["image"])).toEqual(["registry.example.com/shopkeeper:0.1.0", "registry.example.com/storefront:1.0.0"]);
  });

  test.each(["basic", "advanced", "enterprise", "edge"])("%s: everything in its namespace, Restricted, with CPU requests and no right too many", async (overlay) => {
    const all = await render(join(FOLDER, "overlays", overlay));
    expect(new Set(all.map((one) => one.metadata.namespace))).toEqual(new Set(["storefront"]));
    for (const deployment of all.filter((one) => one.kind === "Deployment")) {
      expect(podSecurityViolations(deployment)).toEqual([]);
      expect(resourceViolations(deployment)).toEqual([]);
      const maps = (at(deployment, "spec.template.spec.volumes") as readonly { configMap?: { name: string } }[]).flatMap((one) => one.configMap?.name ?? []);
      for (const name of maps) expect(at(named(all, "ConfigMap", name), "data")).toHaveProperty(["shopkeeper.yaml"]);
    }
    expect(all.filter((one) => one.kind === "Role").flatMap(roleViolations)).toEqual([]);
  });

  test("edge: the singleton alone, watching from outside, without a right on any pod", async () => {
    const all = await render(join(FOLDER, "overlays/edge"));
    expect(all.map((one) => one.kind).toSorted()).toEqual(["ConfigMap", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "Role", "RoleBinding", "Service", "ServiceAccount"]);
    expect(at(named(all, "Deployment", "shopkeeper"), "spec.template.spec.containers[0].env")).toEqual([{ name: "SHOPKEEPER_HEAP_MB", value: "256" }]);
    expect((at(named(all, "ConfigMap", "shopkeeper-singleton"), "data") as Readonly<Record<string, string>>)["shopkeeper.yaml"]).toContain("https://shop.example.com");
    expect(named(all, "RoleBinding", "shopkeeper")["subjects"]).toEqual([{ kind: "ServiceAccount", name: "shopkeeper", namespace: "storefront" }]);
  });

  test("classic-sidecar: the same container among the others, and both wait before they end", async () => {
    const deployment = named(await withComponents("base", "classic-sidecar"), "Deployment", "storefront");
    expect(at(deployment, "spec.template.spec.initContainers")).toBeUndefined();
    expect(containersOf(deployment).map((one) => [one.name, one["restartPolicy"], at(one, "lifecycle.preStop.exec.command")])).toEqual([
      ["storefront", undefined, ["sleep", "5"]],
      ["shopkeeper", undefined, ["sleep", "10"]],
    ]);
    expect([...podSecurityViolations(deployment), ...resourceViolations(deployment)]).toEqual([]);
  });

  test("hpa-owns-replicas: no number of its own", async () => {
    expect(at(named(await withComponents("base", "hpa-owns-replicas"), "Deployment", "storefront"), "spec.replicas")).toBeUndefined();
  });

  test("service-monitor: finds the Service of each by its label", async () => {
    const all = await withComponents("base", "service-monitor");
    const labels = at(named(all, "ServiceMonitor", "shopkeeper"), "spec.selector.matchLabels");
    const found = all.filter((one) => one.kind === "Service" && Object.entries(labels as object).every(([key, value]) => (at(one, "metadata.labels") as Readonly<Record<string, unknown>>)[key] === value));
    expect(found.map((one) => one.metadata.name)).toEqual(["storefront-peers"]);
  });

  test("what init --kubernetes writes is laid over the Deployment and its Service", async () => {
    const folder = join(scratch, "init");
    mkdirSync(folder);
    const values: readonly unknown[] = [deployment({ metadata: { namespace: "shop" } }), service()];
    writeFileSync(join(folder, "shop.yaml"), values.map((value) => stringify(value)).join("---\n"));
    await run(["init", "--kubernetes", "shop.yaml"], { cwd: folder });
    writeFileSync(join(folder, "kustomization.yaml"), "namespace: shop\nresources: [shop.yaml]\ncomponents: [shopkeeper]\nimages: [{ name: shopkeeper, newTag: \"0.1.0\" }]\n");
    const all = await render(folder);
    const rendered = named(all, "Deployment", "shop");
    expect(containersOf(rendered).map((one) => [one.name, one["restartPolicy"], one["image"]])).toEqual([["shopkeeper", "Always", "shopkeeper:0.1.0"], ["web", undefined, undefined]]);
    expect(at(rendered, "spec.replicas")).toBe(3);
    expect(at(named(all, "Service", "shop-web"), "spec.ports")).toEqual([{ port: 80, targetPort: 8080 }]);
    expect(at(named(all, "Service", "shop-peers"), "spec.publishNotReadyAddresses")).toBe(true);
    expect(at(named(all, "ConfigMap", "shop-shopkeeper"), "data")).toHaveProperty(["shopkeeper.yaml"]);
    expect(at(named(all, "Deployment", "shop-shopkeeper"), "spec.template.spec.containers[0].image")).toBe("shopkeeper:0.1.0");
    expect(at(named(all, "ConfigMap", "shop-shopkeeper-singleton"), "data")).toHaveProperty(["shopkeeper.yaml"], expect.stringContaining("role: singleton"));
    expect(at(named(all, "RoleBinding", "shop-shopkeeper-storefront"), "subjects")).toEqual([{ kind: "ServiceAccount", name: "shop-shopkeeper", namespace: "shop" }]);
  });

  test("delete-pods and quarantine-pods add one verb each, and nothing else", async () => {
    const rights = (all: readonly Manifest[]): readonly string[] => all.filter((one) => one.kind === "Role").flatMap(roleViolations);
    expect(rights(await withComponents("singleton", "delete-pods", "quarantine-pods")).toSorted()).toEqual(Object.entries(OPT_IN).flatMap(([resource, verbs]) => verbs.map((verb) => `${resource} ${verb}`)));
  });
});
