import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { renderErrors, type ProblemCode } from "../../src/config/problem.ts";
import { load, SITE } from "./harness.ts";

/** Line and column, code, path, the text that is underlined, what was expected, the nearest right word. */
type Expected = readonly [place: string, code: ProblemCode, path: string, marked: string, expected: string | null, nearest: string | null];

/** Every error of each broken file, in the order they are shown; none is missing and none is too many. */
const BROKEN: Readonly<Record<string, readonly Expected[]>> = {
  "check-assertion-name.yaml": [
    ["5:3", "UNKNOWN_NAME", "checks.reponse_time", "reponse_time", "one of http_status, response_time, memory_usage, cpu_usage, header.NAME", "response_time"],
  ],
  "check-assertion-text.yaml": [
    ["5:24", "ASSERTION", "checks.response_time", "mss", "a unit: ms, s, m, h, %, B, KB, MB, GB, KiB, MiB or GiB; for example \"< 500ms\"", null],
    ["6:43", "ASSERTION", "checks.memory_usage.fail", "ninety", "a number; for example \"< 80%\"", null],
    ["7:15", "ASSERTION", "checks.cpu_usage", "< 90ms", "a bound in percent, for example \"< 90%\"", null],
    ["8:16", "ASSERTION", "checks.http_status", "healthy", "a status code, for example \"200 OK\"", null],
  ],
  "check-cycle.yaml": [
    ["5:5", "CYCLE", "depends_on[1]", "page", "dependencies without a ring", null],
  ],
  "check-depends-on.yaml": [
    ["3:11", "UNKNOWN_NAME", "targets[0]", "aap", "app", "app"],
    ["4:14", "UNKNOWN_NAME", "depends_on[0]", "shopfy_api", "one of application, dependencies, shopify_api, page", "shopify_api"],
    ["4:26", "CYCLE", "depends_on[1]", "broken", "another check", null],
  ],
  "check-duplicate-name.yaml": [
    ["1:7", "DUPLICATE_NAME", "name", "twin", "each name once", null],
  ],
  "check-duration.yaml": [
    ["3:11", "BAD_VALUE", "endpoint", "health", "a path that starts with \"/\", for example \"/health\"", null],
    ["4:11", "BAD_VALUE", "interval", "10 seconds", "a duration, for example \"10s\", \"250ms\", \"1h30m\"", null],
    ["5:10", "WRONG_TYPE", "timeout", "5", "a duration, for example \"10s\", \"250ms\", \"1h30m\"", null],
    ["6:7", "BAD_VALUE", "fall", "0", "at least 1", null],
  ],
  "check-probe.yaml": [
    ["2:8", "UNKNOWN_NAME", "probe", "htpp", "one of http, page, storefront_api, dependencies, sidecar", "http"],
  ],
  "check-timeout.yaml": [
    ["5:10", "RELATION", "timeout", "10s", "timeout below interval: a look never overlaps the next one", null],
  ],
  "check-unknown-key.yaml": [
    ["4:1", "UNKNOWN_KEY", "intervall", "intervall", "one of name, probe, endpoint, targets, interval, fast, down, timeout, fall, rise, critical, depends_on, checks, method, url", "interval"],
    ["5:1", "UNKNOWN_KEY", "metod", "metod", "one of name, probe, endpoint, targets, interval, fast, down, timeout, fall, rise, critical, depends_on, checks, method, url", "method"],
  ],
  "check-word.yaml": [
    ["4:19", "ASSERTION", "checks.storefront_api", "reachible", "reachable, for example \"reachable\"", "reachable"],
  ],
  "policy-action.yaml": [
    ["3:9", "UNKNOWN_NAME", "action", "restart_pd", "one of restart_pod, restart_process, quarantine_pod, rollout_restart, run_command, alert, hold_breaker, scale_up, pre_scale, failover_dns", "restart_pod"],
    ["4:7", "BAD_VALUE", "mode", "acting", "one of observe, act", null],
  ],
  "policy-escalation.yaml": [
    ["4:22", "BAD_VALUE", "escalation.after", "five failed restarts", "a number of attempts, for example \"5 failed restarts\"", null],
    ["4:52", "BAD_VALUE", "escalation.within", "1 hour", "a duration, for example \"10s\", \"250ms\", \"1h30m\"", null],
    ["4:67", "UNKNOWN_NAME", "escalation.alert", "on_cal", "on_call", "on_call"],
    ["5:11", "UNKNOWN_NAME", "windows[0]", "nights", "night", "night"],
  ],
  "policy-missing.yaml": [
    ["1:1", "MISSING_KEY", "trigger", "n", "a trigger, for example \"application fails 3 consecutive times\"", null],
    ["4:12", "BAD_VALUE", "params.command", "[", "at least 1 entry", null],
  ],
  "policy-params.yaml": [
    ["5:12", "BAD_VALUE", "params.breaker", "egress:storefrnt", "one of ingress:app, egress:storefront", "egress:storefront"],
    ["6:3", "UNKNOWN_KEY", "params.fro", "fro", "one of breaker, position, for", "for"],
  ],
  "policy-trigger-end.yaml": [
    ["2:30", "TRIGGER", "trigger", "'", "a duration such as 2m, at most 1h", null],
  ],
  "policy-trigger-folded.yaml": [
    ["4:6", "TRIGGER", "trigger", "aplication", "a check", "application"],
  ],
  "policy-trigger-quoted.yaml": [
    ["2:49", "TRIGGER", "trigger", "for", "\"%\"", null],
  ],
  "policy-workload.yaml": [
    ["4:1", "MISSING_KEY", "params.workload", "params", "params.workload: the name of a Deployment", null],
  ],
  "policy-trigger.yaml": [
    ["2:22", "TRIGGER", "trigger", "fials", "\"fails\" or \"error rate\"", "fails"],
  ],
  "site-duplicate-key.yaml": [
    ["5:3", "DUPLICATE_KEY", "targets.app", "app", "each key once", null],
  ],
  "site-gateway.yaml": [
    ["6:11", "UNKNOWN_NAME", "gateway.preset", "hydrogen-react-roter", "hydrogen-react-router", "hydrogen-react-router"],
    ["7:11", "UNKNOWN_NAME", "gateway.target", "ap", "app", "app"],
    ["8:11", "RELATION", "gateway.listen", "0.0.0.0:9470", "a port of its own", null],
  ],
  "site-missing-secret-file.yaml": [
    ["8:12", "SECRET_FILE", "tokens.anna.value", "file:secrets/anna", "a readable file", null],
    ["10:11", "BAD_VALUE", "tokens.ben.role", "oprator", "one of viewer, operator, approver", "operator"],
    ["11:12", "SECRET_FILE", "tokens.ben.value", "file:secrets/empty", "a file that holds the secret", null],
  ],
  "site-missing-variable.yaml": [
    ["4:27", "ENV_MISSING", "targets.app.url", "${APP_PRT}", "APP_PRT in the environment, or ${APP_PRT:-fallback}", "APP_PORT"],
    ["7:33", "ENV_MISSING", "alerts.on_call.url", "${HOOK_TOKEM}", "HOOK_TOKEM in the environment, or ${HOOK_TOKEM:-fallback}", "HOOK_TOKEN"],
  ],
  "site-not-yaml.yaml": [
    ["4:1", "YAML_SYNTAX", "", "c", null, null],
  ],
  "site-peers.yaml": [
    ["5:1", "MISSING_KEY", "peers", "peers", "peer_token: file:PATH or ${NAME}, the same in every pod", null],
    ["6:12", "BAD_VALUE", "peers.service", "Storefront_Peers", "a name of the cluster's DNS, for example \"storefront-peers\"", null],
    ["7:9", "BAD_VALUE", "peers.port", "0", "at least 1", null],
  ],
  "site-route.yaml": [
    ["7:5", "MISSING_KEY", "gateway.routes.prodct.match", "prodct", "a path pattern, or a route of the preset: home, product, other", "product"],
    ["10:7", "RELATION", "gateway.routes.home", "f", "first_byte at or below whole, or whole: \"0s\" for none", null],
    ["11:3", "RELATION", "gateway.breaker.max_reset", "breaker", "max_reset at or above reset", null],
  ],
  "site-secret-inline.yaml": [
    ["7:18", "SECRET_INLINE", "storefront.private_token", "********", "a reference: \"${NAME}\" or \"file:/path\"", null],
    ["9:8", "SECRET_INLINE", "redis.url", "********", "a reference: \"redis://:${NAME}@host\", \"${NAME}\" or \"file:/path\"", null],
  ],
  "site-state-password.yaml": [
    ["7:10", "SECRET_INLINE", "stores.state.url", "********", "a reference: \"redis://:${NAME}@host\", \"${NAME}\" or \"file:/path\"", null],
  ],
  "site-state-url.yaml": [
    ["6:5", "RELATION", "stores.state.url", "url", "kind: redis beside it, or no url", null],
  ],
  "site-state.yaml": [
    ["4:3", "MISSING_KEY", "stores.state", "state", "url: of the Redis that keeps the state, for example \"redis://redis-state:6379\" or \"${STATE_REDIS_URL}\"", null],
    ["5:11", "RELATION", "stores.state.kind", "redis", "sqlite or memory", null],
  ],
  "site-tab.yaml": [
    ["4:1", "TAB_INDENT", "", "\t", "spaces", null],
  ],
  "site-target.yaml": [
    ["1:7", "BAD_VALUE", "site", "My Shop", "a name of lower-case letters, digits, \"_\" or \"-\", starting with a letter", null],
    ["3:3", "BAD_VALUE", "targets.site", "site", "another name", null],
    ["4:10", "BAD_VALUE", "targets.site.url", "127.0.0.1:3000", "an http or https URL, for example \"http://127.0.0.1:3000\"", null],
    ["7:5", "RELATION", "targets.site.unit", "unit", "only one of process and unit", null],
    ["8:12", "UNKNOWN_NAME", "disabled[0]", "failovr", "one of application, dependencies, shopify_api, page, auto_scale_up, circuit_breaker, failover, pod_restart", "failover"],
  ],
  "site-unknown-key.yaml": [
    ["5:5", "UNKNOWN_KEY", "targets.app.startup_grce", "startup_grce", "one of url, kubernetes, workload, zone, region, process, unit, cgroup, pulse, startup_grace", "startup_grace"],
    ["6:1", "UNKNOWN_KEY", "gatway", "gatway", "one of site, role, time_zone, targets, storefront, redis, kubernetes, gateway, region, witness, regions, witnesses, failover, disabled, armed, listeners, connectivity, stores, ledger, alerts, tokens, peer_token, peers, windows, budget, guards", "gateway"],
  ],
  "site-warm-path.yaml": [
    ["8:7", "RELATION", "gateway.warm[1]", "/cart", "a path on a route with mode page: others are never stored", null],
    ["9:7", "RELATION", "gateway.warm[2]", "/blogs/news", "a path on a route with mode page: others are never stored", null],
  ],
  "site-wrong-type.yaml": [
    ["2:7", "BAD_VALUE", "role", "sidcar", "one of standalone, sidecar, singleton, witness", "sidecar"],
    ["7:16", "WRONG_TYPE", "targets.app.process.command", "node server.mjs", "a list: \"[a, b]\" or one \"- entry\" a line", null],
    ["9:12", "WRONG_TYPE", "gateway.workers", "two", "a whole number", null],
    ["10:17", "BAD_VALUE", "gateway.trusted_hops", "99", "at most 16", null],
  ],
};

