import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import type { Assertion } from "../../src/core/assertion.ts";
import { shippedFolder } from "../../src/config/files.ts";
import { loadConfig } from "../../src/config/load.ts";
import { catalogues } from "../../src/roles/catalogues.ts";
import { folderOf, SITE } from "./harness.ts";

const STOREFRONT = "storefront: { origin: https://my-shop.myshopify.com }\nredis: { url: redis://127.0.0.1 }\n";

/** With the kinds of looks and remedies of this build. */
async function loadWith(site: string, parts: Readonly<Record<string, string>> = {}) {
  const files = folderOf({ "shopkeeper.yaml": site, ...parts });
  const loaded = await loadConfig({ file: join("shop", "shopkeeper.yaml"), env: {}, catalogues, files });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  return { checks: new Map(loaded.config.checks.map((check) => [check.name, check])), policies: new Map(loaded.config.policies.map((policy) => [policy.name, policy])), warnings: loaded.warnings };
}

function bounds(assertions: readonly Assertion[]): Readonly<Record<string, string>> {
  return Object.fromEntries(assertions.map(({ name, warn, fail }) => [name, fail === null ? `warn ${warn?.written}` : `fail ${fail.written}`]));
}

describe("the shipped checks", () => {
  test("application asks /health every 10 s for 5 s, with the four bounds", async () => {
    const check = (await loadWith(SITE + STOREFRONT)).checks.get("application");
    expect(check).toMatchObject({ probe: "http", endpoint: "/health", published: "/health/application", targets: ["app"], critical: true, inactive: null, dependsOn: [], thresholds: { fall: 3, rise: 2 } });
    expect(check?.cadence).toEqual({ interval: 10_000, fast: 2_000, down: 5_000, timeout: 5_000 });
    expect(bounds(check?.assertions ?? [])).toEqual({ http_status: "fail 200 OK", response_time: "warn < 500ms", memory_usage: "warn < 80%", cpu_usage: "warn < 90%" });
  });

  test("shopify_api looks every 30 s and is published at /health/shopify", async () => {
    const check = (await loadWith(SITE + STOREFRONT)).checks.get("shopify_api");
    expect(check).toMatchObject({ probe: "storefront_api", published: "/health/shopify", targets: ["site"], inactive: null, cadence: { interval: 30_000 } });
    expect(bounds(check?.assertions ?? [])).toEqual({ storefront_api: "fail reachable", api_latency: "warn < 200ms", rate_limit_remaining: "warn > 20%" });
  });

  test("dependencies looks every 30 s, is published at /health/deps, and leaves out what is not configured", async () => {
    const check = (await loadWith(SITE + STOREFRONT)).checks.get("dependencies");
    expect(check).toMatchObject({ published: "/health/deps", inactive: null, cadence: { interval: 30_000 }, inactiveAssertions: [{ name: "cdn" }] });
    expect(bounds(check?.assertions ?? [])).toEqual({ redis: "fail connected" });
  });

  test("without a storefront and Redis, both are inactive and say why", async () => {
    const { checks } = await loadWith(SITE);
    expect(checks.get("shopify_api")?.inactive).toContain("storefront");
    expect(checks.get("dependencies")?.inactive).toMatch(/redis: .*; cdn: /);
  });

  test("the preset adds a critical page check that the API's failure explains", async () => {
    const check = (await loadWith(SITE)).checks.get("page");
    expect(check).toMatchObject({ probe: "page", critical: true, dependsOn: ["shopify_api"], targets: ["app"], inactive: null, settings: { page: catalogues.presets["hydrogen-react-router"]?.page?.path } });
    expect(check?.settings).toMatchObject({ must_not_contain: catalogues.presets["hydrogen-react-router"]?.page?.mustNotContain });
  });

  test("without a gateway the page check is there, inactive, so that pod_restart still stands", async () => {
    const { checks, policies } = await loadWith(SITE.replace("gateway: {}\n", ""));
    expect(checks.get("page")?.inactive).toContain("no gateway");
    expect(policies.has("pod_restart")).toBe(true);
  });
});

describe("what lies beyond this host", () => {
  test.each([
    ["127.0.0.1:5432", false],
    ["localhost:5432", false],
    ["[::1]:5432", false],
    ["db.internal:5432", true],
    ["10.0.0.7:5432", true],
  ])("a tcp check of %s: %s", async (address, remote) => {
    const { checks } = await loadWith(SITE, { "checks/db.yaml": `name: db\nprobe: tcp\naddress: "${address}"\n` });
    expect(checks.get("db")?.remote).toBe(remote);
  });

  test.each([
    ["a CDN, also without a Redis", "", "https://cdn.shopify.com/x", true],
    ["a CDN, also beside a Redis of this host", "redis: { url: redis://127.0.0.1 }\n", "https://cdn.shopify.com/x", true],
    ["nothing else here", "redis: { url: redis://127.0.0.1 }\n", "http://127.0.0.1:1/x", false],
  ])("of the dependencies: %s", async (_what, redis, cdn, remote) => {
    const { checks } = await loadWith(SITE + redis, { "checks/dependencies.yaml": `name: dependencies\nprobe: dependencies\ncdn_url: ${cdn}\nchecks: { redis: connected, cdn: reachable }\n` });
    expect(checks.get("dependencies")?.remote).toBe(remote);
  });
});

