import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { run } from "./recording-terminal.ts";

const ROOT = resolve(import.meta.dirname, "../..");
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "shopkeeper-cli-"));
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

const SITE = "site: shop\ntargets: { app: { url: http://127.0.0.1:3000 } }\n";

describe("validate", () => {
  test("a valid configuration is 0, with its warnings on standard error", async () => {
    await write({ "shopkeeper.yaml": SITE });
    const { code, out, err } = await run(["validate"], { cwd: folder });
    expect(code).toBe(0);
    expect(out).toBe("shopkeeper.yaml: valid; 1 targets, 4 checks, 4 policies\n");
    expect(err).toContain("warning: ");
  });

  test("--json is one document that says so", async () => {
    await write({ "shopkeeper.yaml": SITE });
    const { code, out, err } = await run(["validate", "--json"], { cwd: folder });
    expect(code).toBe(0);
    expect(err).toBe("");
    expect(JSON.parse(out)).toMatchObject({ valid: true, site: "shop", policies: expect.arrayContaining(["pod_restart"]), warnings: expect.any(Array) });
  });

  test("a broken one is 2: every error with file, line, column and the right word", async () => {
    await write({ "shopkeeper.yaml": "site: shop\ntarget: { app: { url: http://127.0.0.1:3000 } }\ngateway: { workers: many }\n", "checks/mine.yaml": "name: mine\nprobe: htpp\n" });
    const { code, out, err } = await run(["validate"], { cwd: folder });
    expect(code).toBe(2);
    expect(out).toBe("");
    expect(err).toContain(`${join(folder, "shopkeeper.yaml")}:2:1: error: target: `);
    expect(err).toContain("did you mean targets?");
    expect(err).toContain(`${join(folder, "shopkeeper.yaml")}:3:21: error: gateway.workers: `);
    expect(err).toContain(`${join(folder, "checks", "mine.yaml")}:2:8: error: probe: `);
    expect(err).toContain("did you mean http?");
    expect(err).toMatch(/\n\d+ errors in the configuration\n$/);
  });

  test("a broken one with --json is 2 and one document with the same errors as fields", async () => {
    await write({ "shopkeeper.yaml": `${SITE}gatway: {}\n` });
    const { code, out } = await run(["validate", "--json"], { cwd: folder });
    expect(code).toBe(2);
    const { valid, errors } = JSON.parse(out);
    expect(valid).toBe(false);
    expect(errors).toEqual([expect.objectContaining({ code: "UNKNOWN_KEY", line: 3, column: 1, path: "gatway", nearest: "gateway" })]);
  });

  test("no file at all is 2 and says which was looked for", async () => {
    const { code, err } = await run(["validate", "--config", "shop.yaml"], { cwd: folder });
    expect(code).toBe(2);
    expect(err).toContain(join(folder, "shop.yaml"));
  });
});

describe("schema", () => {
  test("all of them, or one by name", async () => {
    const all = JSON.parse((await run(["schema"])).out) as Record<string, unknown>;
    expect(Object.keys(all)).toEqual(expect.arrayContaining(["shopkeeper", "check", "policy", "scenario"]));
    const one = await run(["schema", "policy"]);
    expect(one.code).toBe(0);
    expect(JSON.parse(one.out)).toEqual(all["policy"]);
  });

  test("an unknown one is 2 and names the near one", async () => {
    expect(await run(["schema", "polcy"])).toMatchObject({ code: 2, out: "", err: expect.stringContaining('did you mean "policy"?') });
  });
});

