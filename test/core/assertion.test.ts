import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Measured, WrittenAssertion } from "../../src/core/assertion.ts";
import { conclude, formatNumber, judge, parseAssertion, parseBound } from "../../src/core/assertion.ts";
import type { Finding } from "../../src/core/observation.ts";

const ms = (value: number): Measured => ({ kind: "number", value, dimension: "ms" });
const percent = (value: number): Measured => ({ kind: "number", value, dimension: "percent" });
const bytes = (value: number): Measured => ({ kind: "number", value, dimension: "bytes" });
const count = (value: number): Measured => ({ kind: "number", value, dimension: "count" });
const word = (text: string): Measured => ({ kind: "text", text });
const status = (code: number): Measured => ({ kind: "status", code });
const missing: Measured = { kind: "missing", why: "not reported" };

function level(written: WrittenAssertion, measured: Measured): Finding["level"] {
  const parsed = parseAssertion("name", written);
  if (!parsed.ok) throw new Error(`expected ${parsed.problem.expected}`);
  return judge(parsed.value, measured).level;
}

describe("an assertion and a measured value", () => {
  test.each<[WrittenAssertion, Measured, Finding["level"]]>([
    ["200 OK", status(200), "pass"],
    ["200 OK", status(503), "fail"],
    ["200", status(204), "fail"],
    [200, status(200), "pass"],
    ["204 No Content", status(204), "pass"],
    ["< 500ms", ms(499.9), "pass"],
    ["< 500ms", ms(500), "warn"],
    ["<= 500ms", ms(500), "pass"],
    ["<500ms", ms(499), "pass"],
    ["< 2s", ms(1_999), "pass"],
    ["< 1.5s", ms(1_600), "warn"],
    ["> 20%", percent(20), "warn"],
    [">= 20 %", percent(20), "pass"],
    ["< 80%", percent(79.9), "pass"],
    ["< 512MB", bytes(511_999_999), "pass"],
    ["< 512MiB", bytes(512 * 1024 * 1024), "warn"],
    ["> 3", count(4), "pass"],
    ["connected", word("Connected "), "pass"],
    ["connected", word("refused"), "fail"],
    ["reachable", word("unreachable"), "fail"],
    [true, word("true"), "pass"],
    ["3 apples", word("3 apples"), "pass"],
    ["42", count(42), "pass"],
    [{ warn: "< 500ms", fail: "< 2s" }, ms(400), "pass"],
    [{ warn: "< 500ms", fail: "< 2s" }, ms(600), "warn"],
    [{ warn: "< 500ms", fail: "< 2s" }, ms(2_000), "fail"],
    [{ fail: "< 90%" }, percent(95), "fail"],
    [{ warn: "connected" }, word("gone"), "warn"],
    ["< 80%", missing, "unknown"],
    ["< 80%", ms(3), "unknown"],
    ["connected", count(1), "unknown"],
    ["< 80%", percent(Number.NaN), "unknown"],
  ])("%j against %j is %s", (written, measured, expected) => {
    expect(level(written, measured)).toBe(expected);
  });

  test("a finding says what was measured, what was expected, and from where", () => {
    const parsed = parseAssertion("memory_usage", "< 80%");
    expect(parsed.ok && judge(parsed.value, { ...percent(91.24), source: "cgroup" })).toEqual({
      assertion: "memory_usage", level: "warn", observed: "91.2%", expected: "< 80%", source: "cgroup",
    });
  });

  test("the finding names the bound that was broken", () => {
    const parsed = parseAssertion("response_time", { warn: "< 500ms", fail: "< 2s" });
    expect(parsed.ok && judge(parsed.value, ms(700)).expected).toBe("< 500ms");
    expect(parsed.ok && judge(parsed.value, ms(2_500)).expected).toBe("< 2s");
  });
});

describe("an assertion that cannot be read", () => {
  test.each<[WrittenAssertion, string, number, string, string]>([
    ["", "value", 0, 'an assertion such as "200 OK", "< 500ms" or "connected"', ""],
    ["< fast", "value", 2, "a number", "fast"],
    ["<", "value", 1, "a number", ""],
    ["< 500mss", "value", 5, "a unit: ms, s, m, h, %, B, KB, MB, GB, KiB, MiB or GiB", "mss"],
    ["< 500 ms please", "value", 8, "nothing more", "please"],
    ["<< 5", "value", 1, "a number", "< 5"],
    ["== 5", "value", 0, "one of <, <=, >, >=, or the plain value to be equal to", "== 5"],
    [{ warn: "< 500ms", fail: "< quick" }, "fail", 2, "a number", "quick"],
    [{}, "value", 0, "warn: or fail: with a bound", ""],
  ])("%j: in %s at %i, expected %s", (written, part, offset, expected, found) => {
    const parsed = parseAssertion("name", written);
    expect(parsed).toEqual({ ok: false, problem: { part, offset, expected, found } });
  });

  test("the offset is always within the text, and nothing throws", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 30 }), (text) => {
        const parsed = parseBound(text);
        if (parsed.ok) return;
        expect(parsed.problem.offset).toBeGreaterThanOrEqual(0);
        expect(parsed.problem.offset).toBeLessThanOrEqual(text.length);
      }),
    );
  });
});

describe("an observation made of findings", () => {
  const finding = (assertion: string, is: Finding["level"]): Finding => ({ assertion, level: is, observed: "o", expected: "e" });

  test.each<[string, readonly Finding[], string, string]>([
    ["nothing asked", [], "pass", ""],
    ["all well", [finding("a", "pass"), finding("b", "pass")], "pass", ""],
    ["the worst decides", [finding("a", "warn"), finding("b", "fail")], "fail", "assertion"],
    ["a wrong status is named so", [finding("http_status", "fail"), finding("b", "fail")], "fail", "status"],
    ["a warning", [finding("a", "pass"), finding("b", "warn")], "warn", "assertion"],
    ["what could not be measured is left out", [finding("a", "pass"), finding("b", "unknown")], "pass", ""],
    ["nothing could be measured", [finding("a", "unknown"), finding("b", "unknown")], "unknown", "no_data"],
  ])("%s", (_what, findings, kind, cause) => {
    const seen = conclude({ at: 5, tookMs: 3, findings });
    expect(seen.kind).toBe(kind);
    expect(seen.kind === "pass" ? "" : seen.cause).toBe(cause);
  });
});

test.each([
  [612.4, "ms", "612ms"],
  [71.06, "percent", "71.1%"],
  [512_000_000, "bytes", "512MB"],
  [999, "bytes", "999B"],
  [3, "count", "3"],
] as const)("%d in %s reads %s", (value, dimension, text) => {
  expect(formatNumber(value, dimension)).toBe(text);
});
