/** The sidecar's shopkeeper.yaml for a Deployment, as text with its reasons. */
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
    "# Shows all of /health to who brings it: the singleton, and siblings.",
    "peer_token: file:/run/secrets/shopkeeper/peer",
    "",
    "# While this pod is unhealthy it asks some of the others, by this Service, whether they are too.",
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

/** The Storefront API, as the application names it. */
export function storefrontLines({ storefront }: SidecarPlan): readonly string[] {
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
