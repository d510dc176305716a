/**
 * The entrance closes while buyers are at the door. What the kernel holds for it (a queue of connections, requests
 * in buffers) is brought about without a turn of the loop, so that nobody has seen it when it closes.
 */
import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { createWorld, passTime, rendered, sendPage, until, type World } from "./ingress-world.ts";

const ASK = "GET /products/alder HTTP/1.1\r\nHost: shop\r\n\r\n";

/** A buyer's connection, and what came over it. The connection is made, and what is said is sent, before the loop turns. */
async function buyer(world: World, said: string): Promise<{ readonly socket: Socket; readonly heard: () => string; readonly ended: Promise<string> }> {
  let text = "";
  const socket = connect({ port: world.port, host: "127.0.0.1" });
  socket.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
  const ended = new Promise<string>((resolve) => socket.once("end", () => resolve("ended")).once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "")));
  socket.write(said);
  // Connecting happens on the next tick; the handshake on loopback is the kernel's, and over by then.
  await new Promise<void>((resolve) => process.nextTick(resolve));
  return { socket, heard: () => text, ended };
}

function pages(): Promise<World> {
  return createWorld((_, res) => sendPage(res, "alder"));
}

test("a connection that waits in the queue is let in and answered, not reset", async () => {
  await using world = await pages();
  const { heard, ended } = await buyer(world, ASK);
  const drained = world.ingress.drain(60_000);
  expect(await ended).toBe("ended");
  expect(heard()).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*\r\nconnection: close\r\n/i);
  expect(heard()).toContain(rendered("alder").slice(0, 40));
  await drained;
});

test("a request that has just arrived on an idle connection is answered, and told that it is the last", async () => {
  await using world = await pages();
  const { socket, heard, ended } = await buyer(world, ASK);
  await until(() => heard().includes("streamController.close()"));
  expect(heard()).toMatch(/\r\nconnection: keep-alive\r\n/i);
  const before = heard().length;
  socket.write(ASK);
  const drained = world.ingress.drain(60_000);
  expect(await ended).toBe("ended");
  expect(heard().slice(before)).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*\r\nconnection: close\r\n/i);
  await drained;
});

test("an idle connection may be used for a moment more; answers of every kind say that it ends", async () => {
  await using world = await pages();
  const pageBuyer = await buyer(world, ASK);
  const refused = await buyer(world, ASK);
  const unused = await buyer(world, ASK);
  await until(() => [pageBuyer, refused, unused].every(({ heard }) => heard().includes("streamController.close()")));
  const drained = world.ingress.drain(60_000);
  await world.clock.advance(500);
  pageBuyer.socket.write(ASK);
  refused.socket.write("GET http://shop/products HTTP/1.1\r\nHost: shop\r\n\r\n");
  expect(await Promise.all([pageBuyer.ended, refused.ended])).toEqual(["ended", "ended"]);
  expect(pageBuyer.heard().match(/connection: \S+/gi)).toEqual(["Connection: keep-alive", "Connection: close"]);
  expect(refused.heard()).toMatch(/HTTP\/1.1 400 [^]*connection: close/i);
  expect(unused.socket.readableEnded).toBe(false);
  await world.clock.advance(500);
  expect(await unused.ended).toBe("ended");
  await drained;
});

test("a stored page that a slow buyer still reads reaches its last byte", async () => {
  // More than the system takes for one connection: the rest waits in the gateway, which is done with it.
  const text = "x".repeat(8_000_000);
  await using world = await createWorld((_, res) => sendPage(res, text), { config: { copyBytes: 40_000_000, copyBytesPerEntry: 10_000_000 } });
  await world.visit("/products/alder");
  const slow = await buyer(world, ASK.replace("shop", `127.0.0.1:${world.port}`));
  slow.socket.pause();
  await until(() => slow.socket.readableLength > 0);
  const drained = world.ingress.drain(60_000);
  for (let second = 0; second < 3; second += 1) await world.clock.advance(1_000);
  slow.socket.resume();
  expect(await passTime(world, slow.ended)).toBe("ended");
  expect(slow.heard()).toMatch(/x-cache-status: HIT/);
  expect(slow.heard().endsWith("streamController.close();</script>")).toBe(true);
  await drained;
});
