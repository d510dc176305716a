import { describe, expect, test } from "vitest";
import { createMemoryStateStore } from "../../src/adapters/memory-state-store.ts";
import { BASE } from "../../src/core/claims.ts";
import type { Claim } from "../../src/core/claims.ts";
import { createClaimBook } from "../../src/engine/claim-book.ts";
import { MAX_CLAIMED_WORKLOADS } from "../../src/ports/claim-book.ts";
import type { StateStore, Stored } from "../../src/ports/state-store.ts";
import { StateStoreError } from "../../src/ports/state-store.ts";

const FOUND = { of: "deployment", name: "web", size: 3 } as const;
const sale: Claim = { holder: "sale:friday", size: 12, until: 1_000, why: "friday" };

function book(rows = new Map<string, Stored>()) {
  return { rows, claims: createClaimBook(createMemoryStateStore(rows)) };
}

describe("the book of claims", () => {
  test("remembers the size it found when the first claim was made, and survives the process", async () => {
    const { rows, claims } = book();
    const kept = await claims.claim("web", sale, FOUND, 0);
    expect(kept).toEqual({ workload: "web", of: "deployment", name: "web", written: 3, left: null, claims: [{ holder: BASE, size: 3, until: null, why: "its size before the first claim" }, sale] });
    await claims.claim("web", { ...sale, holder: "scale_up:load", size: 5 }, { ...FOUND, size: 12 }, 0);
    const next = book(rows).claims;
    expect(await next.load()).toEqual([]);
    expect(next.all()).toEqual(claims.all());
    expect(next.get("web")?.claims.map(({ holder, size }) => [holder, size])).toEqual([[BASE, 3], ["sale:friday", 12], ["scale_up:load", 5]]);
  });

  test("keeps what was written and what was left to others, and forgets at last", async () => {
    const { rows, claims } = book();
    await claims.claim("web", sale, FOUND, 0);
    await claims.leave("web", { wanted: 12, manager: "argocd-controller" });
    expect(claims.get("web")?.left).toEqual({ wanted: 12, manager: "argocd-controller" });
    await claims.wrote("web", 12);
    expect(claims.get("web")).toMatchObject({ written: 12, left: null });
    await claims.withdraw("web", sale.holder);
    expect(claims.get("web")?.claims.map(({ holder }) => holder)).toEqual([BASE]);
    await claims.forget("web");
    expect([claims.get("web"), rows.size]).toEqual([null, 0]);
    await claims.wrote("web", 5);
    expect(claims.all()).toEqual([]);
  });

  test("takes a new base when another object sizes the workload", async () => {
    const { claims } = book();
    await claims.claim("web", sale, FOUND, 0);
    await claims.wrote("web", 12);
    const kept = await claims.claim("web", sale, { of: "autoscaler", name: "web-hpa", size: 2 }, 0);
    expect(kept).toMatchObject({ of: "autoscaler", name: "web-hpa", written: 2, claims: [{ holder: BASE, size: 2 }, sale] });
  });

  test("says which rows it does not understand, and leaves them", async () => {
    const { rows, claims } = book();
    await claims.claim("web", sale, FOUND, 0);
    const good = rows.get("claims/web");
    if (good === undefined) return expect.fail("nothing was stored");
    const broken = ["no json", "{}", JSON.stringify({ ...JSON.parse(good.value), of: "moon" }), JSON.stringify({ ...JSON.parse(good.value), claims: [{ holder: "x" }] }), JSON.stringify({ ...JSON.parse(good.value), left: 5 }), JSON.stringify({ ...JSON.parse(good.value), left: {} })];
    broken.forEach((value, index) => rows.set(`claims/x${index}`, { key: `claims/x${index}`, value, revision: 1 }));
    const next = book(rows).claims;
    expect(await next.load()).toEqual(broken.map((_value, index) => `claims/x${index}`));
    expect(next.all().map(({ workload }) => workload)).toEqual(["web"]);
    expect(rows.size).toBe(broken.length + 1);
  });

  test("a claim that could not be stored was not made", async () => {
    const store: StateStore = { ...createMemoryStateStore(new Map()), put: () => Promise.reject(new StateStoreError("UNAVAILABLE", "no answer")) };
    const claims = createClaimBook(store);
    await expect(claims.claim("web", sale, FOUND, 0)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(claims.all()).toEqual([]);
  });

  test("changes that come together are made one after the other", async () => {
    const { rows, claims } = book();
    await Promise.all([claims.claim("web", sale, FOUND, 0), claims.claim("web", { ...sale, holder: "scale_up:a" }, FOUND, 0), claims.wrote("web", 12), claims.withdraw("web", sale.holder)]);
    expect(claims.get("web")).toMatchObject({ written: 12, claims: [{ holder: BASE }, { holder: "scale_up:a" }] });
    expect(JSON.parse(rows.get("claims/web")?.value ?? "")).toEqual(claims.get("web"));
  });

  test("takes claims for a bounded number of workloads", async () => {
    const { claims } = book();
    for (let n = 0; n < MAX_CLAIMED_WORKLOADS; n++) await claims.claim(`web-${n}`, sale, FOUND, 0);
    await expect(claims.claim("one-more", sale, FOUND, 0)).rejects.toThrow("at most 200 workloads");
    await claims.claim("web-0", { ...sale, size: 15 }, FOUND, 0);
    expect(claims.all()).toHaveLength(MAX_CLAIMED_WORKLOADS);
  });
});

describe("since when an autoscaler is short", () => {
  test("counts while somebody asks, and ends when it has what it wants", () => {
    const { claims } = book();
    const ask = (short: boolean, now: number) => claims.shortSince("web", short, now);
    expect([ask(true, 0), ask(true, 60_000), ask(true, 120_000)]).toEqual([0, 0, 0]);
    expect([ask(false, 130_000), ask(true, 140_000)]).toEqual([null, 140_000]);
    expect(ask(true, 200_001)).toBe(200_001);
  });
});
