import { describe, expect, test } from "vitest";
import { meaningOf } from "../../../src/adapters/cloudflare/meaning.ts";
import { tokenState } from "../../../src/adapters/cloudflare/schemas.ts";
import type { HttpAnswer } from "../../../src/ports/http.ts";

const answer = (status: number, body: unknown, change: Partial<HttpAnswer> = {}): HttpAnswer => {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { kind: "answer", status, headers: {}, body: text, bodyBytes: text.length, bodyCut: false, firstByteMs: 1, tookMs: 1, ...change };
};
const RESULT = { id: "ed17574386854bf78a67040be0a770b0", status: "active" };
const good = { success: true, errors: [], messages: [], result: RESULT };
const bad = (...codes: readonly number[]) => ({ success: false, errors: codes.map((code) => ({ code, message: "no" })), messages: [], result: null });

const meaning = (...given: Parameters<typeof answer>) => meaningOf(answer(...given), tokenState);

describe("what an answer of Cloudflare means", () => {
  test("a result is handed on whole", () => {
    expect(meaning(200, { ...good, result: { ...RESULT, more: 1 } })).toEqual({ kind: "result", result: { ...RESULT, more: 1 } });
    expect(meaning(200, { success: true, result: RESULT })).toMatchObject({ kind: "result" });
  });

  test.each([
    [403, 10000, "UNAUTHORIZED"],
    [403, 9109, "UNAUTHORIZED"],
    [400, 6003, "UNAUTHORIZED"],
    [401, 1000, "UNAUTHORIZED"],
    [404, 81044, "NOT_FOUND"],
    [400, 7003, "NOT_FOUND"],
    [404, 4711, "NOT_FOUND"],
    [400, 81058, "INVALID"],
    [400, 9005, "INVALID"],
    [422, 4711, "INVALID"],
    [429, 971, "RATE_LIMITED"],
    [429, 10429, "RATE_LIMITED"],
    [400, 971, "RATE_LIMITED"],
    [200, 10000, "UNAUTHORIZED"],
    [200, 81044, "NOT_FOUND"],
    [200, 81058, "INVALID"],
    [200, 10429, "RATE_LIMITED"],
  ])("status %i with code %i is a refusal: %s", (status, code, expected) => {
    expect(meaning(status, bad(code))).toMatchObject({ kind: "refused", code: expected, detail: expect.stringContaining(`${code}: no`) });
  });

  test("a refusal for asking too often needs neither messages nor a result, nor an envelope", () => {
    expect(meaning(429, { success: false, errors: [{ code: 971, message: "Please wait" }] })).toMatchObject({ kind: "refused", code: "RATE_LIMITED" });
    expect(meaning(429, "<html>")).toMatchObject({ kind: "refused", code: "RATE_LIMITED" });
    expect(meaning(429, bad(10429), { headers: { "retry-after": "300" } })).toMatchObject({ retryAfterMs: 300_000 });
  });

  test.each([
    ["a page of HTML with 502", 502, "<!DOCTYPE html>"],
    ["a page of HTML with 403", 403, "<!DOCTYPE html>"],
    ["a page of HTML with 200", 200, "<!DOCTYPE html>"],
    ["an empty answer", 200, ""],
    ["a failure with 500, whatever its code", 500, bad(81044)],
    ["a failure with 200 and a code that is not known", 200, bad(4711)],
    ["a failure with 200 and no code", 200, { success: false, errors: [] }],
    ["a success with 404", 404, good],
    ["a redirect", 301, ""],
    ["a result that is none", 200, { ...good, result: null }],
    ["a result of another shape", 200, { ...good, result: { id: 1 } }],
  ])("%s says nothing", (_what, status, body) => {
    expect(meaning(status, body)).toMatchObject({ kind: "unclear" });
  });

  test("an answer that was cut says nothing, even where what is left can be read", () => {
    expect(meaning(200, good, { bodyCut: true })).toMatchObject({ kind: "unclear" });
  });

  test("the first code that is known counts, and the chain behind an error is told, within bounds", () => {
    expect(meaning(400, bad(4711, 81044))).toMatchObject({ code: "NOT_FOUND" });
    const chained = { success: false, errors: [{ code: 6003, message: "Invalid request headers", error_chain: [{ code: 6111, message: "Invalid format for Authorization header" }] }] };
    expect(meaning(400, chained)).toMatchObject({ detail: expect.stringContaining("6111: Invalid format for Authorization header") });
    const endless = { success: false, errors: Array.from({ length: 100 }, () => ({ code: 1004, message: "x".repeat(1_000) })) };
    const told = meaning(400, endless);
    expect(told.kind === "refused" && told.detail.length).toBeLessThanOrEqual(301);
  });
});
