/**
 * The check and the policy that come with pods, as the page check comes with a gateway: nobody writes them, and a file
 * of the same name replaces them.
 *
 * What the sidecar of a pod says is read by the other checks. That it says nothing at all is a check of its own: the pod,
 * or its node, is out of reach, and such a pod is replaced.
 */
import type { Catalogues } from "./catalogue.ts";
import type { FileText } from "./files.ts";
import { mapOf } from "./part.ts";

const SIDECAR = "sidecar";

const CHECK = `name: sidecar
probe: sidecar
endpoint: /health/sidecar
interval: 10s
timeout: 2s
checks:
  sidecar: "reachable"
`;

const POLICY = `name: pod_unreachable
trigger: sidecar fails 3 consecutive times
action: restart_pod
mode: observe
escalation: { after: 5 failed restarts, within: 1h, alert: on_call }
`;

export type PodParts = { readonly checks: readonly FileText[]; readonly policies: readonly FileText[] };

/** @param site `shopkeeper.yaml` as read, right or wrong. @returns none where the build has no `sidecar` probe. */
export function podParts(site: Readonly<Record<string, unknown>>, { probes }: Catalogues): PodParts {
  const sidecars = Object.values(mapOf(site["targets"])).some((target) => {
    const pods = mapOf(target)["kubernetes"];
    return pods !== undefined && mapOf(pods)["sidecar"] !== "none";
  });
  const file = (name: string, text: string): FileText => ({ file: `pods with sidecars: ${name}`, text, shipped: true });
  return sidecars && probes[SIDECAR] !== undefined ? { checks: [file("sidecar.yaml", CHECK)], policies: [file("pod_unreachable.yaml", POLICY)] } : { checks: [], policies: [] };
}
