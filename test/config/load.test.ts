import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import type { Config } from "../../src/config/config.ts";
import { reveal } from "../../src/config/secret.ts";
import { load, SITE } from "./harness.ts";

async function configOf(files: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}): Promise<Config> {
  const loaded = await load(files, env);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors, null, 2));
  return loaded.config;
}

async function warningsOf(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  return (await load(files)).warnings.map((warning) => warning.message);
}

const CHECK = "name: application\nprobe: http\nendpoint: /ping\ninterval: 3s\ntimeout: 1s\n";

test("a ledger has a largest size: its file is checked whole when it is opened", async () => {
  expect((await configOf({ "shopkeeper.yaml": `${SITE}ledger: { max_size: 2GB }\n` })).ledger.maxBytes).toBe(2_000_000_000);
  const loaded = await load({ "shopkeeper.yaml": `${SITE}ledger: { max_size: 3GB }\n` });
  expect(loaded.ok ? [] : loaded.errors).toMatchObject([{ path: "ledger.max_size", expected: "a size from 1000000 B to 2000000000 B" }]);
});

describe("which files count", () => {
  test("a file of the same name replaces the shipped one whole", async () => {
    const config = await configOf({ "shopkeeper.yaml": SITE, "checks/application.yaml": CHECK });
    const found = config.checks.filter((check) => check.name === "application");
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ endpoint: "/ping", assertions: [], cadence: { interval: 3_000, fast: 2_000, down: 3_000 } });
  });

  test("a check of the same name replaces the shipped one, whatever its file is called", async () => {
    const config = await configOf({ "shopkeeper.yaml": SITE, "checks/mine.yml": CHECK });
    expect(config.checks.filter((check) => check.name === "application").map((check) => check.endpoint)).toEqual(["/ping"]);
  });

  test("other files add", async () => {
    const config = await configOf({ "shopkeeper.yaml": SITE, "checks/second.yaml": CHECK.replace("application", "second") });
    expect(config.checks.map((check) => check.name)).toEqual(["application", "dependencies", "shopify_api", "second", "page"]);
  });

  test("a page check of one's own replaces the preset's", async () => {
    const config = await configOf({ "shopkeeper.yaml": SITE, "checks/page.yaml": "name: page\nprobe: page\npage: /products/tent\n" });
    expect(config.checks.filter((check) => check.name === "page").map((check) => check.settings)).toEqual([{ page: "/products/tent", must_contain: [], must_not_contain: [] }]);
  });

  test.each([
    ["mode: observe\n", "observe", true],
    ["mode: act\n", "act", true],
    ["", "observe", false],
  ])("a policy file of one's own with %j has mode %s, given: %s", async (line, mode, given) => {
    const text = `name: pod_restart\ntrigger: application fails 3 consecutive times\naction: restart_pod\n${line}`;
    const config = await configOf({ "shopkeeper.yaml": SITE, "policies/pod_restart.yaml": text });
    expect(config.policies.find((policy) => policy.name === "pod_restart")).toMatchObject({ mode, modeGiven: given });
  });

  test("a disabled check is inactive, a disabled policy is gone", async () => {
    const config = await configOf({ "shopkeeper.yaml": `${SITE}disabled: [page, failover]\n` });
    expect(config.checks.find((check) => check.name === "page")?.inactive).toBe("disabled in shopkeeper.yaml");
    expect(config.policies.map((policy) => policy.name)).toEqual(["auto_scale_up", "circuit_breaker", "pod_restart"]);
  });

  test("without shopkeeper.yaml there is one error", async () => {
    const loaded = await load({});
    expect(loaded.ok ? [] : loaded.errors.map((error) => error.code)).toEqual(["FILE_MISSING"]);
  });

  test("an empty shopkeeper.yaml is said to be empty, once", async () => {
    const loaded = await load({ "shopkeeper.yaml": "" });
    expect(loaded.ok ? [] : loaded.errors.map((error) => error.message)).toEqual(["the file is empty"]);
  });

  test("errors of all files come at once", async () => {
    const loaded = await load({ "shopkeeper.yaml": `${SITE}roles: x\n`, "checks/a.yaml": "name: a\nprobe: nothing\n", "policies/b.yaml": "name: b\ntrigger: a fails often\naction: alert\n" });
    expect(loaded.ok ? [] : [...new Set(loaded.errors.map((error) => error.file.split(/[/\\]/).at(-1)))]).toEqual(["a.yaml", "b.yaml", "shopkeeper.yaml"]);
  });

  test("a check whose file is no YAML is still known to policies", async () => {
    const loaded = await load({ "shopkeeper.yaml": SITE, "checks/application.yaml": "name: application\nprobe: [http\n" });
    expect(loaded.ok ? [] : loaded.errors.map((error) => error.code)).toEqual(["YAML_SYNTAX"]);
  });
});

