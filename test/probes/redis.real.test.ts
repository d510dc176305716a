import type { ChildProcess } from "node:child_process";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createRedisPing } from "../../src/adapters/redis-ping.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import type { PreparedProbe } from "../../src/ports/probe.ts";
import type { RedisPinger } from "../../src/ports/redis-pinger.ts";
import { dependenciesProbe } from "../../src/probes/dependencies.ts";
import { redisProbe } from "../../src/probes/redis.ts";
import { freePort, serveHttp, serveTcp } from "../support/faulty-server.ts";
import { killChild, redisInstalled, startRedis } from "../support/redis-server.ts";
import { aLook, findingOf, lookOnce, prepare } from "./look.ts";

const clock = createSystemClock();

describe.skipIf(!redisInstalled)("a real Redis", () => {
  let port: number;
  let server: ChildProcess;
  let redis: RedisPinger;
  let probe: PreparedProbe;

  beforeEach(async () => {
    port = await freePort();
    server = await startRedis(port);
    redis = createRedisPing({ clock, url: `redis://127.0.0.1:${port}` });
    probe = prepare(redisProbe, { checks: { redis: "connected", response_time: "< 30s" } }, { redis });
  });
  afterEach(async () => {
    await redis.close();
    await killChild(server);
  });

  test("that answers PING is connected", async () => {
    const seen = await probe.run(aLook());
    expect(seen).toMatchObject({ kind: "pass" });
    expect(findingOf(seen, "redis")).toMatchObject({ level: "pass", observed: "connected" });
  });

  test("that was killed is refused, and connected again as soon as it is back", async () => {
    await probe.run(aLook());
    await killChild(server);
    expect(await probe.run(aLook({ ordinal: 1 }))).toMatchObject({ kind: "fail", cause: "refused" });
    server = await startRedis(port);
    expect(await probe.run(aLook({ ordinal: 2 }))).toMatchObject({ kind: "pass" });
  });

  test("that was restarted between two looks is connected at the next", async () => {
    await probe.run(aLook());
    await killChild(server);
    server = await startRedis(port);
    expect(await probe.run(aLook({ ordinal: 1 }))).toMatchObject({ kind: "pass" });
  });

  test("that is frozen is a timeout, and connected again when it thaws", async () => {
    await probe.run(aLook());
    server.kill("SIGSTOP");
    expect(await probe.run(aLook({ ordinal: 1, deadlineMs: 200 }))).toMatchObject({ kind: "fail", cause: "timeout" });
    expect(await probe.run(aLook({ ordinal: 2, deadlineMs: 200 }))).toMatchObject({ kind: "fail", cause: "timeout" });
    server.kill("SIGCONT");
    expect(await probe.run(aLook({ ordinal: 3 }))).toMatchObject({ kind: "pass" });
  });

  test("that wants a password is not connected, by its answer", async () => {
    const guardedPort = await freePort();
    const guarded = await startRedis(guardedPort, "--requirepass", "sesame");
    const ours = createRedisPing({ clock, url: `redis://127.0.0.1:${guardedPort}` });
    expect(await ours.ping(5_000)).toMatchObject({ kind: "failed", cause: "body" });
    const theirs = createRedisPing({ clock, url: `redis://:sesame@127.0.0.1:${guardedPort}` });
    expect(await theirs.ping(5_000)).toMatchObject({ kind: "pong" });
    await Promise.all([ours.close(), theirs.close()]);
    await killChild(guarded);
  });

  test("is connected for two who ask at once, first and after a restart", async () => {
    const both = () => Promise.all([redis.ping(5_000), redis.ping(5_000)]);
    expect((await both()).map(({ kind }) => kind)).toEqual(["pong", "pong"]);
    await killChild(server);
    server = await startRedis(port);
    expect((await both()).map(({ kind }) => kind)).toEqual(["pong", "pong"]);
  });

  test("a ping that is called off is no evidence", async () => {
    server.kill("SIGSTOP");
    const calledOff = new AbortController();
    const running = probe.run(aLook({ signal: calledOff.signal, deadlineMs: 60_000 }));
    calledOff.abort();
    expect(await running).toMatchObject({ kind: "unknown", cause: "internal" });
  });

  test("beside a CDN that answers makes the dependencies pass; either one missing fails them", async () => {
    const cdn = await serveHttp((_request, response) => response.writeHead(404).end());
    const checks = { redis: "connected", cdn: "reachable" };
    const both = { settings: { cdn_url: cdn.url }, checks };
    const seen = await lookOnce(dependenciesProbe, both, { redis });
    expect(seen).toMatchObject({ kind: "pass" });
    expect(findingOf(seen, "cdn")).toMatchObject({ observed: "reachable" });

    await killChild(server);
    expect(await lookOnce(dependenciesProbe, both, { redis })).toMatchObject({ kind: "fail", cause: "refused" });
    server = await startRedis(port);
    await cdn.close();
    const without = await lookOnce(dependenciesProbe, both, { redis });
    expect(without).toMatchObject({ kind: "fail", cause: "refused" });
    expect(findingOf(without, "redis")).toMatchObject({ level: "pass" });
  });
});

describe("what is no Redis", () => {
  test("says so by its bytes or its silence, never by hanging", async () => {
    const mute = await serveTcp(() => {});
    const web = await serveTcp((socket) => socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")));
    for (const { port } of [mute, web]) {
      const redis = createRedisPing({ clock, url: `redis://127.0.0.1:${port}` });
      expect((await redis.ping(200)).kind).toBe("failed");
      await redis.close();
    }
    await Promise.all([mute.close(), web.close()]);
  });
});

describe("dependencies", () => {
  test("that are not configured are left out", async () => {
    const cdn = await serveHttp((_request, response) => response.end());
    const seen = await lookOnce(dependenciesProbe, { settings: { cdn_url: cdn.url }, checks: { redis: "connected", cdn: "reachable" } }, { redis: null });
    expect(seen).toMatchObject({ kind: "pass", findings: [{ assertion: "cdn" }] });
    await cdn.close();
  });

  test("a CDN that answers 503 is not reachable; one that throttles us is no evidence", async () => {
    const look = async (status: number) => {
      const cdn = await serveHttp((_request, response) => response.writeHead(status).end());
      const seen = await lookOnce(dependenciesProbe, { settings: { cdn_url: cdn.url }, checks: { cdn: "reachable" } }, {});
      await cdn.close();
      return seen;
    };
    expect(await look(503)).toMatchObject({ kind: "fail", cause: "status" });
    expect(await look(429)).toMatchObject({ kind: "unknown", cause: "no_data" });
  });

  test("say why a part is inactive", () => {
    const site = { targets: [], storefront: null, redis: null, gateway: null };
    expect(dependenciesProbe.assertions["redis"]?.inactiveWhen?.(site, {})).toBe("no redis is configured");
    expect(dependenciesProbe.assertions["cdn"]?.inactiveWhen?.(site, {})).toBe("no cdn_url is configured");
    expect(dependenciesProbe.assertions["cdn"]?.inactiveWhen?.(site, { cdn_url: "http://cdn.example" })).toBeNull();
  });
});
