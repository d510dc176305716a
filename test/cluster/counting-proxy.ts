/** A way to a server that counts the connections made through it, and can be made to swallow what passes. */
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

export type CountingProxy = AsyncDisposable & {
  /** As the server's, with our port. */
  readonly server: string;
  /** Connections ever accepted. */
  total(): number;
  /** Connections open now. */
  open(): number;
};

export async function startCountingProxy(target: string): Promise<CountingProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let total = 0;
  const server = createServer((near) => {
    total += 1;
    const far = connect(Number(port), hostname);
    for (const [one, other] of [[near, far], [far, near]] as const) {
      sockets.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    total: () => total,
    open: () => sockets.size / 2,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}
