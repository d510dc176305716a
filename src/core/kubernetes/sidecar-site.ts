/** The shopkeeper.yaml of the sidecar and of the singleton for a Deployment, as text with its reasons. */
import { ownCheck, type SidecarPlan } from "./sidecar-plan.ts";
import type { Workload } from "./workload.ts";

/** A name of ours: lower-case letters, digits, "-" and "_", beginning with a letter. */
export function siteName(name: string): string {
  const plain = name.toLowerCase().replaceAll(/[^a-z0-9_-]+/g, "-").replace(/^[^a-z]+/, "").replace(/-+$/, "").slice(0, 63);
  return plain === "" ? "shop" : plain;
}

export function sidecarSite(workload: Workload, plan: SidecarPlan): string {
  return [
    "# Shopkeeper beside the application, in every pod. All keys: docs/configuration.md of Shopkeeper.",
    `site: ${siteName(workload.name)}`,
    "role: sidecar",
    "",
    "targets:",
    "  app:",
    "    # Containers of a pod share their loopback.",
    `    url: http://127.0.0.1:${workload.port}`,
    `    workload: ${siteName(workload.name)}`,
    "",
    ...storefrontLines(plan),
    "",
    ...gatewayLines(workload, plan),
    "",
    ...listenerLines(plan),
    "# Shows all of /health to who brings it.",
    "peer_token: file:/run/secrets/shopkeeper/peer",
    "",
    "# While this pod is unhealthy it asks up to five of the others whether they are too: a fault of its own takes it out of the",
    "# Service, one it shares does not, while it has stored pages.",
    `peers: { service: ${plan.names.peers}, port: ${plan.ports.health} }`,
    "",
    "# The sidecar's disk is read-only, so its token comes from the Secret: kubectl exec … -c shopkeeper -- shopkeeper status",
    "tokens:",
    '  operator: { role: operator, value: "file:/run/secrets/shopkeeper/operator" }',
    "",
    ...disabledLines(plan),
    "",
  ].join("\n");
}

/** @returns the Service whose pods are watched: the first that leads buyers to them, else the one by which they ask each other. */
export function watchedService({ services }: Workload, { names }: SidecarPlan): string {
  return services[0]?.name ?? names.peers;
}

export function singletonSite(workload: Workload, plan: SidecarPlan): string {
  const { singleton } = plan.names;
  return [
    "# Shopkeeper for all pods: it watches them and recovers them. All keys: docs/configuration.md of Shopkeeper.",
    `site: ${siteName(workload.name)}`,
    "role: singleton",
    "",
    "targets:",
    `  ${siteName(workload.name)}:`,
    "    # The pods behind this Service, each by its sidecar.",
    `    kubernetes: { service: ${watchedService(workload, plan)}, deployment: ${workload.name}${plan.ports.health === 9470 ? "" : `, sidecar: ${plan.ports.health}`} }`,
    "",
    "# Names of its own: another shop in this namespace has another singleton.",
    `kubernetes: { lease: { name: ${singleton} }, state: ${singleton}-state, ledger: ${singleton}-ledger }`,
    "",
    ...storefrontLines(plan),
    "",
    "# Read from the sidecars with this token.",
    "peer_token: file:/run/secrets/shopkeeper/peer",
    "",
    `# Reached from within the namespace (Service "${singleton}"), with a token.`,
    'listeners: { admin: "0.0.0.0:9471" }',
    "tokens:",
    '  operator: { role: operator, value: "file:/run/secrets/shopkeeper/operator" }',
    "",
    ...(plan.healthPath === null ? ["# The sidecars have it off, so there is nothing to read.", "disabled: [application]", ""] : []),
    "# What takes something away only records at first (shopkeeper ledger: what it would have done). Once you trust it:",
    "# armed: [pod_restart, pod_unreachable]",
    "",
  ].join("\n");
}

function storefrontLines({ storefront }: SidecarPlan): readonly string[] {
  if (storefront.length === 0) {
    return ["# The Storefront API is looked at where it is named here; the Deployment does not show its domain.", "# storefront:", "#   origin: https://my-shop.myshopify.com"];
  }
  const token = storefront.includes("PUBLIC_STOREFRONT_API_TOKEN") ? ["  public_token: ${PUBLIC_STOREFRONT_API_TOKEN}"] : [];
  return ["storefront:", "  # As the application has it.", '  origin: "https://${PUBLIC_STORE_DOMAIN}"', ...token];
}

function gatewayLines({ hosts }: Workload, { ports }: SidecarPlan): readonly string[] {
  const listen = ports.gateway === 8080 ? [] : [`  # 8080 is taken in this pod.`, `  listen: 0.0.0.0:${ports.gateway}`];
  const named = hosts.length > 0 ? [`  hosts: ${JSON.stringify(hosts)}`] : ["  # The shop's own names; without them any name is answered.", "  # hosts: [shop.example.com]"];
  return ["# Buyers come in here; stored pages are served while the application is down.", "gateway:", "  preset: hydrogen-react-router", ...listen, ...named];
}

function listenerLines({ ports }: SidecarPlan): readonly string[] {
  const lines = [...(ports.health === 9470 ? [] : [`  health: 0.0.0.0:${ports.health}`]), ...(ports.admin === 9471 ? [] : [`  admin: 127.0.0.1:${ports.admin}`])];
  return lines.length === 0 ? [] : ["# The usual ports are taken in this pod.", "listeners:", ...lines, ""];
}

function disabledLines({ healthPath }: SidecarPlan): readonly string[] {
  const policies = ["# What needs a view of all pods is not the work of each pod for itself."];
  if (healthPath !== null) return [...policies, "disabled: [pod_restart, auto_scale_up, failover]"];
  return [...policies, "# No probe names a route of health, so the check `application` is off; the `page` check looks at a rendered page.", "disabled: [pod_restart, auto_scale_up, failover, application]"];
}

/** checks/application.yaml, where the application's route of health is another than /health; null: the shipped one fits. */
export function applicationCheck({ healthPath }: SidecarPlan): string | null {
  if (!ownCheck(healthPath)) return null;
  return `# Instead of the shipped check, which asks /health: this application answers elsewhere.
name: application
probe: http
endpoint: ${JSON.stringify(healthPath)}
interval: 10s
timeout: 5s
checks:
  http_status: "200 OK"
  response_time: "< 500ms"
  memory_usage: "< 80%"
  cpu_usage: "< 90%"
`;
}
