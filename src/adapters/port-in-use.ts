/**
 * Is somebody else listening there? Our own workers share their port (SO_REUSEPORT), and so
 * would another daemon's, in silence: half the buyers would go to each.
 */
import net from "node:net";

/**
 * Binds the port once without sharing it, and lets go again.
 *
 * @throws {Error} the system's own, such as EADDRINUSE, when it cannot be had alone. Port 0 can always be had.
 */
export async function claimPort(host: string, port: number): Promise<void> {
  if (port === 0) return;
  const server = net.createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, exclusive: true }, resolve);
  });
  await new Promise((resolve) => server.close(resolve));
}
