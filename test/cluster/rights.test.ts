/** Each right that is taken away is named by `validate --cluster`, and takes only its own recovery away: by ServiceAccounts of a real API server. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { createSystemRandom } from "../../src/adapters/system-random.ts";
import { openClusterAccess } from "../../src/roles/cluster-access.ts";
import { findRights, rightText } from "../../src/roles/cluster-rights.ts";
import { readConfig } from "../../src/roles/read-config.ts";
import { createApiWorld } from "./api-world.ts";
import { lacking } from "./needs.ts";
import { strangerKubeconfig, type PolicyRule } from "./strangers.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");
const LOOK = ["get", "list", "watch"];

/** What deploy/kubernetes/singleton/roles.yaml gives. */
const RULES: readonly PolicyRule[] = [
  { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create"] },
  { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["get", "update"], resourceNames: ["shopkeeper"] },
  { apiGroups: [""], resources: ["configmaps"], verbs: ["create"] },
  { apiGroups: [""], resources: ["configmaps"], verbs: ["get", "update"], resourceNames: ["shopkeeper-state", "shopkeeper-ledger"] },
  { apiGroups: ["events.k8s.io"], resources: ["events"], verbs: ["create"] },
  { apiGroups: [""], resources: ["pods"], verbs: LOOK },
  { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: LOOK },
  { apiGroups: ["policy"], resources: ["poddisruptionbudgets"], verbs: LOOK },
  { apiGroups: ["apps"], resources: ["deployments"], verbs: LOOK },
  { apiGroups: ["autoscaling"], resources: ["horizontalpodautoscalers"], verbs: LOOK },
  { apiGroups: ["metrics.k8s.io"], resources: ["pods"], verbs: ["list"] },
  { apiGroups: [""], resources: ["pods/eviction"], verbs: ["create"] },
  { apiGroups: ["apps"], resources: ["deployments/scale"], verbs: ["patch"], resourceNames: ["storefront"] },
];

describe.skipIf(lacking("api").length > 0)("validate --cluster", () => {
  const world = createApiWorld();
  let folder = "";
  let namespace = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "shopkeeper-rights-"));
    namespace = await world.namespace();
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function site(rules: readonly PolicyRule[]): Promise<string> {
    const kubeconfig = await strangerKubeconfig(world.api(), namespace, rules);
    const file = join(folder, "shopkeeper.yaml");
    await writeFile(file, `site: shop\nrole: singleton\ntargets:\n  storefront: { kubernetes: { service: storefront } }\nkubernetes: { kubeconfig: "${kubeconfig}", namespace: ${namespace} }\n`);
    return file;
  }

  async function validate(rules: readonly PolicyRule[]) {
    const file = await site(rules);
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, "validate", "--cluster", "--json", "--config", file], { encoding: "utf8", timeout: 30_000 });
    if (stdout === "") throw new Error(stderr);
    const { rights } = JSON.parse(stdout) as { rights: readonly { right: string; for: string; allowed: boolean }[] };
    return { status, missing: rights.flatMap((one) => (one.allowed ? [] : [`${one.right} (${one.for})`])) };
  }

  /** As the command asks, without a process for each. */
  async function missingFor(rules: readonly PolicyRule[]): Promise<readonly string[]> {
    const { loaded } = await readConfig(await site(rules), {});
    if (!loaded.ok || loaded.config.cluster === null) throw new Error("the configuration is not valid");
    const access = await openClusterAccess(loaded.config.cluster, createSystemClock(), createSystemRandom());
    try {
      const found = await findRights(loaded.config, access.cluster, AbortSignal.timeout(10_000));
      return found.flatMap(({ right, for: purpose, allowed }) => (allowed ? [] : [`${rightText(right)} (${purpose})`]));
    } finally {
      await access.close();
    }
  }

  test("the Role of the manifests is enough for what the configuration wants", { timeout: 60_000 }, async () => {
    expect(await validate(RULES)).toEqual({ status: 0, missing: [] });
    expect(await validate(RULES.slice(0, -2))).toEqual({ status: 2, missing: ["patch deployments/scale storefront (scale_up)", "create pods/eviction (restart_pod)"] });
  });

  test("every rule that is taken away is named, with what it was for", { timeout: 120_000 }, async () => {
    const found: (readonly string[])[] = [];
    for (const rule of RULES) found.push(await missingFor(RULES.filter((other) => other !== rule)));
    expect(found).toEqual([
      ["create leases.coordination.k8s.io (leading)"],
      ["get leases.coordination.k8s.io shopkeeper (leading)", "update leases.coordination.k8s.io shopkeeper (leading)"],
      ["create configmaps (state)"],
      ["get configmaps shopkeeper-state (state)", "update configmaps shopkeeper-state (state)", "get configmaps shopkeeper-ledger (state)", "update configmaps shopkeeper-ledger (state)"],
      ["create events.events.k8s.io (events)"],
      ...["pods", "endpointslices.discovery.k8s.io", "poddisruptionbudgets.policy", "deployments", "horizontalpodautoscalers.autoscaling"].map((kind) => LOOK.map((verb) => `${verb} ${kind} (seeing)`)),
      ["list pods.metrics.k8s.io (cpu)"],
      ["create pods/eviction (restart_pod)"],
      ["patch deployments/scale storefront (scale_up)"],
    ]);
  });

  test("another role speaks to no cluster, and says so", async () => {
    const file = join(folder, "other.yaml");
    await writeFile(file, "site: shop\ntargets:\n  app: { url: http://127.0.0.1:3000 }\n");
    const { status, stderr } = spawnSync(process.execPath, [MAIN, "validate", "--cluster", "--config", file], { encoding: "utf8", timeout: 30_000 });
    expect([status, stderr]).toEqual([2, expect.stringContaining("speaks to no cluster")]);
  });
});
