import { describe, expect, test } from "vitest";
import { classify } from "../../src/adapters/network-failure.ts";

const coded = (code: string) => Object.assign(new Error(code.toLowerCase()), { code });

describe("an error of the network", () => {
  test.each([
    ["ECONNREFUSED", "refused", false],
    ["ECONNRESET", "reset", false],
    ["EPIPE", "reset", false],
    ["ETIMEDOUT", "timeout", false],
    ["EHOSTUNREACH", "timeout", false],
    ["ENOTFOUND", "resolve", false],
    ["EAI_AGAIN", "resolve", true],
    ["ETIMEOUT", "resolve", true],
    ["ECONNREFUSED_DNS", "resolve", true],
    ["ENETUNREACH", "refused", true],
    ["EMFILE", "refused", true],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "tls", false],
    ["CERT_HAS_EXPIRED", "tls", false],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "tls", false],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "tls", false],
  ])("%s is %s; our own fault: %s", (code, cause, noNetwork) => {
    expect(classify(coded(code), false)).toMatchObject({ cause, noNetwork });
  });

  test("after the headers is truncated, whatever broke", () => {
    expect(classify(coded("ECONNRESET"), true).cause).toBe("truncated");
  });

  test("of several attempts is named after the first", () => {
    const both = new AggregateError([coded("ECONNREFUSED"), coded("ENETUNREACH")], "");
    expect(classify(both, false)).toEqual({ cause: "refused", noNetwork: false, detail: "econnrefused; enetunreach" });
  });

  test("that is no error at all is still a value", () => {
    expect(classify("odd", false)).toEqual({ cause: "reset", noNetwork: false, detail: "odd" });
  });
});
