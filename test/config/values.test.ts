import { describe, expect, test } from "vitest";
import type * as z from "zod";
import { duration, hostPort, httpUrl, listen, percent, size, slug, urlPath } from "../../src/config/values.ts";

const accepts: readonly (readonly [string, z.ZodType, string, unknown])[] = [
  ["duration", duration(), "1h30m", 5_400_000],
  ["percent", percent(), "12.5 %", 12.5],
  ["size", size(), "64MiB", 67_108_864],
  ["size", size(), "2MB", 2_000_000],
  ["listen", listen(), ":8080", { host: "0.0.0.0", port: 8080 }],
  ["listen", listen(), "[::1]:0", { host: "::1", port: 0 }],
  ["hostPort", hostPort(), "1.1.1.1:443", { host: "1.1.1.1", port: 443 }],
  ["httpUrl", httpUrl(), "http://127.0.0.1:3000//", "http://127.0.0.1:3000"],
  ["urlPath", urlPath(), "/a?b=c", "/a?b=c"],
  ["slug", slug(), "on_call-2", "on_call-2"],
];

const refuses: readonly (readonly [string, z.ZodType, unknown])[] = [
  ["duration", duration(), "10"],
  ["duration", duration(), 10],
  ["duration", duration({ max: 1_000 }), "2s"],
  ["percent", percent(), "101%"],
  ["percent", percent(), "0.5"],
  ["size", size(), "64M"],
  ["size", size({ min: 1_000 }), "10B"],
  ["listen", listen(), "8080"],
  ["listen", listen(), "127.0.0.1:70000"],
  ["hostPort", hostPort(), ":443"],
  ["hostPort", hostPort(), "1.1.1.1:0"],
  ["httpUrl", httpUrl(), "ftp://x"],
  ["httpUrl", httpUrl(), "127.0.0.1:3000"],
  ["urlPath", urlPath(), "health"],
  ["slug", slug(), "On call"],
];

describe("the words of the configuration", () => {
  test.each(accepts)("%s reads %2$s", (_name, schema, written, value) => {
    expect(schema.parse(written)).toEqual(value);
  });

  test.each(refuses)("%s refuses %2$s and says what was expected", (_name, schema, written) => {
    const result = schema.safeParse(written);
    const [issue] = result.success ? [] : result.error.issues;
    const expected = issue?.code === "custom" ? String(issue.params?.["expected"]) : (issue?.message ?? "");
    expect(expected).toMatch(/for example|starting with a letter|a duration of|a size from/);
  });
});