describe("simulate", () => {
  const scenario = (expect: string): string => `name: mine\ndescription: The process dies.\nseed: 1\nduration: 2m\ntimeline:\n  - { fault: exit, at: 60s, target: app }\nexpect:\n  - ${expect}\n`;

  test("a scenario whose expectations are met is 0", async () => {
    const { code, out } = await run(["simulate", join(ROOT, "scenarios", "crash.yaml")]);
    expect(code).toBe(0);
    expect(out).toMatch(/^met {6}act pod_restart app /m);
    expect(out).toMatch(/\ncrash, seed 1, 3m: 1 acted, .*; ends healthy\n$/);
  });

  test("an expectation that is not met is 1 and says what was seen", async () => {
    await write({ "mine.yaml": scenario("{ decision: act, policy: pod_restart, target: app, after: 1s, by: 2s }") });
    const { code, out, err } = await run(["simulate", "mine.yaml"], { cwd: folder });
    expect(code).toBe(1);
    expect(out).toContain("NOT MET");
    expect(err).toBe("");
  });

  test("a broken scenario is 2 with file, line and column", async () => {
    await write({ "mine.yaml": scenario("{ decision: at, policy: pod_restart }") });
    const { code, out, err } = await run(["simulate", "mine.yaml"], { cwd: folder });
    expect(code).toBe(2);
    expect(out).toBe("");
    expect(err).toMatch(/mine\.yaml:8:\d+: error: /);
  });

  test("no such file, and a seed that is no number, are 2", async () => {
    expect(await run(["simulate", "none.yaml"], { cwd: folder })).toMatchObject({ code: 2, err: expect.stringContaining("none.yaml: cannot be read") });
    expect(await run(["simulate", "--seed", "x", join(ROOT, "scenarios", "crash.yaml")])).toMatchObject({ code: 2, err: expect.stringContaining("--seed: a whole number") });
  });

  test("--regions runs incidents by their seeds: one is shown whole, of several those that broke a promise", async () => {
    const one = await run(["simulate", "--regions", "--seed", "3"]);
    expect(one).toMatchObject({ code: 0, err: "" });
    expect(one.out).toMatch(/^\+00:0\d\.\d /);
    expect(one.out).toMatch(/\n1 incidents, 0 with a broken promise: .*\n$/);
    const two = await run(["simulate", "--regions", "--seed", "3", "--count", "2", "--json"]);
    expect(JSON.parse(two.out)).toMatchObject({ incidents: 2, broken: 0, violations: [] });
  });

  test.each([
    [["--regions", "x.yaml"], "--regions takes no scenario"],
    [["--regions", "--count", "0"], "--count: a whole number"],
    [[], "a scenario file was expected, or --regions"],
  ])("%j is 2", async (args, message) => {
    expect(await run(["simulate", ...args])).toMatchObject({ code: 2, out: "", err: expect.stringContaining(message) });
  });

  test("--json has transcript, expectations and summary; the same seed, the same run", async () => {
    const args = ["simulate", "--json", "--seed", "7", join(ROOT, "scenarios", "crash.yaml")];
    const first = await run(args);
    expect(JSON.parse(first.out)).toMatchObject({ transcript: expect.any(Array), expectations: expect.any(Array), summary: { scenario: "crash", seed: 7, acted: 1 } });
    expect((await run(args)).out).toBe(first.out);
  });
});

describe("the program", () => {
  test("--help is 0 and names every command", async () => {
    const { code, out } = await run(["--help"]);
    expect(code).toBe(0);
    for (const name of ["run", "check", "validate", "schema", "simulate", "init", "status", "why", "ledger", "ack", "pause", "resume", "restart"]) expect(out).toMatch(new RegExp(`^  ${name}\\b`, "m"));
  });

  test.each([
    ["run", ["SIGTERM", "SIGHUP", "Exit code", "--role"]],
    ["check", ["0 healthy, 1 degraded, 2 unhealthy, 3 unknown"]],
    ["pause", ["all, policy:NAME or target:NAME", "--why", "--dry-run", "--for"]],
    ["ledger", ["--since", "--follow", "--kind"]],
  ])("%s --help says what one needs to know", async (command, words) => {
    const { code, out } = await run([command, "--help"]);
    expect(code).toBe(0);
    for (const word of words) expect(out.replaceAll(/\s+/g, " ")).toContain(word);
  });

  test("--version is 0", async () => {
    expect(await run(["--version"])).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  test.each([[["strat"], "unknown command"], [["restat"], "restart"], [["status", "--jsn"], "--json"], [["run", "--role", "boss"], "sidecar"], [["restart", "app"], "--why"]])("%j is 2 and says what is wrong", async (args, word) => {
    const { code, out, err } = await run(args);
    expect(code).toBe(2);
    expect(out).toBe("");
    expect(err).toContain(word);
  });

  test("run with a configuration that is not valid is 2; with a role that it was not written for too", async () => {
    await write({ "shopkeeper.yaml": "sight: shop\n" });
    expect(await run(["run"], { cwd: folder })).toMatchObject({ code: 2, out: "", err: expect.stringContaining(":1:1: error:") });
    await write({ "shopkeeper.yaml": SITE });
    expect(await run(["run", "--role", "witness"], { cwd: folder })).toMatchObject({ code: 2, err: expect.stringContaining("the role witness needs a configuration of its own, and this one is for standalone") });
  });
});
