import { describe, expect, test } from "vitest";
import { judge } from "../../src/core/outcome.ts";

describe("what an exchange means to the breaker", () => {
  test.each([
    [200, "success"], [204, "success"], [301, "success"], [304, "success"],
    [400, "neutral"], [401, "neutral"], [404, "neutral"], [421, "neutral"], [501, "neutral"], [505, "neutral"],
    [429, "throttled"], [430, "throttled"],
    [500, "failure"], [502, "failure"], [503, "failure"], [504, "failure"],
  ])("%i is %s", (status, verdict) => {
    expect(judge({ kind: "answered", status, errorPage: false }).verdict).toBe(verdict);
  });

  test("a rendered error under a 200 is a failure, under a 404 no news", () => {
    expect(judge({ kind: "answered", status: 200, errorPage: true })).toEqual({ verdict: "failure", fault: "error_page" });
    expect(judge({ kind: "answered", status: 404, errorPage: true }).verdict).toBe("neutral");
  });

  test("no whole answer is a failure, a buyer who left is not", () => {
    expect(judge({ kind: "broken", fault: "truncated" })).toEqual({ verdict: "failure", fault: "truncated" });
    expect(judge({ kind: "client_gone" })).toEqual({ verdict: "neutral", fault: null });
  });
});
