import { describe, expect, test } from "vitest";
import { COMMON_CHECK_KEYS } from "../../src/config/part-schemas.ts";
import { parseBound } from "../../src/core/assertion.ts";
import { probes } from "../../src/probes/index.ts";

describe.each(Object.entries(probes))("the kind %s", (name, kind) => {
  test("is listed under its own name, and says what it does in one sentence", () => {
    expect(kind.name).toBe(name);
    expect(kind.summary).toMatch(/^[A-Z].*\.$/);
  });

  test("has no setting that every check has", () => {
    expect(Object.keys(kind.schema.shape).filter((key) => COMMON_CHECK_KEYS.includes(key))).toEqual([]);
  });

  test("shows an example of each assertion that parses", () => {
    const kinds = [...Object.values(kind.assertions), ...Object.values(kind.families ?? {})];
    for (const { example, words } of kinds) {
      expect(parseBound(example).ok).toBe(true);
      if (words !== undefined) expect(words).toContain(example);
    }
  });
});

test("the kinds are these", () => {
  expect(Object.keys(probes)).toEqual(["http", "page", "storefront_api", "dependencies", "cdn", "redis", "tcp", "process", "sidecar", "workload"]);
});
