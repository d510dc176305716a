/**
 * The linter holds the floors. These tests break each rule in a copy of the house's
 * shape and see that the linter says so: a rule that cannot fail is no rule.
 */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "shopkeeper-floors-"));
  await cp(join(ROOT, ".oxlintrc.json"), join(folder, ".oxlintrc.json"));
  await cp(join(ROOT, "tsconfig.json"), join(folder, "tsconfig.json"));
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Writes the files, lints them, and gives back what the linter said. */
async function lint(files: Readonly<Record<string, string>>): Promise<string> {
  await rm(join(folder, "src"), { recursive: true, force: true });
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return new Promise((done) => {
    execFile(join(ROOT, "node_modules/.bin/oxlint"), ["--type-aware", "--deny-warnings", "src"], { cwd: folder }, (_error, stdout, stderr) => done(stdout + stderr));
  });
}

const X = "export const x = 1;\n";

describe("floors", () => {
  test.each([
    ["core importing a port", "src/core/a.ts", "../ports/x.ts", "core is floor 0"],
    ["a guard of core importing config", "src/core/guards/a.ts", "../../config/x.ts", "core is floor 0"],
    ["a port importing an adapter", "src/ports/a.ts", "../adapters/x.ts", "ports (floor 1)"],
    ["config importing a probe", "src/config/a.ts", "../probes/x.ts", "config (floor 1)"],
    ["a probe importing the engine", "src/probes/a.ts", "../engine/x.ts", "siblings"],
    ["a remedy importing an adapter", "src/remedies/a.ts", "../adapters/x.ts", "siblings"],
    ["the engine importing the gateway", "src/engine/a.ts", "../gateway/x.ts", "siblings"],
    ["the gateway importing an adapter", "src/gateway/a.ts", "../adapters/x.ts", "siblings"],
    ["a preset of the gateway importing the server", "src/gateway/presets/a.ts", "../../server/x.ts", "siblings"],
    ["the server importing the engine", "src/server/a.ts", "../engine/x.ts", "siblings"],
    ["an adapter importing a role", "src/adapters/a.ts", "../roles/x.ts", "siblings"],
    ["the simulation importing an adapter", "src/simulation/a.ts", "../adapters/x.ts", "siblings"],
  ])("%s is refused", async (_what, file, target, expected) => {
    const said = await lint({ [file]: `import { x } from "${target}";\nexport const y = x;\n`, [join(dirname(file), target)]: X });
    expect(said).toContain(expected);
  });

  test("importing downward is allowed", async () => {
    const said = await lint({
      "src/engine/a.ts": 'import { x } from "../core/x.ts";\nimport { y } from "../ports/y.ts";\nexport const z = x + y;\n',
      "src/core/x.ts": X,
      "src/ports/y.ts": "export const y = 1;\n",
    });
    expect(said).toContain("0 errors");
  });

  test("a cycle is refused", async () => {
    const said = await lint({
      "src/core/a.ts": 'import { b } from "./b.ts";\nexport const a = (): number => b();\n',
      "src/core/b.ts": 'import { a } from "./a.ts";\nexport const b = (): number => a();\n',
    });
    expect(said).toContain("no-cycle");
  });
});

describe("core stays pure", () => {
  test.each([
    ["the clock", "export const t = Date.now();"],
    ["a timer", "export const t = setTimeout(() => undefined, 1);"],
    ["chance", "export const t = Math.random();"],
    ["the environment", 'export const t = process.env["HOME"];'],
    ["the network", 'export const t = fetch("http://127.0.0.1/");'],
    ["a package", 'import * as z from "zod";\nexport const t = z;'],
    ["a module of Node's", 'import { readFileSync } from "node:fs";\nexport const t = readFileSync;'],
  ])("%s is refused in core", async (_what, text) => {
    expect(await lint({ "src/core/a.ts": `${text}\n` })).toMatch(/no-restricted/);
  });

  test.each([
    ["the clock outside its adapter", "src/gateway/a.ts", "export const t = Date.now();"],
    ["chance outside its adapter", "src/adapters/a.ts", "export const t = Math.random();"],
    ["the environment outside main", "src/server/a.ts", 'export const t = process.env["HOME"];'],
    ["Node's own fetch", "src/adapters/a.ts", 'export const t = fetch("http://127.0.0.1/");'],
    ["a timer in the engine", "src/engine/a.ts", "export const t = setTimeout(() => undefined, 1);"],
  ])("%s is refused", async (_what, file, text) => {
    expect(await lint({ [file]: `${text}\n` })).toMatch(/no-restricted/);
  });
});

describe("promises are not lost", () => {
  test("a promise that nobody waits for is refused", async () => {
    expect(await lint({ "src/adapters/a.ts": "const work = (): Promise<void> => Promise.resolve();\nexport function go(): void {\n  work();\n}\n" })).toContain("no-floating-promises");
  });
});
