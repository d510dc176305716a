/** The configurations of a scene's daemons: what ships, with the scene's places in it, and no time changed. */
import { OPERATOR } from "./daemons.ts";
import { REGIONS, urlOf, WITNESS, type Address, type Host, type Network, type Region } from "./network.ts";
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
  readonly appPort: number;
  readonly admin: Address;
  /** Its public listener. */
  readonly publicly: Address;
  readonly zone: Zone;
  readonly token: string;
  readonly alerts: string;
  /** Carries its decisions out; false: only records them. */
  readonly armed: boolean;
};

/** Environment of guards and witness: what their configurations refer to. */
export const guardEnv = (token: string): Readonly<Record<string, string>> => ({ OPERATOR, SECRET, PROVIDER_TOKEN: token });

export function gatewayYaml(appPort: number, at: Address): string {
  return `site: ${SITE}
role: sidecar
targets: { app: { url: "http://127.0.0.1:${appPort}" } }
gateway: { listen: "${at.host}:${at.port}", warm: ${JSON.stringify(PAGES)} }
disabled: [shopify_api, dependencies]
listeners: { health: "127.0.0.1:0", admin: "off" }
connectivity: []
`;
}

export function guardYaml(settings: GuardSettings): string {
  const { region, network, appPort, admin, publicly, zone, alerts, armed } = settings;
  const to = `{ ${REGIONS.map((one) => `${one}: ${network.origins[one]}`).join(", ")} }`;
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
listeners: { health: "127.0.0.1:0", admin: "${admin.host}:${admin.port}", public: "${publicly.host}:${publicly.port}" }
${peopleYaml(region, network)}
failover:
  secret: "\${SECRET}"
  cloudflare:
    zone: ${zone.zoneId}
    account: ${zone.accountId}
    token: "\${PROVIDER_TOKEN}"
    enterprise: ${zone.enterprise}
    api: "${urlOf(network.find(region, "provider"))}/client/v4"
    records:
      - { name: ${PLAIN}, type: A, proxied: false, ttl: ${zone.ttlSeconds}, to: ${to} }
      - { name: ${PROXIED}, type: A, to: ${to} }
    shadow: { name: ${SHADOW}, type: A, proxied: false, ttl: ${zone.ttlSeconds}, to: ${to} }
`;
}

export function witnessYaml(network: Network): string {
  const open = network.listen(`${WITNESS}:daemon`);
  return `site: ${SITE}
role: witness
witness: ${WITNESS}
disabled: [shopify_api, dependencies]
connectivity: []
listeners: { health: "127.0.0.1:0", admin: "off", public: "${open.host}:${open.port}" }
${peopleYaml(WITNESS, network)}
failover: { secret: "\${SECRET}" }
`;
}

/** Who is who, each as it is found from here. */
function peopleYaml(me: Host, network: Network): string {
  const daemon = (one: Host): string => urlOf(network.find(me, `${one}:daemon`));
  const regions = REGIONS.map((one) => `  ${one}: { origin: "${urlOf(network.find(me, `${one}:shop`))}", daemon: "${daemon(one)}" }`);
  return `regions:\n${regions.join("\n")}\nwitnesses:\n  ${WITNESS}: { daemon: "${daemon(WITNESS)}" }`;
}
