/** Daemons before a Cloudflare stand-in, each with a token of its own, so that no lock-out is another's. */
import { CloudflareClient } from "../../src/adapters/cloudflare/client.ts";
import { createLeanHttp } from "../../src/adapters/lean-http.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { Secret } from "../../src/config/secret.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Traffic } from "../../src/ports/traffic.ts";
import { startCloudflare, type CloudflareStandIn, type StandInOptions } from "../../demo/cloudflare/stand-in.ts";
import type { Right, Token } from "../../demo/cloudflare/tokens.ts";
import type { PublicDns } from "../../demo/dns/powerdns.ts";

export const EDGE = { v4: ["192.0.2.10"], v6: ["2001:db8:ed6e::10"] };
export const ALL_RIGHTS: readonly Right[] = ["dns:edit", "balancers:edit", "pools:edit"];

/** As long as real ones. */
export const tokenValue = (id: string): string => `cfat_${id.padEnd(40, "x9")}`;

export function accountToken(id: string, change: Partial<Token> = {}): Token {
  return { id: id.padEnd(32, "0"), value: tokenValue(id), kind: "account", status: "active", rights: ALL_RIGHTS, ...change };
}

export type Daemons = AsyncDisposable & {
  readonly cloudflare: CloudflareStandIn;
  readonly clock: Clock;
  /** A client of the token `id`; ended with the rest. */
  client(id: string): CloudflareClient;
  /** Closed with the rest. */
  keep<T extends Traffic>(traffic: T): T;
};

export async function startDaemons(tokens: readonly Token[], dns: PublicDns | null, options: Partial<StandInOptions> = {}, clock: Clock = createSystemClock()): Promise<Daemons> {
  const cloudflare = await startCloudflare({ zoneName: "example.com", plan: "free", edge: EDGE, dns, tokens, ...options });
  const http = createLeanHttp({ clock: createSystemClock() });
  const kept: Traffic[] = [];
  return {
    cloudflare,
    clock,
    client: (id) => new CloudflareClient({ http, clock, baseUrl: cloudflare.url, token: new Secret(tokenValue(id), `\${TOKEN_${id.toUpperCase()}}`) }),
    keep: (traffic) => {
      kept.push(traffic);
      return traffic;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(kept.map((traffic) => traffic.close()));
      await http.close();
      await cloudflare.close();
    },
  };
}
