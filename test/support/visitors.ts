/** How visitors find a name: by asking a name server on this machine. */
import { Resolver } from "node:dns/promises";
import type { RecordSet } from "../../demo/dns/powerdns.ts";

export function resolverAt(port: number): Resolver {
  const resolver = new Resolver({ timeout: 1_000, tries: 2 });
  resolver.setServers([`127.0.0.1:${port}`]);
  return resolver;
}

/** What a visitor resolves now: addresses, or the alias. */
export function resolveNow(port: number, name: string, type: RecordSet["type"]): Promise<string[]> {
  const resolver = resolverAt(port);
  if (type === "CNAME") return resolver.resolveCname(name);
  return type === "AAAA" ? resolver.resolve6(name) : resolver.resolve4(name);
}
