/**
 * The README's tables say what the source says.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { METRICS } from "../../src/adapters/metrics.ts";
import { REGION_METRICS } from "../../src/adapters/region-metrics.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { createProgram } from "../../src/cli/program.ts";
import type { Config } from "../../src/config/config.ts";
import { loadConfig } from "../../src/config/load.ts";
import { formatDuration } from "../../src/core/time.ts";
import { catalogues } from "../../src/roles/catalogues.ts";
import { startSpareThread } from "../../src/roles/spare-thread.ts";
import { VERSION } from "../../src/roles/version.ts";
import { adminListener } from "../../src/server/admin-listener.ts";
import { healthListener } from "../../src/server/health-listener.ts";
import { PROBLEMS } from "../../src/server/problem.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const readme = readFileSync(resolve(ROOT, "README.md"), "utf8");

/** Body rows of the table whose header row begins with these cells, cells trimmed. */
function tableOf(...heading: readonly string[]): readonly (readonly string[])[] {
  const lines = readme.split("\n");
  const start = lines.findIndex((line) => heading.every((cell, index) => line.split("|")[index + 1]?.trim() === cell));
  if (start === -1) throw new Error(`README has no table that begins with ${heading.join(" | ")}`);
  const end = lines.findIndex((line, index) => index > start && !line.startsWith("|"));
  return lines.slice(start + 2, end).map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
}

/** The text within the first pair of backticks. */
function code(cell: string | undefined): string {
  return /`([^`]+)`/.exec(cell ?? "")?.[1] ?? "";
}

/** The example of the docs, loaded as it stands. */
async function exampleConfig(): Promise<Config> {
  const env = { PUBLIC_STOREFRONT_API_TOKEN: "token", ALERT_URL: "https://alerts.example/hook" };
  const loaded = await loadConfig({ file: resolve(ROOT, "examples/shopkeeper.yaml"), env, catalogues });
  if (!loaded.ok) throw new Error(loaded.errors.map((one) => one.message).join("\n"));
  return loaded.config;
}

describe("README", () => {
  test("lists every command, and no other", () => {
    const terminal = { env: {}, cwd: ROOT, clock: createSystemClock(), out: () => undefined, err: () => undefined, paint: (_: unknown, text: string) => text, paintErr: (_: unknown, text: string) => text, stopSignal: () => new AbortController().signal, onHangup: () => () => undefined, gatewayThread: startSpareThread };
    expect(tableOf("command", "does").map(([name]) => code(name)).toSorted()).toEqual(createProgram(terminal).commands.map((one) => one.name()).toSorted());
  });

  test("lists every metric with its labels", () => {
    const listed = Object.fromEntries(tableOf("metric", "labels").map(([name, labels]) => [code(name), [...(labels ?? "").matchAll(/`([^`]+)`/g)].map((found) => found[1])]));
    expect(listed).toEqual(Object.fromEntries(Object.entries({ ...METRICS, ...REGION_METRICS }).map(([name, { labels }]) => [name, [...labels]])));
  });

  test("lists every code of an error with its status", () => {
    const listed = Object.fromEntries(tableOf("code", "status").map(([name, status]) => [code(name), Number(status)]));
    expect(listed).toEqual(Object.fromEntries(Object.entries(PROBLEMS).map(([name, { status }]) => [name, status])));
  });

  test("lists the paths that are served, and no other", async () => {
    const never = (): never => {
      throw new Error("not asked");
    };
    const admin = adminListener({ control: { snapshot: never, why: never, acknowledge: never, pause: never, resume: never, restart: never }, ledger: { query: never }, regions: never, tokens: [], trouble: never });
    const health = healthListener({ snapshot: never, published: new Map(), readiness: never, started: () => true, gateway: never, metrics: never, peers: [], version: VERSION, reach: null, region: () => null, lostElsewhere: async () => null, trouble: never });
    const listed = tableOf("path", "answer").map(([path]) => code(path).split(" "));
    let served = 0;
    for (const app of [admin, health]) {
      await app.ready();
      served += [...app.printRoutes({ commonPrefix: false }).matchAll(/\((GET|POST|PUT|DELETE)[,)]/g)].length;
    }
    for (const [method, path] of listed) {
      const url = (path ?? "").replace(/\{(\w+)\}/, ":$1");
      expect([admin, health].some((app) => app.hasRoute({ method: method ?? "", url })), `${method} ${path}`).toBe(true);
    }
    expect(served).toBe(listed.length);
    await Promise.all([admin.close(), health.close()]);
  });

  test("lists the shipped checks with their intervals", async () => {
    const { checks } = await exampleConfig();
    const listed = tableOf("check", "looks at").map(([name, , every, critical]) => [code(name), every, critical === "yes"]);
    expect(listed.toSorted()).toEqual(checks.map((one) => [one.name, formatDuration(one.cadence.interval), one.critical]).toSorted());
  });

  test("lists the shipped policies with trigger, action and mode", async () => {
    const { policies } = await exampleConfig();
    const listed = tableOf("policy", "trigger").map(([name, trigger, action, mode]) => [code(name), code(trigger), code(action), mode]);
    expect(listed.toSorted()).toEqual(policies.map((one) => [one.name, one.triggerText, one.action, one.mode]).toSorted());
  });

  test("names the listeners' defaults", async () => {
    const { gateway, listeners } = await exampleConfig();
    const text = (listen: { host: string; port: number } | null | undefined): string => `${listen?.host}:${listen?.port}`;
    expect(tableOf("listener", "default").map(([name, where]) => [name, code(where)])).toEqual([
      ["ingress", text(gateway?.listen)],
      ["health", text(listeners.health)],
      ["admin", text(listeners.admin)],
      // Off, where a shop has one region.
      ["public", listeners.public === null ? "" : text(listeners.public)],
    ]);
  });

  test("names files that exist", () => {
    const links = [...readme.matchAll(/\]\(([^)#]+)\)/g)].map((found) => found[1] ?? "");
    expect(links.length).toBeGreaterThan(5);
    for (const link of links) expect(() => readFileSync(resolve(ROOT, link)), link).not.toThrow(/ENOENT/);
  });

  test("commands of npm that it names exist", () => {
    const { scripts, version } = JSON.parse(readFileSync(resolve(ROOT, "package.json"), "utf8")) as { scripts: Record<string, string>; version: string };
    for (const found of readme.matchAll(/npm run ([\w:]+)/g)) expect(scripts).toHaveProperty([found[1] ?? ""]);
    expect(version).toBe(VERSION);
  });
});
