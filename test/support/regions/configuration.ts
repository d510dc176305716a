/** The configurations of a scene's daemons: what ships, with the scene's places in it, and no time changed. */
import { OPERATOR } from "./daemons.ts";
import { REGIONS, WITNESS, type Network, type Region } from "./network.ts";
import { PAGES } from "./buyers.ts";

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
  readonly addresses: Readonly<Record<Region, string>>;
  readonly appPort: number;
  readonly adminPort: number;
  readonly publicPort: number;
  readonly zone: Zone;
  readonly token: string;
  readonly alerts: string;
  /** Carries its decisions out; false: only records them. */
  readonly armed: boolean;
};

/** Environment of guards and witness: what their configurations refer to. */
export const guardEnv = (token: string): Readonly<Record<string, string>> => ({ OPERATOR, SECRET, PROVIDER_TOKEN: token });

export function gatewayYaml({ appPort, port }: { readonly appPort: number; readonly port: number }): string {
  return `site: ${SITE}
role: sidecar
targets: { app: { url: "http://127.0.0.1:${appPort}" } }
gateway: { listen: "127.0.0.1:${port}", warm: ${JSON.stringify(PAGES)} }
disabled: [shopify_api, dependencies]
listeners: { health: "127.0.0.1:0", admin: "off" }
connectivity: []
`;
}

export function guardYaml(settings: GuardSettings): string {
  const { region, network, addresses, appPort, adminPort, publicPort, zone, alerts, armed } = settings;
  const to = `{ ${REGIONS.map((one) => `${one}: ${addresses[one]}`).join(", ")} }`;
  const { port } = network.road(region, "provider");
  return `site: ${SITE}
role: standalone
region: ${region}
targets: { app: { url: "http://127.0.0.1:${appPort}", startup_grace: 1s } }
armed: [${armed ? "failover" : ""}]
tokens: { operator: { role: operator, value: "\${OPERATOR}" } }
stores: { state: { kind: memory } }
disabled: [shopify_api, dependencies]
alerts: { on_call: { severity: page, url: "${alerts}" } }
connectivity: []
listeners: { health: "127.0.0.1:0", admin: "127.0.0.1:${adminPort}", public: "127.0.0.1:${publicPort}" }
${peopleYaml(region, network, publicPort)}
failover:
  secret: "\${SECRET}"
  cloudflare:
    zone: ${zone.zoneId}
    account: ${zone.accountId}
    token: "\${PROVIDER_TOKEN}"
    enterprise: ${zone.enterprise}
    api: "http://127.0.0.1:${port}/client/v4"
    records:
      - { name: ${PLAIN}, type: A, proxied: false, ttl: ${zone.ttlSeconds}, to: ${to} }
      - { name: ${PROXIED}, type: A, to: ${to} }
    shadow: { name: ${SHADOW}, type: A, proxied: false, ttl: ${zone.ttlSeconds}, to: ${to} }
`;
}

export function witnessYaml({ network, publicPort }: { readonly network: Network; readonly publicPort: number }): string {
  return `site: ${SITE}
role: witness
witness: ${WITNESS}
disabled: [shopify_api, dependencies]
connectivity: []
listeners: { health: "127.0.0.1:0", admin: "off", public: "127.0.0.1:${publicPort}" }
${peopleYaml(WITNESS, network, publicPort)}
failover: { secret: "\${SECRET}" }
`;
}

/** Who is who, each by the road that leads from here to it. A witness asks nobody, so for it any road does. */
function peopleYaml(me: Region | typeof WITNESS, network: Network, own: number): string {
  const daemon = (one: Region | typeof WITNESS): number => {
    if (one === me) return own;
    return network.road(me === WITNESS ? (one === "eu" ? "us" : "eu") : me, `${one}:daemon`).port;
  };
  const regions = REGIONS.map((one) => `  ${one}: { origin: "http://127.0.0.1:${network.road(me, `${one}:shop`).port}", daemon: "http://127.0.0.1:${daemon(one)}" }`);
  return `regions:\n${regions.join("\n")}\nwitnesses:\n  ${WITNESS}: { daemon: "http://127.0.0.1:${daemon(WITNESS)}" }`;
}
