import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CheckSpec } from "../../src/core/check.ts";
import type { CheckState } from "../../src/core/check-state.ts";
import type { SiteJudgement } from "../../src/core/status.ts";
import { dependenciesOf, healthWord, judgeSite, judgeTarget } from "../../src/core/status.ts";
import { SITE } from "../../src/core/target.ts";
import { replay } from "../support/notation.ts";

type Options = Partial<Pick<CheckSpec, "critical" | "dependsOn" | "inactive" | "targets">>;

function check(name: string, options: Options = {}): CheckSpec {
  return {
    name,
    targets: ["app"],
    cadence: { interval: 10_000, fast: 2_000, down: 5_000, timeout: 1_000 },
    thresholds: { fall: 3, rise: 2 },
    critical: true,
    dependsOn: [],
    inactive: null,
    remote: false,
    ...options,
  };
}

const RUNS = { healthy: "..", degraded: "..www", unhealthy: "..xxx", unknown: "", gone: "..!" } as const;

/** Judges a site whose looks stand as said. */
function site(checks: readonly CheckSpec[], runs: Readonly<Record<string, keyof typeof RUNS>>): SiteJudgement {
  const states = new Map<string, CheckState>();
  for (const [key, run] of Object.entries(runs)) states.set(key, replay(RUNS[run]));
  return judgeSite(checks, states);
}

describe("the site's status", () => {
  const application = check("application");
  const page = check("page");
  const redis = check("redis", { critical: false, targets: [SITE] });

  test.each<[string, Readonly<Record<string, keyof typeof RUNS>>, string]>([
    ["nothing seen yet", {}, "unknown"],
    ["a critical look not seen yet", { "application@app": "healthy", "redis@site": "healthy" }, "unknown"],
    ["all healthy", { "application@app": "healthy", "page@app": "healthy", "redis@site": "healthy" }, "healthy"],
    ["only a non-critical one not seen yet", { "application@app": "healthy", "page@app": "healthy" }, "healthy"],
    ["a critical look unhealthy", { "application@app": "unhealthy", "page@app": "healthy", "redis@site": "healthy" }, "unhealthy"],
    ["a critical look unhealthy beside an unknown one", { "application@app": "unhealthy" }, "unhealthy"],
    ["a non-critical look unhealthy", { "application@app": "healthy", "page@app": "healthy", "redis@site": "unhealthy" }, "degraded"],
    ["a critical look degraded", { "application@app": "degraded", "page@app": "healthy", "redis@site": "healthy" }, "degraded"],
  ])("%s", (_what, runs, expected) => {
    expect(site([application, page, redis], runs).status).toBe(expected);
  });

  test("causes name the worst first, and a healthy site has none", () => {
    const judged = site([application, page, redis], { "application@app": "degraded", "page@app": "unhealthy", "redis@site": "unhealthy" });
    expect(judged.causes.map((cause) => cause.key)).toEqual(["page@app", "redis@site", "application@app"]);
    expect(site([application], { "application@app": "healthy" }).causes).toEqual([]);
  });

  test("an inactive check is shown and does not count", () => {
    const judged = site([application, check("redis", { inactive: "no Redis is configured", targets: [SITE] })], { "application@app": "healthy", "redis@site": "unhealthy" });
    expect(judged.status).toBe("healthy");
    expect(judged.looks.map((look) => look.inactive)).toEqual([null, "no Redis is configured"]);
  });

  test("one target is judged by its own looks", () => {
    const both = site([check("application", { targets: ["a", "b"] })], { "application@a": "unhealthy", "application@b": "healthy" });
    expect(judgeTarget(both, "a").status).toBe("unhealthy");
    expect(judgeTarget(both, "b").status).toBe("healthy");
    expect(judgeTarget(both, "c").status).toBe("unknown");
  });
});

