import { afterEach, describe, expect, test } from "vitest";
import { tcpProbe } from "../../src/probes/tcp.ts";
import { freePort, serveTcp } from "../support/faulty-server.ts";
import type { Served } from "../support/faulty-server.ts";
import { findingOf, lookOnce } from "./look.ts";

const served: Served[] = [];
afterEach(async () => {
  await Promise.all(served.splice(0).map((one) => one.close()));
});

async function serve(onSocket: Parameters<typeof serveTcp>[0]): Promise<string> {
  const one = await serveTcp(onSocket);
  served.push(one);
  return `127.0.0.1:${one.port}`;
}

const look = (settings: Record<string, unknown>, deadlineMs = 5_000) => lookOnce(tcpProbe, { settings, checks: { tcp: "connected" } }, {}, { deadlineMs });

describe("a TCP port", () => {
  test("that accepts is connected", async () => {
    const seen = await look({ address: await serve(() => {}) });
    expect(seen).toMatchObject({ kind: "pass" });
    expect(findingOf(seen, "tcp")).toMatchObject({ level: "pass", observed: "connected" });
  });

  test("that greets as expected passes, also in pieces", async () => {
    const address = await serve((socket) => {
      socket.write("220 ma");
      setTimeout(() => socket.write("il ready\r\n"), 20);
    });
    expect(await look({ address, expect: "220 mail" })).toMatchObject({ kind: "pass" });
  });

  test("that answers what was sent passes", async () => {
    const address = await serve((socket) => socket.on("data", (chunk: Buffer) => socket.write(`echo ${chunk.toString()}`)));
    expect(await look({ address, send: "hello", expect: "echo hello" })).toMatchObject({ kind: "pass" });
  });

  test("that says something else and closes fails by its body", async () => {
    const address = await serve((socket) => socket.end("554 no"));
    expect(await look({ address, expect: "220" })).toMatchObject({ kind: "fail", cause: "body" });
  });

  test("that never stops saying something else fails by its body", async () => {
    const address = await serve((socket) => void socket.write("x".repeat(200_000)));
    expect(await look({ address, expect: "220" })).toMatchObject({ kind: "fail", cause: "body" });
  });

  test("that closes without a word is truncated", async () => {
    const address = await serve((socket) => socket.end());
    expect(await look({ address, expect: "220" })).toMatchObject({ kind: "fail", cause: "truncated" });
  });

  test("that says nothing is a timeout", async () => {
    expect(await look({ address: await serve(() => {}), expect: "220" }, 100)).toMatchObject({ kind: "fail", cause: "timeout" });
  });

  test("that nobody listens on is refused", async () => {
    const seen = await look({ address: `127.0.0.1:${await freePort()}` });
    expect(seen).toMatchObject({ kind: "fail", cause: "refused" });
    expect(findingOf(seen, "tcp")).toMatchObject({ level: "fail", observed: "refused" });
  });

  test("that speaks no TLS is not connected by TLS", async () => {
    const address = await serve((socket) => socket.end("plain text, not a handshake"));
    expect(await look({ address, tls: true })).toMatchObject({ kind: "fail", cause: "tls" });
  });
});
