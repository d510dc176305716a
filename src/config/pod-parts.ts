/**
 * The checks and the policy that come with pods, as the page check comes with a gateway: nobody writes them, and a file
 * of the same name replaces them.
 *
 * What the sidecar of a pod says is read by the other checks. That it says nothing at all is a check of its own: the pod,
 * or its node, is out of reach, and such a pod is replaced. Buyers are lost meanwhile, so it is looked at more often.
 */
import type { Catalogues } from "./catalogue.ts";
import type { FileText } from "./files.ts";
import { mapOf } from "./part.ts";

/** The probe, and the check that comes with it. */
export const SIDECAR = "sidecar";

const CHECK = `name: sidecar
probe: sidecar
endpoint: /health/sidecar
interval: 5s
fast: 1s
down: 2s
timeout: 900ms
checks:
  sidecar: "reachable"
`;

/** One pod's load says nothing of the others: what "cpu_usage > 70%" scales by is the mean. */
const WORKLOAD = `name: workload
probe: workload
endpoint: /health/workload
interval: 10s
timeout: 5s
critical: false
checks:
  ready: "> 50%"
  cpu_usage: "< 90%"
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
  const written = Object.values(mapOf(site["targets"])).flatMap((target) => mapOf(target)["kubernetes"] ?? []);
  const pods = written.length > 0;
  const sidecars = written.some((one) => mapOf(one)["sidecar"] !== "none");
  const file = (name: string, text: string): FileText => ({ file: `what comes with pods: ${name}`, text, shipped: true });
  const ofSidecars = sidecars && probes[SIDECAR] !== undefined;
  return {
    checks: [...(ofSidecars ? [file("sidecar.yaml", CHECK)] : []), ...(pods && probes["workload"] !== undefined ? [file("workload.yaml", WORKLOAD)] : [])],
    policies: ofSidecars ? [file("pod_unreachable.yaml", POLICY)] : [],
  };
}