describe("suppression by a declared dependency", () => {
  const api = check("shopify_api", { targets: [SITE] });
  const page = check("page", { dependsOn: ["shopify_api"] });
  const cart = check("cart", { dependsOn: ["page"] });

  test("what depends on an unhealthy check is shown, not counted", () => {
    const judged = site([api, page], { "shopify_api@site": "unhealthy", "page@app": "unhealthy" });
    expect(judged.looks.map((look) => look.suppressedBy)).toEqual([null, "shopify_api@site"]);
    expect(judged.causes.map((cause) => cause.check)).toEqual(["shopify_api"]);
  });

  test("it goes through dependencies of dependencies, and names the root", () => {
    const judged = site([api, page, cart], { "shopify_api@site": "unhealthy", "page@app": "unhealthy", "cart@app": "unhealthy" });
    expect(judged.looks.find((look) => look.check === "cart")?.suppressedBy).toBe("shopify_api@site");
  });

  test.each<[string, Readonly<Record<string, keyof typeof RUNS>>, string | null]>([
    ["a degraded dependency explains nothing", { "shopify_api@site": "degraded", "page@app": "unhealthy" }, null],
    ["an unknown one neither", { "page@app": "unhealthy" }, null],
    ["a degradation is explained too", { "shopify_api@site": "unhealthy", "page@app": "degraded" }, "shopify_api@site"],
    ["a healthy look needs no explanation", { "shopify_api@site": "unhealthy", "page@app": "healthy" }, null],
    ["a process that exited is never covered", { "shopify_api@site": "unhealthy", "page@app": "gone" }, null],
  ])("%s", (_what, runs, expected) => {
    expect(site([api, page], runs).looks[1]?.suppressedBy).toBe(expected);
  });

  test("a refused connection is never covered", () => {
    const refused = { kind: "fail", at: 9e9, tookMs: 1, findings: [], facts: {}, cause: "refused", detail: "" } as const;
    const state: CheckState = { ...replay("..xxx"), lastEvidence: refused };
    const judged = judgeSite([api, page], new Map([["shopify_api@site", replay("..xxx")], ["page@app", state]]));
    expect(judged.looks[1]?.suppressedBy).toBeNull();
    expect(judged.status).toBe("unhealthy");
  });

  test("a dependency is asked at the same target first", () => {
    const health = check("health", { targets: ["a", "b"] });
    const pages = check("page", { targets: ["a", "b"], dependsOn: ["health"] });
    const judged = site([health, pages], { "health@a": "unhealthy", "health@b": "healthy", "page@a": "unhealthy", "page@b": "unhealthy" });
    expect(judged.looks.filter((look) => look.check === "page").map((look) => look.suppressedBy)).toEqual(["health@a", null]);
  });

  test("an inactive dependency explains nothing", () => {
    const judged = site([check("redis", { inactive: "not configured", targets: [SITE] }), check("page", { dependsOn: ["redis"] })], { "redis@site": "unhealthy", "page@app": "unhealthy" });
    expect(judged.looks[1]?.suppressedBy).toBeNull();
  });

  test("cycles end", () => {
    const checks = [check("a", { dependsOn: ["b"] }), check("b", { dependsOn: ["a"] })];
    expect(dependenciesOf("a", new Map(checks.map((one) => [one.name, one])))).toEqual(["b"]);
    expect(site(checks, { "a@app": "unhealthy", "b@app": "healthy" }).status).toBe("unhealthy");
  });
});

describe("whatever stands", () => {
  const names = ["a", "b", "c", "d"];
  const verdicts = fc.constantFrom<keyof typeof RUNS>("healthy", "degraded", "unhealthy", "unknown", "gone");
  const sites = fc.record({
    checks: fc.tuple(...names.map((name, index) => fc.record({ critical: fc.boolean(), dependsOn: fc.subarray(names.slice(0, index)) }).map((options) => check(name, options)))),
    runs: fc.tuple(...names.map((name) => verdicts.map((run) => [`${name}@app`, run] as const))).map((entries) => Object.fromEntries(entries)),
  });

  test("healthy means no counted look is ill; and an ill site always names a cause", () => {
    fc.assert(
      fc.property(sites, ({ checks, runs }) => {
        const judged = site(checks, runs);
        const ill = judged.looks.filter((look) => look.suppressedBy === null && (look.verdict === "unhealthy" || look.verdict === "degraded"));
        if (judged.status === "healthy") expect(ill).toEqual([]);
        if (judged.status === "unhealthy" || judged.status === "degraded") expect(judged.causes.length).toBe(ill.length);
      }),
    );
  });

  test("something unhealthy is always left uncovered: suppression cannot hide everything", () => {
    fc.assert(
      fc.property(sites, ({ checks, runs }) => {
        const judged = site(checks, runs);
        const unhealthy = judged.looks.filter((look) => look.verdict === "unhealthy");
        if (unhealthy.length > 0) expect(unhealthy.some((look) => look.suppressedBy === null)).toBe(true);
      }),
    );
  });

  test("a process that is gone is never covered", () => {
    fc.assert(
      fc.property(sites, ({ checks, runs }) => {
        for (const look of site(checks, runs).looks) if (runs[look.key] === "gone") expect(look.suppressedBy).toBeNull();
      }),
    );
  });
});

test.each([
  ["healthy", "pass"],
  ["degraded", "warn"],
  ["unknown", "warn"],
  ["unhealthy", "fail"],
] as const)("%s is %s in health+json", (status, word) => {
  expect(healthWord(status)).toBe(word);
});
