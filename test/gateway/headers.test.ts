import fc from "fast-check";
import { isIP } from "node:net";
import { describe, expect, test } from "vitest";
import { nameSet } from "../../src/core/name-set.ts";
import { keepMetrics, readOrigin, responseFields } from "../../src/gateway/headers.ts";

describe("where a request comes from", () => {
  test.each([
    [0, "1.1.1.1, 2.2.2.2", "9.9.9.9", "9.9.9.9"],
    [1, "1.1.1.1, 2.2.2.2", "2.2.2.2", "2.2.2.2, 9.9.9.9"],
    [2, "1.1.1.1, 2.2.2.2", "1.1.1.1", "1.1.1.1, 2.2.2.2, 9.9.9.9"],
    [5, "1.1.1.1", "1.1.1.1", "1.1.1.1, 9.9.9.9"],
    [2, "spoof<script>, 2.2.2.2", "2.2.2.2", "2.2.2.2, 9.9.9.9"],
    [1, undefined, "9.9.9.9", "9.9.9.9"],
  ])("with %i trusted hops and %s it is %s", (hops, said, address, forwardedFor) => {
    const headers = said === undefined ? {} : { "x-forwarded-for": said };
    expect(readOrigin(headers, "::ffff:9.9.9.9", hops)).toMatchObject({ address, forwardedFor });
  });

  test("the scheme is believed only of a trusted proxy", () => {
    expect(readOrigin({ "x-forwarded-proto": "https" }, "9.9.9.9", 0).scheme).toBe("http");
    expect(readOrigin({ "x-forwarded-proto": "https" }, "9.9.9.9", 1).scheme).toBe("https");
  });

  test("whatever is said, only addresses come out, and never more than the hops allow", () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(4), (said, hops) => {
        const { address, forwardedFor } = readOrigin({ "x-forwarded-for": said }, "9.9.9.9", hops);
        const entries = forwardedFor.split(", ");
        return entries.length <= hops + 1 && entries.every((entry) => isIP(entry) !== 0) && address === entries[0];
      }),
    );
  });
});

describe("answers' fields", () => {
  test("what belongs to the connection stays, also what Connection lists; Set-Cookie stays one a cookie", () => {
    const fields = responseFields({ connection: "close, X-Secret", "keep-alive": "timeout=5", "transfer-encoding": "chunked", "x-secret": "1", "set-cookie": ["a=1", "b=2"], "x-ok": "1", drop: "1" }, nameSet(["drop"]));
    expect(fields).toEqual(["set-cookie", "a=1", "set-cookie", "b=2", "x-ok", "1"]);
  });

  test("a policy cannot be listed away", () => {
    expect(responseFields({ connection: "content-security-policy", "content-security-policy": "x" }, nameSet([]))).toEqual(["content-security-policy", "x"]);
  });

  test("only allowed metrics are kept", () => {
    expect(keepMetrics("_y;desc=a, _s;desc=b, _sfapi_proxy;desc=1", nameSet(["_sfapi_proxy"]))).toBe("_sfapi_proxy;desc=1");
  });
});
