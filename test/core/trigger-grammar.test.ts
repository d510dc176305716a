import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseTrigger } from "../../src/core/trigger-grammar.ts";

const NAMES = { checks: new Set(["application", "page", "shopify_api"]), metrics: new Set(["cpu_usage", "memory_usage"]), regions: new Set(["primary", "secondary"]) };

function parsed(text: string): unknown {
  const result = parseTrigger(text, NAMES);
  return result.kind === "trigger" ? result.trigger : result.problem;
}

const fails = (check: string, times = 3) => ({ kind: "fails", check, times });

describe("a trigger", () => {
  test.each([
    ["application fails 3 consecutive times", fails("application")],
    ["application fails 1 consecutive time", fails("application", 1)],
    ["cpu_usage > 70% for 2m", { kind: "sustained", metric: "cpu_usage", over: 70, forMs: 120_000 }],
    ["CPU > 70 % for 2 minutes", { kind: "sustained", metric: "cpu_usage", over: 70, forMs: 120_000 }],
    ["shopify_api error rate > 50%", { kind: "error_rate", check: "shopify_api", overPercent: 50 }],
    ["region primary is unhealthy", { kind: "region", region: "primary" }],
    ['CRON "0 4 * * 1-5"', { kind: "cron", expression: "0 4 * * 1-5" }],
  ])("%s is read", (text, trigger) => {
    expect(parsed(text)).toEqual(trigger);
  });

  test("and binds tighter than or", () => {
    expect(parsed("application fails 3 consecutive times or page fails 3 consecutive times and shopify_api fails 3 consecutive times")).toEqual({
      kind: "or",
      any: [fails("application"), { kind: "and", all: [fails("page"), fails("shopify_api")] }],
    });
  });

  test("parentheses bind first", () => {
    expect(parsed("(application fails 3 consecutive times or page fails 3 consecutive times) and shopify_api fails 3 consecutive times")).toEqual({
      kind: "and",
      all: [{ kind: "or", any: [fails("application"), fails("page")] }, fails("shopify_api")],
    });
  });
});

describe("an error points at the word", () => {
  test.each([
    ["aplication fails 3 consecutive times", "aplication", "a check", "application"],
    ["application fials 3 consecutive times", "fials", `"fails" or "error rate"`, "fails"],
    ["application fails three consecutive times", "three", "a whole number from 1 to 1000", null],
    ["application fails 0 consecutive times", "0", "a whole number from 1 to 1000", null],
    ["application fails 3 consecutiv times", "consecutiv", `"consecutive"`, "consecutive"],
    ["application fails 3 consecutive", "", `"times"`, null],
    ["cpu_usge > 70% for 2m", "cpu_usge", "a metric", "cpu_usage"],
    ["cpu_usage > 70 for 2m", "for", `"%"`, null],
    ["cpu_usage > 70% for 2 weeks", "weeks", "a unit of time: s, m, h, seconds, minutes or hours", null],
    ["cpu_usage > 70% for 3d", "3d", "a duration such as 2m, at most 1h", null],
    ["region primry is unhealthy", "primry", "a region", "primary"],
    ['CRON "61 * * * *"', "61 * * * *", "five cron fields: minute, hour, day of month, month, weekday", null],
    ['CRON "0 4 * * *', '"0 4 * * *', "a closing quotation mark", null],
    ["application fails 3 consecutive times an page fails 3 consecutive times", "an", `"and", "or" or the end`, "and"],
    ["(application fails 3 consecutive times", "", `")"`, null],
    ["", "", `a check, a metric, "region" or "CRON"`, null],
  ])("%s", (text, found, expected, nearest) => {
    const problem = parsed(text);
    expect(problem).toMatchObject({ found, expected, nearest });
    if (found !== "") expect(problem).toMatchObject({ offset: found.startsWith('"') || !text.includes(`"${found}"`) ? text.indexOf(found) : text.indexOf(`"${found}"`) });
  });

  test("whatever is written, within the text", () => {
    const word = fc.constantFrom("application", "page", "fails", "3", "consecutive", "times", "and", "or", "(", ")", ">", "%", '"', "cpu_usage", "70", "for", "2m", "CRON", "region", "?");
    fc.assert(
      fc.property(fc.array(word, { maxLength: 20 }), (words) => {
        const text = words.join(" ");
        const result = parseTrigger(text, NAMES);
        if (result.kind === "trigger") return;
        expect(result.problem.offset).toBeGreaterThanOrEqual(0);
        expect(result.problem.offset + result.problem.length).toBeLessThanOrEqual(text.length);
      }),
    );
  });

  test("and depth and length are bounded", () => {
    expect(parsed(`${"(".repeat(40)}application`)).toMatchObject({ expected: "at most 16 parentheses within each other" });
    expect(parsed("x".repeat(2_000))).toMatchObject({ offset: 1_000, expected: "at most 1000 characters" });
  });
});
