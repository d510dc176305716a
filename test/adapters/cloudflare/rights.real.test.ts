import { describe, expect, test } from "vitest";
import { createCloudflareDns, type CloudflareDnsConfig } from "../../../src/adapters/cloudflare/dns.ts";
import { createCloudflarePools } from "../../../src/adapters/cloudflare/pools.ts";
import type { Token } from "../../../demo/cloudflare/tokens.ts";
import type { World } from "../../../demo/cloudflare/world.ts";
import { accountToken, startDaemons } from "../../support/cloudflare-daemons.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const signal = new AbortController().signal;
const VALUES = { primary: "203.0.113.1", secondary: "203.0.113.2" };
const MARK = "shopkeeper site=shop region=primary epoch=1 at=1000";
const SHOP = { name: "shop.example.com", type: "A", proxied: false, ttl: 60, values: VALUES } as const;
const SHADOW = { ...SHOP, name: "_shadow.example.com" };
const NOW = Date.parse("2026-01-01T00:00:00Z");

type Setting = { readonly token?: Partial<Token>; readonly config?: Partial<CloudflareDnsConfig>; readonly comment?: string | null; readonly shadowComment?: string | null };

async function prove({ token = {}, config = {}, comment = MARK, shadowComment = null }: Setting, prepare: (world: World) => Promise<void> = async () => {}) {
  const clock = new ManualClock(NOW);
  await using daemons = await startDaemons([accountToken("a", token)], null, {}, clock);
  const { world, control } = daemons.cloudflare;
  const shop = await world.addRecord({ ...SHOP, content: VALUES.primary, comment });
  const shadow = await world.addRecord({ ...SHADOW, content: VALUES.primary, comment: shadowComment });
  await prepare(world);
  const traffic = daemons.keep(createCloudflareDns({ site: "shop", zoneId: world.zoneId, accountId: world.accountId, records: [SHOP], shadow: SHADOW, ...config }, daemons.client("a"), clock));
  const proof = await traffic.proveRights(signal);
  const written = control.seen.filter(({ method }) => method === "PATCH").map(({ path }) => (path.endsWith(shop.id) ? "shop" : path.endsWith(shadow.id) ? "shadow" : path));
  const standing = [world.records.get(shop.id), world.records.get(shadow.id)].map((record) => [record?.content, record?.comment, record?.ttl]);
  return { ...proof, words: proof.findings.join("\n"), written, untouched: JSON.stringify(standing) === JSON.stringify([shop, shadow].map((record) => [record.content, record.comment, record.ttl])) };
}

describe("the rights of a token at Cloudflare", () => {
  test("are proven on the shadow record alone, which stays as it is", async () => {
    const found = await prove({});
    expect(found).toMatchObject({ ok: true, written: ["shadow"], untouched: true });
    expect(found.words).toContain("the token is owned by the account");
    expect(found.words).toContain("the token may write: a change of nothing was accepted on _shadow.example.com A");
  });

  test("are proven on the first record where there is no shadow, which stays as it is", async () => {
    expect(await prove({ config: { shadow: null } })).toMatchObject({ ok: true, written: ["shop"], untouched: true });
  });

  test("a user's token is told from an account's", async () => {
    const found = await prove({ token: { kind: "user" } });
    expect(found).toMatchObject({ ok: true, words: expect.stringContaining("the token is a user's") });
    expect(await prove({ token: { kind: "user" }, config: { accountId: null } })).toMatchObject({ ok: true });
  });

  test.each([
    ["a token that is not known", { value: "cfat_another" }, "the token is not accepted"],
    ["a token that was disabled", { status: "disabled" }, "the token is disabled"],
    ["a token that has expired", { status: "expired" }, "the token is expired"],
    ["a token that ends within two weeks", { expiresOn: "2026-01-14T00:00:00Z" }, "the token expires at 2026-01-14T00:00:00Z, in less than 14 days"],
    ["a token for an account's own use, looked for as a user's", { kind: "account" }, "the token is not accepted", null],
  ] as const)("%s is denied, and nothing is written", async (_what, token, words, accountId?: null) => {
    const found = await prove({ token, config: accountId === null ? { accountId } : {} });
    expect(found).toMatchObject({ ok: false, written: [], words: expect.stringContaining(words) });
  });

  test("a token that ends later is told of", async () => {
    expect(await prove({ token: { expiresOn: "2026-06-01T00:00:00Z" } })).toMatchObject({ ok: true, words: expect.stringContaining("the token expires at 2026-06-01T00:00:00Z") });
  });

  test("a token that may only read is denied", async () => {
    expect(await prove({ token: { rights: ["dns:read"] } })).toMatchObject({ ok: false, words: expect.stringContaining("the token may not write"), untouched: true });
  });

  test("a token without any right to the zone's records is denied", async () => {
    expect(await prove({ token: { rights: ["balancers:edit"] } })).toMatchObject({ ok: false, words: expect.stringContaining("shop.example.com A cannot be read") });
  });

  test.each([
    ["another site's shadow", { shadowComment: "shopkeeper site=outlet region=primary epoch=1 at=1000" }, "_shadow.example.com A bears no mark of shop"],
    ["a shadow with somebody's words", { shadowComment: "ask Ann" }, "_shadow.example.com A bears no mark of shop"],
    ["a record without a mark, and no shadow", { comment: null, config: { shadow: null } }, "shop.example.com A bears no mark of shop"],
    ["a shadow that is not there", { config: { shadow: { ...SHADOW, name: "gone.example.com" } } }, "the shadow gone.example.com A cannot be read"],
  ])("nothing is written to %s", async (_what, setting: Setting, words) => {
    expect(await prove(setting)).toMatchObject({ ok: false, written: [], words: expect.stringContaining(words) });
  });

  test("records that drifted, marks that nobody configured and other sites in the zone are told of", async () => {
    const found = await prove({}, async (world) => {
      const [shop] = world.records.values();
      await world.editRecord(shop?.id ?? "", { ttl: 300 });
      await world.addRecord({ ...SHOP, name: "old.example.com", content: "203.0.113.9", comment: MARK });
      await world.addRecord({ ...SHOP, name: "outlet.example.com", content: "203.0.113.9", comment: "shopkeeper site=outlet region=eu epoch=1 at=1" });
    });
    expect(found.ok).toBe(true);
    expect(found.words).toContain("shop.example.com A: configured with TTL 60 s");
    expect(found.words).toContain("old.example.com A bears a mark of shop and is not configured");
    expect(found.words).toContain("outlet.example.com A is marked as site outlet's");
  });

  test("at load balancers are proven by what no switch touches", async () => {
    for (const by of [{ kind: "order" }, { kind: "flag", region: "primary" }] as const) {
      const clock = new ManualClock(NOW);
      await using daemons = await startDaemons([accountToken("a")], null, {}, clock);
      const { world } = daemons.cloudflare;
      const pool = world.addPool({ name: "primary", addresses: ["203.0.113.1"], description: MARK });
      const { id } = await world.addLoadBalancer({ name: "shop.example.com", default_pools: [pool.id], description: MARK });
      const balancer = { name: "shop.example.com", id, by, pools: { primary: pool.id } };
      const traffic = daemons.keep(createCloudflarePools({ site: "shop", zoneId: world.zoneId, accountId: world.accountId, loadBalancers: [balancer], shadow: null }, daemons.client("a"), clock));
      const [before] = await traffic.read(signal);
      expect(await traffic.proveRights(signal)).toMatchObject({ ok: true });
      expect(await traffic.read(signal)).toEqual([{ ...before, version: expect.any(String) }]);
    }
  });
});