describe("references", () => {
  const ALERTS = SITE.replace("http://127.0.0.1:9999/alerts", "${HOOK}");

  test("variables are filled in; unquoted ones may be numbers", async () => {
    const config = await configOf({ "shopkeeper.yaml": `${SITE}budget:\n  actions_per_minute: \${N}\nguards:\n  storm_targets: \${M:-6}\n` }, { N: "5" });
    expect([config.budget.actionsPerMinute, config.guards.stormTargets]).toEqual([5, 6]);
  });

  test("a reference in a setting that may be secret becomes a secret that does not print", async () => {
    const config = await configOf({ "shopkeeper.yaml": ALERTS }, { HOOK: "https://hooks.example/abc" });
    const url = config.alerts[0]?.url ?? "";
    expect(reveal(url)).toBe("https://hooks.example/abc");
    expect(`${JSON.stringify(config)}${inspect(config, { depth: 9 })}`).not.toContain("hooks.example");
  });

  test("a secret's file is read, without its trailing line break", async () => {
    const config = await configOf({ "shopkeeper.yaml": `${SITE}peer_token: file:secrets/peer\n`, "secrets/peer": "s3cret\n" });
    expect(config.peerToken?.reveal()).toBe("s3cret");
    expect(config.peerToken?.origin).toBe("file:secrets/peer");
  });

  test("an empty variable counts as missing unless there is a fallback", async () => {
    const loaded = await load({ "shopkeeper.yaml": ALERTS }, { HOOK: "" });
    expect(loaded.ok ? [] : loaded.errors.map((error) => error.message)).toEqual(["the environment variable HOOK is empty"]);
  });

  test("an error about what a variable was filled in with shows the variable, not its value", async () => {
    const loaded = await load({ "shopkeeper.yaml": SITE.replace("http://127.0.0.1:3000", () => "${URL}") }, { URL: "hunter2" });
    expect(loaded.ok ? [] : loaded.errors.map((error) => error.message)).toEqual(['"${URL}" is not an http or https URL']);
  });

  test("$${ stands for itself", async () => {
    const config = await configOf({ "shopkeeper.yaml": SITE.replace("server.mjs", () => '"$${X}"') });
    expect(config.targets[0]?.process?.command).toEqual(["node", "${X}"]);
  });
});

describe("the configuration", () => {
  test("is frozen all the way down", async () => {
    const config = await configOf({ "shopkeeper.yaml": SITE });
    const open: string[] = [];
    const look = (value: unknown, path: string): void => {
      if (typeof value !== "object" || value === null) return;
      if (!Object.isFrozen(value)) open.push(path);
      for (const [key, inner] of Object.entries(value)) look(inner, `${path}.${key}`);
    };
    look(config, "config");
    expect(open).toEqual([]);
  });

  test("routes of the file are laid over the preset's, new ones stand first", async () => {
    const routes = "gateway:\n  routes:\n    product: { ttl: 1m }\n    lookbook: { match: /lookbook/** }\n    feed: { match: /feed, mode: pass }\n";
    const config = await configOf({ "shopkeeper.yaml": SITE.replace("gateway: {}\n", routes) });
    expect(config.gateway?.routes.map((route) => [route.name, route.match, route.mode, route.ttl])).toEqual([
      ["lookbook", "/lookbook/**", "page", 300_000],
      ["feed", "/feed", "pass", 0],
      ["home", "/", "page", 300_000],
      ["product", "/products/*", "page", 60_000],
      ["other", "/**", "pass", 300_000],
    ]);
  });

  test("the gateway's lists add to the preset's", async () => {
    const config = await configOf({ "shopkeeper.yaml": SITE.replace("gateway: {}", "gateway: { never: [/checkout/**], ignore_cookies: [ab], warm: [/products/tent] }") });
    expect(config.gateway).toMatchObject({ never: ["/cart", "/cart/**", "/account/**", "/checkout/**"], ignoreCookies: ["_shopify_*", "ab"], warm: ["/", "/products/tent"] });
  });

  test("a target is a process, a unit or only watched; the pulse is on where it can be", async () => {
    const targets = "  unit: { url: http://10.0.0.1, unit: shop.service }\n  far: { url: https://shop.example }\n  near: { url: http://localhost:1 }\n";
    const config = await configOf({ "shopkeeper.yaml": SITE.replace("gateway: {}", "gateway: { target: app }").replace("targets:\n", `targets:\n${targets}`) });
    expect(config.targets.map((target) => [target.id, target.kind, target.pulse, target.workload])).toEqual([
      ["unit", "systemd", true, "unit"],
      ["far", "origin", false, "far"],
      ["near", "origin", true, "near"],
      ["app", "process", true, "app"],
    ]);
  });

  test("numbers in a process's environment are text", async () => {
    const config = await configOf({ "shopkeeper.yaml": SITE.replace("server.mjs]", () => "server.mjs]\n      env: { PORT: 3000, DEBUG: true, EMPTY: '' }") });
    expect(config.targets[0]?.process?.env).toEqual({ PORT: "3000", DEBUG: "true", EMPTY: "" });
  });

  test("a check is beyond the host as soon as one of its targets is", async () => {
    const near = await configOf({ "shopkeeper.yaml": SITE });
    const far = await configOf({ "shopkeeper.yaml": SITE.replace("http://127.0.0.1:3000", "https://shop.example") });
    expect([near, far].map((config) => config.checks.find((check) => check.name === "application")?.remote)).toEqual([false, true]);
  });

  test("the page check looks at the whole workload behind the gateway, and at nothing else", async () => {
    const targets = "targets:\n  app2: { url: http://127.0.0.1:3001, workload: app }\n  blog: { url: http://127.0.0.1:4000 }\n";
    const config = await configOf({ "shopkeeper.yaml": SITE.replace("targets:\n", targets).replace("gateway: {}", "gateway: { target: app }") });
    expect(config.checks.find((check) => check.name === "page")?.targets).toEqual(["app2", "app"]);
  });
});