const folder = join(import.meta.dirname, "broken");

function filesWith(name: string): Readonly<Record<string, string>> {
  const text = readFileSync(join(folder, name), "utf8");
  if (name.startsWith("site-")) return { "shopkeeper.yaml": text, "secrets/empty": "\n" };
  const part = name.startsWith("check-") ? "checks" : "policies";
  const twin = name === "check-duplicate-name.yaml" ? { "checks/a.yaml": text } : {};
  return { "shopkeeper.yaml": SITE, [`${part}/broken.yaml`]: text, ...twin };
}

async function errorsOf(name: string) {
  const loaded = await load(filesWith(name), { APP_PORT: "3000", HOOK_TOKEN: "x" });
  return loaded.ok ? [] : loaded.errors;
}

describe("broken configuration files", () => {
  test("every broken file is in the table, and there are twenty at least", () => {
    expect(readdirSync(folder).toSorted()).toEqual(Object.keys(BROKEN).toSorted());
    expect(Object.keys(BROKEN).length).toBeGreaterThanOrEqual(20);
  });

  test.each(Object.entries(BROKEN))("%s: every error, at its word, with what was expected and the nearest right word", async (name, expected) => {
    const errors = await errorsOf(name);
    const found = errors.map((error) => [`${error.line}:${error.column}`, error.code, error.path, error.source.slice(error.column - 1, error.column - 1 + error.length), error.expected, error.nearest]);
    expect(found).toEqual(expected);
  });

  test("an error is shown with place, path, expectation, nearest word and the line underlined", async () => {
    expect(renderErrors(await errorsOf("policy-trigger-folded.yaml"), { color: false })).toBe(
      [
        `${join("shop", "policies", "broken.yaml")}:4:6: error: trigger: "aplication" is not understood here`,
        "  expected a check",
        "  did you mean application?",
        "  4 |   or aplication fails 5 consecutive times",
        "           ^^^^^^^^^^",
      ].join("\n"),
    );
  });

  test("a secret that stands in the file is not shown", async () => {
    const shown = renderErrors(await errorsOf("site-secret-inline.yaml"), { color: true });
    expect(shown).not.toContain("shpat_0123456789");
    expect(shown).not.toContain("hunter2");
  });
});
