/** State and ledger in a real Redis. */
import type { ChildProcess } from "node:child_process";
import { connect as connectTcp, type Socket } from "node:net";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openRedisLedger } from "../../src/adapters/redis-ledger.ts";
import { openRedisLine, type RedisLine } from "../../src/adapters/redis-line.ts";
import { openRedisStateStore, redisWarnings } from "../../src/adapters/redis-state-store.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import type { StateStore } from "../../src/ports/state-store.ts";
import { fencedStateStoreContract } from "../contract/fenced-state-store.ts";
import { entry, ledgerContract } from "../contract/ledger.ts";
import { stateStoreContract } from "../contract/state-store.ts";
import { freePort, serveTcp, until } from "../support/faulty-server.ts";
import { killChild, redisInstalled, startRedis } from "../support/redis-server.ts";

describe.skipIf(!redisInstalled)("state in a real Redis", () => {
  let port: number;
  let server: ChildProcess;
  let sites = 0;
  const lines: RedisLine[] = [];
  const url = (): string => `redis://127.0.0.1:${port}`;
  const connect = async (to = url()): Promise<RedisLine> => {
    const line = await openRedisLine(to);
    lines.push(line);
    return line;
  };
  const newSite = (): string => `shop-${(sites += 1)}`;
  const openStore = async (site: string, epoch: number | null = null): Promise<StateStore> => openRedisStateStore({ line: await connect(), site, epoch });

  beforeAll(async () => {
    port = await freePort();
    server = await startRedis(port);
  });
  afterEach(() => {
    for (const line of lines.splice(0)) line.close();
  });
  afterAll(() => killChild(server));

  stateStoreContract("Redis", async () => {
    const site = newSite();
    return { open: () => openStore(site), cleanUp: async () => {} };
  });

  fencedStateStoreContract("Redis", async () => {
    const site = newSite();
    const spoilEpoch = async (text: string): Promise<void> => {
      const stranger = new Redis(url());
      await stranger.set(`shopkeeper:{${site}}:state:epoch`, text);
      stranger.disconnect();
    };
    return { open: (epoch) => openStore(site, epoch), spoilEpoch, cleanUp: async () => {} };
  });

  ledgerContract("Redis", async (now) => {
    const site = newSite();
    const clock = { ...createSystemClock(), now: () => now };
    return { open: async (limits) => openRedisLedger({ redis: await connect(), site, clock, limits, line: () => {}, problem: () => {} }), cleanUp: async () => {}, durable: true };
  });

  test("sites share a Redis and see nothing of each other", async () => {
    const [one, other] = [await openStore("one", 7), await openStore("other", 1)];
    await one.put("k", "1");
    expect(await other.get("k")).toBeNull();
    expect(await other.list("")).toEqual([]);
    expect(await other.put("k", "2", 0)).toBe(1);
  });

  test("a server that has forgotten the epoch under its leader is told it again by the next write", async () => {
    const site = newSite();
    const [before, now] = [await openStore(site, 3), await openStore(site, 4)];
    const server = new Redis(url());
    await server.del(`shopkeeper:{${site}}:state:epoch`);
    await now.put("k", "1");
    await expect(before.put("k", "2")).rejects.toMatchObject({ code: "SUPERSEDED", epoch: 4 });
    await server.del(`shopkeeper:{${site}}:state:epoch`);
    await now.delete("k");
    await expect(before.put("k", "3")).rejects.toMatchObject({ code: "SUPERSEDED", epoch: 4 });
    server.disconnect();
  });

  test("what somebody else wrote under our keys is said, and left as it is", async () => {
    const site = newSite();
    const store = await openStore(site);
    await store.put("k", "1");
    const stranger = new Redis(url());
    await stranger.hset(`shopkeeper:{${site}}:state`, "k", "not ours");
    await expect(store.get("k")).rejects.toMatchObject({ code: "CORRUPT" });
    await expect(store.put("k", "2")).rejects.toMatchObject({ code: "CORRUPT" });
    expect(await stranger.hget(`shopkeeper:{${site}}:state`, "k")).toBe("not ours");
    await stranger.del(`shopkeeper:{${site}}:state`);
    await stranger.set(`shopkeeper:{${site}}:state`, "text");
    await expect(store.put("k", "2")).rejects.toMatchObject({ code: "CORRUPT" });
    stranger.disconnect();
  });

  test("a ledger's ring that is no text any more is begun anew", async () => {
    const site = newSite();
    const stranger = new Redis(url());
    await stranger.set(`shopkeeper:{${site}}:ledger`, Buffer.from([0xff, 0xfe, 0x80]));
    const ledger = await openRedisLedger({ redis: await connect(), site, clock: createSystemClock(), limits: { maxAgeMs: 86_400_000, maxBytes: 1_000_000 }, line: () => {}, problem: () => {} });
    await ledger.append(entry({ at: Date.now(), text: "after" }));
    await ledger.close();
    expect(JSON.parse(String(await stranger.get(`shopkeeper:{${site}}:ledger`)))).toMatchObject({ text: "after" });
    stranger.disconnect();
  });

  test("two ledgers that write at once lose nothing of each other", async () => {
    const site = newSite();
    const now = Date.now();
    const clock = createSystemClock();
    const open = async () => openRedisLedger({ redis: await connect(), site, clock, limits: { maxAgeMs: 86_400_000, maxBytes: 1_000_000 }, line: () => {}, problem: () => {} });
    const [one, other] = [await open(), await open()];
    for (let n = 0; n < 5; n++) {
      await one.append(entry({ at: now, text: `one ${n}` }));
      await other.append(entry({ at: now, text: `other ${n}` }));
    }
    await Promise.all([one.close(), other.close()]);
    const read = await open();
    const seen = await read.query({});
    expect(seen.map(({ text }) => text).toSorted()).toEqual([0, 1, 2, 3, 4].flatMap((n) => [`one ${n}`, `other ${n}`]).toSorted());
    expect(new Set(seen.map(({ seq }) => seq)).size).toBe(10);
    await read.close();
  });

  describe("that fails", () => {
    let own: ChildProcess;
    let ownPort: number;
    const ownUrl = (): string => `redis://127.0.0.1:${ownPort}`;

    afterEach(async () => {
      own.kill("SIGCONT");
      await killChild(own);
    });
    const begin = async (...options: readonly string[]): Promise<void> => {
      ownPort = await freePort();
      own = await startRedis(ownPort, ...options);
    };

    test("is refused at once while it is away, and written again when it is back, scripts forgotten", async () => {
      await begin();
      const store = await openRedisStateStore({ line: await connect(ownUrl()), site: "s", epoch: 1 });
      await store.put("k", "1");
      await killChild(own);
      const before = performance.now();
      await expect(store.put("k", "2")).rejects.toMatchObject({ code: "UNAVAILABLE" });
      expect(performance.now() - before).toBeLessThan(2_500);
      own = await startRedis(ownPort);
      await until(async () => (await store.put("k", "3").catch(() => null)) !== null, "it is written again");
    });

    test("is connected to anew when the connection is cut without a word, long before the kernel notices", async () => {
      await begin();
      const ways: { readonly near: Socket; readonly far: Socket }[] = [];
      const between = await serveTcp((near) => {
        const far = connectTcp(ownPort, "127.0.0.1").on("error", () => near.destroy());
        near.pipe(far).pipe(near);
        ways.push({ near, far });
      });
      const store = await openRedisStateStore({ line: await connect(`redis://127.0.0.1:${between.port}`), site: "s", epoch: 1 });
      await store.put("k", "1");
      const [first] = ways;
      let reset = false;
      first?.near.on("error", (error: NodeJS.ErrnoException) => (reset = error.code === "ECONNRESET"));
      for (const { near, far } of ways) near.unpipe(far);
      await expect(store.put("k", "2")).rejects.toMatchObject({ code: "UNAVAILABLE" });
      // Reading goes on, or nobody would hear of the end.
      first?.near.resume();
      await until(() => reset, "what was given up is reset, so that it cannot arrive after a later write");
      await until(async () => (await store.put("k", "3").catch(() => null)) !== null, "it is written again");
      expect(between.connections()).toBe(2);
      for (const { far } of ways) far.destroy();
      await between.close();
    });

    test("is given up on when it is frozen, within the deadline", async () => {
      await begin();
      const store = await openRedisStateStore({ line: await connect(ownUrl()), site: "s", epoch: 1 });
      own.kill("SIGSTOP");
      await expect(store.put("k", "1")).rejects.toMatchObject({ code: "UNAVAILABLE" });
    });

    test("that was never there is said, without the password in its URL", async () => {
      await begin();
      await killChild(own);
      const refused = await openRedisLine(`redis://:sesame@127.0.0.1:${ownPort}`).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: "UNAVAILABLE", message: expect.stringContaining("ECONNREFUSED") });
      expect(String(refused)).not.toContain("sesame");
    });

    test("that wants another password is said", async () => {
      await begin("--requirepass", "open");
      await expect(openRedisLine(ownUrl())).rejects.toMatchObject({ code: "UNAVAILABLE", message: expect.stringContaining("NOAUTH") });
      const line = await connect(`redis://:open@127.0.0.1:${ownPort}`);
      expect(await (await openRedisStateStore({ line, site: "s", epoch: 1 })).put("k", "1")).toBe(1);
    });

    test("that evicts is refused, and one that forgets is told of", async () => {
      await begin("--maxmemory", "10mb", "--maxmemory-policy", "allkeys-lru");
      const line = await connect(ownUrl());
      const facts = await line.facts();
      expect(facts).toEqual({ maxmemoryPolicy: "allkeys-lru", appendOnly: false, appendfsync: "everysec" });
      expect(() => redisWarnings(facts)).toThrow(/maxmemory-policy allkeys-lru/);
      expect(redisWarnings({ ...facts, maxmemoryPolicy: "noeviction" })).toEqual([expect.stringContaining("appendonly no")]);
    });

    test("that forbids to ask for its settings is taken, and said to be unknown", async () => {
      await begin("--rename-command", "CONFIG", "", "--rename-command", "INFO", "");
      const facts = await (await connect(ownUrl())).facts();
      expect(facts).toEqual({ maxmemoryPolicy: null, appendOnly: null, appendfsync: null });
      expect(redisWarnings(facts)).toEqual([expect.stringContaining("does not say its maxmemory-policy")]);
    });
  });
});

test("a Redis that keeps all it is told has nothing to be told of, one that syncs each second has", () => {
  expect(redisWarnings({ maxmemoryPolicy: "noeviction", appendOnly: true, appendfsync: "always" })).toEqual([]);
  expect(redisWarnings({ maxmemoryPolicy: "noeviction", appendOnly: true, appendfsync: "everysec" })).toEqual([expect.stringContaining("the last second")]);
});