describe("warnings", () => {
  test("a site without alert routes is told that its escalation has nowhere to go", async () => {
    const warnings = await warningsOf({ "shopkeeper.yaml": SITE.replace(/alerts:\n.*\n.*\n/, "") });
    expect(warnings).toContain('no alert route is called "on_call": this escalation has nowhere to go');
  });

  test("a route that nothing is sent to is named", async () => {
    const warnings = await warningsOf({ "shopkeeper.yaml": SITE.replace("alerts:\n", "alerts:\n  spare: { url: http://127.0.0.1:1 }\n  third: { url: http://127.0.0.1:2 }\n") });
    expect(warnings.filter((warning) => warning.includes("alert route"))).toEqual(['nothing is sent to the alert route "third": no policy names it, and it is not the first of its severity']);
  });

  test("a policy in observe mode is named; one that is armed is not", async () => {
    const armed = "name: pod_restart\ntrigger: application fails 3 consecutive times\naction: restart_pod\nmode: act\n";
    const before = await warningsOf({ "shopkeeper.yaml": SITE });
    const after = await warningsOf({ "shopkeeper.yaml": SITE, "policies/pod_restart.yaml": armed });
    expect([before, after].map((warnings) => warnings.some((warning) => warning.startsWith("pod_restart is in mode observe")))).toEqual([true, false]);
  });

  test.each([
    ["gateway: {}", 7, true],
    ["gateway: { hosts: [] }", 7, true],
    ["gateway: { hosts: [shop.example.com] }", 0, false],
    ["gateway: { routes: { home: { mode: pass }, product: { mode: pass } } }", 0, false],
    ["", 0, false],
  ])("%s is told that any Host is answered, what to write and why: %j", async (line, lineNumber, isTold) => {
    const { ok, warnings } = await load({ "shopkeeper.yaml": SITE.replace("gateway: {}", line) });
    const told = warnings.filter((warning) => warning.message.includes("Host"));
    expect([ok, told.length]).toEqual([true, isTold ? 1 : 0]);
    if (isTold) expect(told[0]).toMatchObject({ line: lineNumber, path: expect.stringMatching(/^gateway(\.hosts)?$/), message: expect.stringContaining("names that strangers invent"), expected: expect.stringContaining("hosts: with every name buyers use") });
  });
});

describe("policies that are armed", () => {
  test("act, whatever their files say, and are no longer warned of", async () => {
    const text = `${SITE}armed: [pod_restart]\n`;
    const config = await configOf({ "shopkeeper.yaml": text });
    expect(config.policies.map(({ name, mode }) => [name, mode])).toContainEqual(["pod_restart", "act"]);
    expect((await warningsOf({ "shopkeeper.yaml": text })).filter((warning) => warning.startsWith("pod_restart"))).toEqual([]);
    expect((await warningsOf({ "shopkeeper.yaml": SITE })).filter((warning) => warning.startsWith("pod_restart")).length).toBe(1);
  });

  test("are known by name", async () => {
    const loaded = await load({ "shopkeeper.yaml": `${SITE}armed: [pod_restrt]\n` });
    expect(loaded.ok ? [] : loaded.errors).toMatchObject([{ path: "armed[0]", code: "UNKNOWN_NAME", nearest: "pod_restart" }]);
  });

  test("have three minutes for a pod in place of another, and what their files say otherwise", async () => {
    const pods = "site: shop\nrole: singleton\ntargets:\n  storefront: { kubernetes: { service: web } }\n";
    const within = async (files: Readonly<Record<string, string>>): Promise<number | undefined> => (await configOf(files)).policies.find(({ name }) => name === "pod_restart")?.verifyWithin;
    const own = "name: pod_restart\ntrigger: application fails 3 consecutive times\naction: restart_pod\nverify_within: 90s\n";
    expect([await within({ "shopkeeper.yaml": SITE }), await within({ "shopkeeper.yaml": pods }), await within({ "shopkeeper.yaml": pods, "policies/own.yaml": own })]).toEqual([60_000, 180_000, 90_000]);
  });
});

