/** Real servers with real faults, for tests of whatever looks at them. */
import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import { createServer as createTcpServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

export type Served = {
  readonly url: string;
  readonly port: number;
  /** Connections accepted so far. */
  readonly connections: () => number;
  close(): Promise<void>;
};

/** An HTTP server on a free port of the loopback. */
export async function serveHttp(listener: RequestListener, keepAliveTimeout = 60_000): Promise<Served> {
  const server = createServer({ keepAliveTimeout }, listener);
  return serving(server);
}

/** A TCP server on a free port, for answers no HTTP library would write. */
export async function serveTcp(onSocket: (socket: Socket) => void): Promise<Served> {
  const server = createTcpServer((socket) => {
    socket.on("error", () => {});
    onSocket(socket);
  });
  return serving(server);
}

/** A port of the loopback nobody listens on. */
export async function freePort(): Promise<number> {
  const served = await serveTcp(() => {});
  await served.close();
  return served.port;
}

async function serving(server: Server): Promise<Served> {
  const open = new Set<Socket>();
  let accepted = 0;
  server.on("connection", (socket: Socket) => {
    accepted += 1;
    open.add(socket);
    socket.once("close", () => open.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    connections: () => accepted,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

/** Resolves once `holds` does; fails the test after `withinMs`. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, withinMs = 20_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