describe("the shipped policies", () => {
  test("pod_restart fires after 3 failures of either check, escalates after 5, and starts by observing", async () => {
    expect((await loadWith(SITE)).policies.get("pod_restart")).toMatchObject({
      trigger: { kind: "or", any: [{ kind: "fails", check: "application", times: 3 }, { kind: "fails", check: "page", times: 3 }] },
      action: "restart_pod",
      mode: "observe",
      unavailable: null,
      cooldown: 60_000,
      escalation: { afterFailed: 5, within: 3_600_000, alert: "on_call" },
    });
  });

  test("auto_scale_up and failover validate, and say what they need to be carried out", async () => {
    const { policies } = await loadWith(SITE);
    expect(policies.get("auto_scale_up")).toMatchObject({ trigger: { kind: "sustained", metric: "cpu_usage", over: 70, forMs: 120_000 }, params: { max: 20 }, cooldown: 120_000 });
    expect(policies.get("auto_scale_up")?.unavailable).toContain("cluster");
    expect(policies.get("failover")).toMatchObject({ trigger: { kind: "region", region: "primary" }, params: { to: "secondary", rto: 60_000 }, cooldown: 3_600_000 });
    expect(policies.get("failover")?.unavailable).toContain("regions");
  });

  test("circuit_breaker holds the Storefront API's breaker open for 30 s and acts from the start", async () => {
    expect((await loadWith(SITE)).policies.get("circuit_breaker")).toMatchObject({
      trigger: { kind: "error_rate", check: "shopify_api", overPercent: 50 },
      action: "hold_breaker",
      mode: "act",
      unavailable: null,
      params: { breaker: "egress:storefront", for: 30_000 },
    });
  });

  test("circuit_breaker may renew its hold before it ends", async () => {
    const policy = (await loadWith(SITE)).policies.get("circuit_breaker");
    expect(policy?.cooldown).toBeLessThan(Number(policy?.params["for"]));
  });

  test("their modes are our caution, not the operator's wish", async () => {
    for (const policy of (await loadWith(SITE)).policies.values()) expect(policy.modeGiven).toBe(false);
  });

  test("a target that is only watched makes pod_restart record only, and validate says so", async () => {
    const { policies, warnings } = await loadWith(SITE.replace(/ {4}process:\n.*\n/, ""));
    expect(policies.get("pod_restart")?.unavailable).toContain("only watched");
    expect(warnings.map((warning) => warning.message).join("\n")).toContain("pod_restart only records");
  });
});

describe("the example", () => {
  test("examples/shopkeeper.yaml is valid", async () => {
    const file = join(import.meta.dirname, "../../examples/shopkeeper.yaml");
    const loaded = await loadConfig({ file, env: { PUBLIC_STOREFRONT_API_TOKEN: "token", ALERT_URL: "http://127.0.0.1/" }, catalogues });
    expect(loaded).toMatchObject({ ok: true, config: { site: "my-shop" } });
  });

  test("a CDN's check as docs/configuration.md has it is valid, lies beyond this host, and looks at all it names", async () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/configuration.md"), "utf8");
    const written = /^name: cdn\n[^`]*/m.exec(page)?.[0] ?? "";
    const { checks } = await loadWith(SITE, { "checks/cdn.yaml": written });
    expect(checks.get("cdn")).toMatchObject({ probe: "cdn", targets: ["site"], remote: true, critical: false, inactive: null, inactiveAssertions: [], settings: { window: 900_000, min_answers: 10 } });
    expect(bounds(checks.get("cdn")?.assertions ?? [])).toEqual({ reachable: "fail reachable", hit_rate: "warn > 90%", stale_share: "warn < 10%" });
  });

  test("without a CDN no check of one is there, and the dependencies leave theirs out", async () => {
    const { checks } = await loadWith(SITE + STOREFRONT);
    expect(checks.has("cdn")).toBe(false);
    expect(checks.get("dependencies")?.inactiveAssertions).toEqual([{ name: "cdn", reason: "no cdn_url is configured" }]);
  });

  test("the shipped folder is found from the source and beside a bundle", () => {
    expect(join(shippedFolder())).toBe(join(import.meta.dirname, "../..", "/"));
    const bundle = mkdtempSync(join(tmpdir(), "shopkeeper-"));
    mkdirSync(join(bundle, "checks"));
    writeFileSync(join(bundle, "checks", "application.yaml"), "");
    expect(join(shippedFolder(pathToFileURL(join(bundle, "shopkeeper.mjs")).href))).toBe(join(bundle, "/"));
    rmSync(bundle, { recursive: true });
  });
});
