import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { schemas } from "../../src/config/json-schemas.ts";
import { COMMON_CHECK_KEYS } from "../../src/config/part-schemas.ts";
import type { ReferenceRule } from "../../src/config/references.ts";
import { secretRules } from "../../src/config/secret-rules.ts";
import { siteSchema } from "../../src/config/site-schema.ts";
import { ACTION_NAMES } from "../../src/core/action.ts";
import { probes } from "../../src/probes/index.ts";
import { REMEDIES } from "../../src/remedies/index.ts";
import { keysOf } from "./schema-keys.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/configuration.md"), "utf8");
const all = schemas({ probes, remedies: REMEDIES });

/** First and second cells of the table rows of a section, from its heading to the next of the same rank. */
function rowsOf(heading: string): readonly (readonly [string, string])[] {
  const rank = heading.split(" ")[0] ?? "##";
  const start = page.indexOf(`\n${heading}\n`);
  const rest = page.slice(start + heading.length + 2);
  const ends = [rest.indexOf("\n## "), rank === "###" ? rest.indexOf("\n### ") : -1].filter((end) => end >= 0);
  const body = start === -1 ? "" : rest.slice(0, ends.length === 0 ? undefined : Math.min(...ends));
  return [...body.matchAll(/^\| `([^`]+)` \| (?:`([^`]*)`|(\w+)) \|/gm)].map(([, key = "", quoted, plain = ""]) => [key, quoted ?? plain] as const);
}

function documented(keys: ReturnType<typeof keysOf>): readonly (readonly [string, string])[] {
  return keys.map((one) => [one.key, one.default] as const);
}

function branches(name: "check" | "policy"): readonly { readonly properties: Readonly<Record<string, { readonly const?: string }>> }[] {
  return all[name]?.["anyOf"] as ReturnType<typeof branches>;
}

describe("docs/configuration.md", () => {
  test("lists every key of shopkeeper.yaml with its default, and no other", () => {
    expect(rowsOf("## shopkeeper.yaml")).toEqual(documented(keysOf(all["shopkeeper"])));
  });

  test("lists the keys that every check has, with their defaults", () => {
    const [http] = branches("check");
    const common = documented(keysOf(http).filter(({ key }) => COMMON_CHECK_KEYS.includes(key)));
    const own = page.slice(page.indexOf("\n## checks/*.yaml"), page.indexOf("\n### `http`"));
    const rows = [...own.matchAll(/^\| `([^`]+)` \| (?:`([^`]*)`|(\w+)) \|/gm)].map(([, key = "", quoted, plain = ""]) => [key, quoted ?? plain]);
    expect(rows).toEqual([...common, ["checks", "{}"]]);
  });

  test.each(Object.values(probes))("lists the settings and assertions of the probe $name", (probe) => {
    const branch = branches("check").find((one) => one.properties["probe"]?.const === probe.name);
    const settings = documented(keysOf(branch).filter(({ key }) => !COMMON_CHECK_KEYS.includes(key.split(".")[0] ?? "")));
    const assertions = Object.entries(probe.assertions).map(([name, kind]) => [name, `${kind.severity}s`]);
    const families = Object.entries(probe.families ?? {}).map(([name, kind]) => [`${name}.NAME`, `${kind.severity}s`]);
    expect(rowsOf(`### \`${probe.name}\``)).toEqual([...settings, ...assertions, ...families]);
  });

  test("lists every setting that may hold a secret, and how", () => {
    const word = ({ need, file }: ReferenceRule): string => (file === false ? `${need}, without \`file:\`` : need);
    const from = (where: string, rules: readonly ReferenceRule[]): readonly string[] => rules.map((rule) => `| ${where} | \`${rule.path}\` | ${word(rule)} |`);
    const wanted = [
      ...from("shopkeeper.yaml", secretRules(siteSchema)),
      ...Object.values(probes).flatMap((probe) => from(`probe ${probe.name}`, secretRules(probe.schema))),
      ...Object.values(REMEDIES).flatMap((remedy) => from(`action ${remedy.name}`, secretRules(remedy.schema, "params"))),
    ];
    expect(wanted.length).toBeGreaterThan(10);
    expect([...page.matchAll(/^\| (?:shopkeeper\.yaml|probe \w+|action \w+) \|.*$/gm)].map(([row]) => row)).toEqual(wanted);
  });

  test("lists every key of a policy, every action, and what each action needs", () => {
    const [first] = branches("policy");
    expect(rowsOf("## policies/*.yaml")).toEqual([...documented(keysOf(first).filter(({ key }) => !key.startsWith("params"))), ["params", "{}"]]);
    const missing = ACTION_NAMES.filter((action) => !page.includes(`\`${action}\``));
    expect(missing).toEqual([]);
    const rows = [...page.matchAll(/^\| (\w+) \| `(params\.[^`]+)` \|/gm)].map(([, action, key]) => `${action} ${key}`);
    const wanted = branches("policy").flatMap((one) => keysOf(one).filter(({ key }) => key.startsWith("params.")).map(({ key }) => `${one.properties["action"]?.const} ${key}`));
    expect(rows).toEqual(wanted);
  });
});
