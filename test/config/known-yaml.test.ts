import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { knowYaml, readShipped } from "../../src/config/known-yaml.ts";
import { readLater, readYaml } from "../../src/config/yaml-source.ts";

const ROOT = join(import.meta.dirname, "../..");
const FILES = ["checks", "policies"].flatMap((folder) => readdirSync(join(ROOT, folder)).map((name) => join(folder, name)));
const POLICY = "policies/pod_restart.yaml";
const textOf = (file: string): string => readFileSync(join(ROOT, file), "utf8");

describe("a known text", () => {
  test.each(FILES)("%s is as if it were read: its value, every place, every problem", (file) => {
    const text = textOf(file);
    const known = knowYaml(text, file);
    const [read, looked] = [readYaml(text, file), readShipped(text, file, [known])];
    expect(looked.value).toEqual(read.value);
    const paths = [...Object.keys(known.places).map((path) => JSON.parse(path) as PropertyKey[]), ["absent"], ["params", "absent"]];
    expect(paths.length).toBeGreaterThan(5);
    for (const path of paths) {
      for (const at of ["key", "value"] as const) {
        expect(looked.locate(path, at)).toEqual(read.locate(path, at));
        expect(looked.problem({ code: "BAD_VALUE", path, at, message: "wrong" })).toEqual(read.problem({ code: "BAD_VALUE", path, at, message: "wrong" }));
      }
      expect(looked.isPlain(path)).toBe(read.isPlain(path));
    }
  });

  test("points into its texts", () => {
    const text = textOf(POLICY);
    const finding = { code: "TRIGGER", path: ["trigger"], offset: 18, length: 1, message: "wrong", expected: "x", nearest: "y" } as const;
    expect(readShipped(text, POLICY, [knowYaml(text, POLICY)]).problem(finding)).toEqual(readYaml(text, POLICY).problem(finding));
  });

  test("is looked up, not read, and gives way to a text that differs", () => {
    const text = textOf(POLICY);
    const known = { ...knowYaml(text, POLICY), value: "as known" };
    expect(readShipped(text, "elsewhere.yaml", [known])).toMatchObject({ file: "elsewhere.yaml", value: "as known" });
    expect(readShipped(`${text}\n`, POLICY, [known]).value).toEqual(readYaml(text, POLICY).value);
  });

  test("has no errors", () => {
    expect(() => knowYaml("a: 1\na: 2\n", "x.yaml")).toThrow('x.yaml:2:1: the key "a" stands here a second time');
  });
});

test("what is read later is read once, when a place is asked for", () => {
  let asked = 0;
  const source = readLater({ a: 1 }, "x.yaml", () => `# ${(asked += 1)}\na: 1\n`);
  expect([source.value, asked]).toEqual([{ a: 1 }, 0]);
  expect(source.locate(["a"])).toMatchObject({ line: 2, column: 4 });
  expect([source.problem({ code: "BAD_VALUE", path: ["a"], at: "key", message: "wrong" }).source, source.isPlain(["a"]), asked]).toEqual(["a: 1", true, 1]);
});
