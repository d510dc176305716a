/** The configurations of a scene's daemons: what ships, with the scene's places in it, and no time changed. */
import { OPERATOR } from "./daemons.ts";
import { REGIONS, WITNESS, type Network, type Place, type Region } from "./network.ts";
import { PAGES } from "./buyers.ts";
import type { Address } from "./road.ts";

export const ZONE = "example.com";
/** DNS-only: buyers ask a resolver, and wait for its TTL. */
export const PLAIN = `direct.${ZONE}`;
export const PROXIED = `shop.${ZONE}`;
export const SHADOW = `_shadow.${ZONE}`;
export const SITE = "shop";

const SECRET = "0123456789abcdef0123456789abcdef";

export type Zone = { readonly zoneId: string; readonly accountId: string; readonly ttlSeconds: number; readonly enterprise: boolean };
export type GuardSettings = {
  readonly region: Region;
  readonly network: Network;
  readonly zone: Zone;
  readonly token: string;
  /** Beside the region's own guard there may be another one, on ports of its own. */
  readonly adminPort: number;
  readonly publicPort: number;
  /** Carries its decisions out; false: only records them. */
  readonly armed: boolean;
};

/** Environment of guards and witness: what their configurations refer to. */
export const guardEnv = (token: string): Readonly<Record<string, string>> => ({ OPERATOR, SECRET, PROVIDER_TOKEN: token });

export function gatewayYaml(region: Region, network: Network): string {
  const { app, gateway } = network.ports[region];
  return `site: ${SITE}
role: sidecar
targets: { app: { url: "http://127.0.0.1:${app}" } }
gateway: { listen: "${network.host(region)}:${gateway}", warm: ${JSON.stringify(PAGES)} }
disabled: [shopify_api, dependencies]
listeners: { health: "127.0.0.1:0", admin: "off" }
connectivity: []
`;
}

export function guardYaml({ region, network, adminPort, publicPort, zone, armed }: GuardSettings): string {
  const to = `{ ${REGIONS.map((one) => `${one}: ${network.addresses[one]}`).join(", ")} }`;
  return `site: ${SITE}
role: standalone
region: ${region}
targets: { app: { url: "http://127.0.0.1:${network.ports[region].app}", startup_grace: 1s } }
armed: [${armed ? "failover" : ""}]
tokens: { operator: { role: operator, value: "\${OPERATOR}" } }
stores: { state: { kind: memory } }
disabled: [shopify_api, dependencies]
alerts: { on_call: { severity: page, url: "${urlOf(network.receiver())}/alerts" } }
connectivity: []
listeners: { health: "127.0.0.1:0", admin: "${network.host(region)}:${adminPort}", public: "${network.host(region)}:${publicPort}" }
${peopleYaml(region, network)}
failover:
  secret: "\${SECRET}"
  cloudflare:
    zone: ${zone.zoneId}
    account: ${zone.accountId}
    token: "\${PROVIDER_TOKEN}"
    enterprise: ${zone.enterprise}
    api: "${urlOf(network.address(region, "provider"))}/client/v4"
    records:
      - { name: ${PLAIN}, type: A, proxied: false, ttl: ${zone.ttlSeconds}, to: ${to} }
      - { name: ${PROXIED}, type: A, to: ${to} }
    shadow: { name: ${SHADOW}, type: A, proxied: false, ttl: ${zone.ttlSeconds}, to: ${to} }
`;
}

export function witnessYaml(network: Network): string {
  return `site: ${SITE}
role: witness
witness: ${WITNESS}
disabled: [shopify_api, dependencies]
connectivity: []
listeners: { health: "127.0.0.1:0", admin: "off", public: "${network.host(WITNESS)}:${network.daemonPort(WITNESS)}" }
${peopleYaml(WITNESS, network)}
failover: { secret: "\${SECRET}" }
`;
}

/** Who is who, each by the way that leads from here to it. */
function peopleYaml(me: Place, network: Network): string {
  const daemon = (one: Place): string => urlOf(network.address(me, `${one}:daemon`));
  const regions = REGIONS.map((one) => `  ${one}: { origin: "${urlOf(network.address(me, `${one}:shop`))}", daemon: "${daemon(one)}" }`);
  return `regions:\n${regions.join("\n")}\nwitnesses:\n  ${WITNESS}: { daemon: "${daemon(WITNESS)}" }`;
}

export const urlOf = ({ host, port }: Address): string => `http://${host}:${port}`;