describe("pods and the cluster of a singleton", () => {
  const POD_SITE = "site: shop\nrole: singleton\ntargets:\n  storefront:\n    kubernetes: { service: web }\n";
  const errorsOf = async (text: string): Promise<readonly (readonly [string, string])[]> => {
    const loaded = await load({ "shopkeeper.yaml": text });
    return loaded.ok ? [] : loaded.errors.map((error) => [error.path, error.message]);
  };

  test("a target may be the pods of a Service, which the singleton finds", async () => {
    const config = await configOf({ "shopkeeper.yaml": POD_SITE });
    expect(config.targets).toMatchObject([{ id: "storefront", kind: "workload", workload: "web", url: "http://web", pulse: false, pods: { service: "web", sidecarPort: 9470, port: 3000 } }]);
    expect(config.cluster).toEqual({ namespace: null, kubeconfig: null, lease: { name: "shopkeeper", times: { duration: 15_000, renewWithin: 10_000, retry: 2_000 } }, state: "shopkeeper-state", ledger: "shopkeeper-ledger", watchFirst: 20_000 });
    expect(config.stores.state).toEqual({ kind: "kubernetes" });
  });

  test("sidecars bring a check and a policy, and make the page check one that is read there", async () => {
    const config = await configOf({ "shopkeeper.yaml": POD_SITE });
    expect(config.checks.filter((check) => check.inactive === null).map((check) => [check.name, check.targets])).toEqual([["application", ["storefront"]], ["page", ["storefront"]], ["sidecar", ["storefront"]]]);
    expect(config.policies.find((policy) => policy.name === "pod_unreachable")).toMatchObject({ action: "restart_pod", triggerText: "sidecar fails 3 consecutive times", mode: "observe" });
  });

  test("without sidecars the checks ask the applications themselves", async () => {
    const config = await configOf({ "shopkeeper.yaml": POD_SITE.replace("service: web", "service: web, sidecar: none, port: 8000") });
    expect(config.targets[0]?.pods).toEqual({ service: "web", sidecarPort: null, port: 8_000 });
    expect(config.checks.some((check) => check.name === "sidecar")).toBe(false);
  });

  test("a file of the same name replaces what comes with pods", async () => {
    const config = await configOf({ "shopkeeper.yaml": POD_SITE, "checks/own.yaml": "name: sidecar\nprobe: sidecar\ninterval: 3s\ntimeout: 1s\n" });
    expect(config.checks.filter((check) => check.name === "sidecar").map((check) => check.cadence.interval)).toEqual([3_000]);
  });

  test("elsewhere there is neither, and no cluster", async () => {
    const config = await configOf({ "shopkeeper.yaml": SITE });
    expect([config.cluster, config.checks.some((check) => check.name === "sidecar"), config.policies.some((policy) => policy.name === "pod_unreachable")]).toEqual([null, false, false]);
  });

  test.each<[string, string, readonly (readonly [string, string])[]]>([
    ["another role", POD_SITE.replace("role: singleton\n", ""), [["targets.storefront.kubernetes", "only the role singleton sees the pods of a cluster"]]],
    ["a process beside", `${POD_SITE}    unit: web.service\n`, [["targets.storefront.unit", '"unit" is of one application, and this target is the pods of a Service']]],
    ["neither", "site: shop\ntargets:\n  app: { zone: a }\n", [["targets.app", 'the key "url" is missing']]],
    ["a Service's name", POD_SITE.replace("service: web", "service: Web"), [["targets.storefront.kubernetes.service", '"Web" is not valid here']]],
    ["a cluster of another role", `${SITE}kubernetes: { namespace: shop }\n`, [["kubernetes", "only the role singleton speaks to a cluster"]]],
    ["times by which two would lead", `${POD_SITE}kubernetes: { lease: { duration: 5s } }\n`, [["kubernetes.lease", "duration must be above renew_within: else two may lead at once"]]],
  ])("%s is an error at its place", async (_what, text, errors) => {
    expect(await errorsOf(text)).toEqual(errors);
  });
});
