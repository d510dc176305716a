import net from "node:net";
import { expect, test } from "vitest";
import { claimPort } from "../../src/adapters/port-in-use.ts";

async function listenSharing(port: number): Promise<net.Server> {
  const server = net.createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen({ host: "127.0.0.1", port, reusePort: true }, resolve));
  return server;
}

test("a port that somebody shares cannot be claimed, and can be once they let go", async () => {
  const server = await listenSharing(0);
  const { port } = server.address() as net.AddressInfo;
  await expect(claimPort("127.0.0.1", port)).rejects.toThrow(/EADDRINUSE/);
  await new Promise((resolve) => server.close(resolve));
  await expect(claimPort("127.0.0.1", port)).resolves.toBeUndefined();
  const again = await listenSharing(port);
  await new Promise((resolve) => again.close(resolve));
});

test("any port can always be had", async () => {
  await expect(claimPort("127.0.0.1", 0)).resolves.toBeUndefined();
});
