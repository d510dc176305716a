import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { schemas } from "../../src/config/json-schemas.ts";
import { COMMON_CHECK_KEYS } from "../../src/config/part-schemas.ts";
import { duration } from "../../src/config/values.ts";
import { probes } from "../../src/probes/index.ts";
import { REMEDIES } from "../../src/remedies/index.ts";

const root = join(import.meta.dirname, "../..");
const all = schemas({ probes, remedies: REMEDIES });

describe("JSON Schemas", () => {
  // After a change of a schema: npx vitest run test/config/json-schemas.test.ts -u
  test.each(Object.keys(all))("schemas/%s.schema.json is what the source says", async (name) => {
    await expect(`${JSON.stringify(all[name], null, 2)}\n`).toMatchFileSnapshot(join(root, "schemas", `${name}.schema.json`));
  });

  test("they describe what is written: durations are texts, defaults are as in the file", () => {
    const { extra } = schemas({ probes, remedies: REMEDIES }, { extra: z.strictObject({ wait: duration().prefault("10s") }) });
    expect(extra).toMatchObject({ properties: { wait: { type: "string", default: "10s" } }, additionalProperties: false });
  });

  test("a check's assertions are those of its probe", () => {
    const branches = all["check"]?.["anyOf"] as readonly { readonly properties: { readonly probe: { readonly const: string }; readonly checks: { readonly properties: object } } }[];
    expect(branches.map((branch) => branch.properties.probe.const)).toEqual(Object.keys(probes));
    for (const branch of branches) {
      expect(Object.keys(branch.properties.checks.properties)).toEqual(Object.keys(probes[branch.properties.probe.const]?.assertions ?? {}));
    }
  });

  test("no probe's own setting has the name of a setting that every check has", () => {
    const clashes = Object.values(probes).flatMap((probe) => Object.keys(probe.schema.shape).filter((key) => COMMON_CHECK_KEYS.includes(key)));
    expect(clashes).toEqual([]);
  });

  test("every shipped file begins with the line that leads an editor to its schema", () => {
    for (const [folder, schema] of [["checks", "check"], ["policies", "policy"], ["examples", "shopkeeper"]] as const) {
      for (const file of readdirSync(join(root, folder)).filter((name) => name.endsWith(".yaml"))) {
        const [first] = readFileSync(join(root, folder, file), "utf8").split("\n");
        expect({ file, first }).toEqual({ file, first: `# yaml-language-server: $schema=../schemas/${schema}.schema.json` });
      }
    }
  });
});
