import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeRto, fittingTtl, RTO_TARGET, sumRto, type RecordRto, type RtoPlan, type RtoProvider, type RtoReach, type RtoRecord } from "../../../src/core/region/rto.ts";

const PLAN: RtoPlan = { lookEveryMs: 2_000, lookDeadlineMs: 1_000, fall: 3, quorum: 2, voteDeadlineMs: 900, decideEveryMs: 1_000, yieldForMs: 0, applyDeadlineMs: 4_500, records: [] };
const record = (reach: RtoReach, provider: RtoProvider = "cloudflare_dns"): RtoRecord => ({ name: "shop.example.com A", provider, reach });

function sumOf(one: RtoRecord, plan: Partial<RtoPlan> = {}): RecordRto {
  const [found] = sumRto({ ...PLAN, ...plan, records: [one] });
  if (found === undefined) throw new Error("no sum");
  return found;
}
const figures = ({ lines }: RecordRto): string[] => lines.map(({ part, likelyMs, worstMs, assumed }) => `${part} ${likelyMs} ${worstMs}${assumed ? " assumed" : ""}`);

describe("the RTO sum", () => {
  it("of a proxied record ends at the edge", () => {
    const sum = sumOf(record({ kind: "edge" }));
    expect(figures(sum)).toEqual(["detection 6333 7000", "votes 300 1900", "decision 500 1000", "apply 1000 4500", "provider 5000 30000 assumed"]);
    expect(sum).toMatchObject({ likelyMs: 13_133, worstMs: 44_400, verdict: "within" });
  });

  it("of a record that visitors resolve adds its TTL, half of it likely", () => {
    expect(figures(sumOf(record({ kind: "resolvers", ttlMs: 60_000, leastTtlMs: 1_000 }))).at(-1)).toBe("resolvers 30000 60000");
  });

  it.each<[RtoReach, RtoProvider, RecordRto["verdict"]]>([
    [{ kind: "edge" }, "cloudflare_pools", "within"],
    [{ kind: "resolvers", ttlMs: 15_000, leastTtlMs: 1_000 }, "cloudflare_dns", "within"],
    [{ kind: "resolvers", ttlMs: 16_000, leastTtlMs: 1_000 }, "cloudflare_dns", "likely"],
    [{ kind: "resolvers", ttlMs: 60_000, leastTtlMs: 1_000 }, "cloudflare_dns", "likely"],
    [{ kind: "resolvers", ttlMs: 300_000, leastTtlMs: 1_000 }, "cloudflare_dns", "over"],
    [{ kind: "resolvers", ttlMs: 30_000, leastTtlMs: 1_000 }, "route53", "likely"],
    [{ kind: "health_checks", ttlMs: 10_000, everyMs: 10_000, failures: 2 }, "route53", "within"],
    [{ kind: "health_checks", ttlMs: 60_000, everyMs: 30_000, failures: 3 }, "route53", "over"],
  ])("of %j at %s is %s", (reach, provider, verdict) => {
    expect(sumOf(record(reach, provider)).verdict).toBe(verdict);
  });

  it("where the provider's own checks decide has no votes and no change of ours in it", () => {
    const sum = sumOf(record({ kind: "health_checks", ttlMs: 60_000, everyMs: 10_000, failures: 3 }, "route53"));
    expect(figures(sum)).toEqual(["decision 0 7000", "detection 31000 36000", "provider 1000 5000 assumed", "resolvers 30000 60000"]);
  });

  it("counts the time that more preferred regions have, in the worst case only", () => {
    const first = sumOf(record({ kind: "edge" }));
    const third = sumOf(record({ kind: "edge" }), { yieldForMs: 10_000 });
    expect([third.likelyMs - first.likelyMs, third.worstMs - first.worstMs]).toEqual([0, 10_000]);
  });

  it("names the TTL that would do", () => {
    const sum = sumOf(record({ kind: "resolvers", ttlMs: 60_000, leastTtlMs: 1_000 }));
    expect(fittingTtl(sum)).toBe(15_000);
    expect(sumOf(record({ kind: "resolvers", ttlMs: 15_000, leastTtlMs: 1_000 })).verdict).toBe("within");
    expect(fittingTtl(sumOf(record({ kind: "resolvers", ttlMs: 60_000, leastTtlMs: 1_000 }, "route53")))).toBeNull();
    expect(fittingTtl(sumOf(record({ kind: "edge" })))).toBeNull();
  });

  it("is printed with where each part comes from", () => {
    expect(describeRto([sumOf(record({ kind: "resolvers", ttlMs: 60_000, leastTtlMs: 1_000 }))])).toEqual([
      "shop.example.com A (cloudflare_dns): likely 43.13s, at worst 1m44s: the worst case is over 1m; a TTL of at most 15s would change that",
      "  detection  likely  6.33s, at worst     7s  3 failed looks by 2 observers, one every 2s, the last given up after 1s",
      "  votes      likely  300ms, at worst   1.9s  observers are asked every 1s and have 900ms to answer",
      "  decision   likely  500ms, at worst     1s  decided every 1s",
      "  apply      likely     1s, at worst   4.5s  read, written and read back within 4.5s; a provider whose API is down is not in this sum",
      "  provider   likely     5s, at worst    30s  assumed: Cloudflare's edge follows within seconds; its documentation bounds it by five minutes only",
      "  resolvers  likely    30s, at worst     1m  resolvers keep the old answer for up to its TTL of 1m",
    ]);
    expect(describeRto([sumOf(record({ kind: "resolvers", ttlMs: 60_000, leastTtlMs: 1_000 }, "route53"))])[0]).toBe("shop.example.com A (route53): likely 1m8s, at worst 2m14s: over 1m; no TTL would change that");
    expect(describeRto([sumOf(record({ kind: "edge" }))])[0]).toBe("shop.example.com A (cloudflare_dns): likely 13.13s, at worst 44.4s: within 1m");
  });

  it.each([
    [60_000, "cloudflare_dns", "; Cloudflare takes no TTL below 1m, but proxied: true would change that"],
    [30_000, "cloudflare_dns", "; Cloudflare takes no TTL below 30s, but proxied: true would change that"],
    [15_000, "cloudflare_dns", "; a TTL of at most 15s would change that"],
    [60_000, "route53", "; no TTL would change that"],
  ] as const)("with a provider that takes no TTL below %d ms, %s, says %s", (leastTtlMs, provider, said) => {
    expect(describeRto([sumOf(record({ kind: "resolvers", ttlMs: 60_000, leastTtlMs }, provider))])[0]).toMatch(new RegExp(`${said}$`));
  });

  it("does not promise of a proxied record what it would not keep either", () => {
    expect(describeRto([sumOf(record({ kind: "resolvers", ttlMs: 60_000, leastTtlMs: 60_000 }), { lookEveryMs: 20_000 })])[0]).toMatch(/; no TTL would change that$/);
  });

  const ms = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });
  const reach: fc.Arbitrary<RtoReach> = fc.oneof(
    fc.constant({ kind: "edge" } as const),
    fc.record({ kind: fc.constant("resolvers" as const), ttlMs: ms(300_000), leastTtlMs: fc.constantFrom(1_000, 30_000, 60_000) }),
    fc.record({ kind: fc.constant("health_checks" as const), ttlMs: ms(300_000), everyMs: fc.constantFrom(10_000, 30_000), failures: fc.integer({ min: 1, max: 10 }) }),
  );
  const plans = fc.record({
    lookEveryMs: fc.integer({ min: 1_000, max: 60_000 }),
    lookDeadlineMs: ms(1_000),
    fall: fc.integer({ min: 1, max: 10 }),
    quorum: fc.integer({ min: 2, max: 8 }),
    voteDeadlineMs: ms(5_000),
    decideEveryMs: ms(5_000),
    yieldForMs: ms(60_000),
    applyDeadlineMs: ms(5_000),
    records: fc.array(fc.record({ name: fc.constant("shop.example.com A"), provider: fc.constantFrom<RtoProvider>("cloudflare_dns", "cloudflare_pools", "route53"), reach }), { maxLength: 8 }),
  });

  it("of any plan is that of its lines, none of them negative, or better at worst than likely", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const sums = sumRto(plan);
        expect(sums.map(({ record }) => record)).toEqual(plan.records);
        for (const { lines, likelyMs, worstMs } of sums) {
          expect([lines.reduce((total, line) => total + line.likelyMs, 0), lines.reduce((total, line) => total + line.worstMs, 0)]).toEqual([likelyMs, worstMs]);
          expect(lines.filter((line) => line.likelyMs < 0 || line.worstMs < line.likelyMs)).toEqual([]);
        }
      }),
    );
  });

  it("of any plan is within the target with the TTL it names, and with no greater one", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        for (const sum of sumRto(plan)) {
          const ttlMs = fittingTtl(sum);
          if (ttlMs === null || sum.record.reach.kind === "edge") continue;
          const withTtl = (ms: number): RecordRto => sumOf({ ...sum.record, reach: { ...sum.record.reach, ttlMs: ms } as RtoReach }, plan);
          expect(withTtl(ttlMs).worstMs).toBeLessThanOrEqual(RTO_TARGET);
          expect(withTtl(ttlMs + 1_000).worstMs).toBeGreaterThan(RTO_TARGET);
        }
      }),
    );
  });
});
