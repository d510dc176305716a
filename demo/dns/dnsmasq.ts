/** A real caching resolver, dnsmasq, in front of a name server on the loopback. */
import { Resolver } from "node:dns/promises";
import { freeDnsPort, programPath, startServer } from "./server-process.ts";

export type CachingResolver = { readonly port: number; stop(): Promise<void> };

/** What is missing to start one, as a command; null: nothing. */
export const dnsmasqLacks = (): string | null => (programPath("dnsmasq") === null ? "apt-get install dnsmasq-base" : null);

/**
 * @param upstream the name server's port.
 * @param zone one that the name server answers for: the resolver is ready once it answers for it.
 * @param maxTtlSeconds of what it keeps and of what it tells; null: as it was told.
 */
export async function startDnsmasq(upstream: number, zone: string, maxTtlSeconds: number | null): Promise<CachingResolver> {
  const port = await freeDnsPort();
  const cap = maxTtlSeconds === null ? [] : [`--max-cache-ttl=${maxTtlSeconds}`, `--max-ttl=${maxTtlSeconds}`];
  const args = [
    "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file", "--no-resolv", "--no-hosts", "--no-poll", "--no-negcache", "--bind-interfaces",
    "--listen-address=127.0.0.1", `--port=${port}`, `--server=127.0.0.1#${upstream}`, "--log-facility=-", ...cap,
  ];
  const server = await startServer("dnsmasq", args, () => answers(port, zone));
  return { port, stop: () => server.stop() };
}

async function answers(port: number, zone: string): Promise<boolean> {
  const resolver = new Resolver({ timeout: 500, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  try {
    await resolver.resolveSoa(zone);
    return true;
  } catch {
    return false;
  }
}
