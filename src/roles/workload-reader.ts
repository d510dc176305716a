/** The Workloads port on what a leader sees: the picture of the namespace, the metrics API, and what sidecars told. */
import type { Config } from "../config/config.ts";
import type { Deployment, Pod, PodUsage, Selector } from "../core/cluster.ts";
import { cpuShare } from "../core/cluster.ts";
import { podTargetId } from "../core/pod-roster.ts";
import type { Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import { ClusterError, type Cluster } from "../ports/cluster.ts";
import type { Sidecars } from "../ports/sidecars.ts";
import type { WorkloadAnswer, Workloads } from "../ports/workloads.ts";
import type { PodWatch } from "./pod-watch.ts";

export type WorkloadReaderParts = {
  readonly config: Config;
  readonly clock: Clock;
  readonly cluster: Cluster;
  readonly pods: PodWatch;
  readonly sidecars: Sidecars;
};

/** What a metrics server measured this long ago is no measure of now. */
const MAX_USAGE_AGE_MS: Ms = 90_000;
/** A mean of fewer than this share of the pods is not one of the workload. */
const MEASURED_SHARE = 0.5;

type Cpu = { readonly percent: number | null; readonly source: string };

export function createWorkloadReader(parts: WorkloadReaderParts): Workloads {
  const { config, pods } = parts;
  return {
    read: async (target, signal): Promise<WorkloadAnswer> => {
      const configured = config.targets.find((one) => one.id === target);
      if (configured?.pods == null) return { kind: "blind", why: `${target} is not the pods of a Service` };
      const sight = pods.picture.sight("deployments");
      if (sight.state !== "seeing") return { kind: "blind", why: sight.state === "blind" ? `deployments cannot be seen: ${sight.detail}` : "deployments were not seen yet" };
      const deployment = pods.picture.deployments().find(({ name }) => name === configured.workload);
      if (deployment === undefined) return { kind: "blind", why: `there is no Deployment ${configured.workload} in the namespace` };
      const own = pods.membersOf(target);
      const cpu = await cpuOf(parts, deployment, own, signal);
      return { kind: "read", reading: { wanted: deployment.wanted, ready: deployment.ready, cpuPercent: cpu.percent, cpuSource: cpu.source } };
    },
  };
}

async function cpuOf(parts: WorkloadReaderParts, deployment: Deployment, pods: readonly Pod[], signal: AbortSignal): Promise<Cpu> {
  try {
    const measured = meanOf(await parts.cluster.podUsage(labelQuery(deployment.selector), signal), pods, parts.clock.wall());
    if (measured.percent !== null) return measured;
    const told = toldBySidecars(parts.sidecars, pods);
    return told.percent === null ? measured : told;
  } catch (error) {
    const told = toldBySidecars(parts.sidecars, pods);
    if (told.percent !== null) return told;
    const why = error instanceof ClusterError ? `${error.code}: ${error.message}` : String(error);
    return { percent: null, source: `metrics.k8s.io: ${why}; the sidecars tell no CPU either` };
  }
}

function meanOf(usages: readonly PodUsage[], pods: readonly Pod[], wall: number): Cpu {
  const byName = new Map(usages.filter(({ at }) => wall - at <= MAX_USAGE_AGE_MS).map((usage) => [usage.pod, usage]));
  const shares = pods.flatMap((pod) => {
    const usage = byName.get(pod.name);
    const share = usage === undefined ? null : cpuShare(pod, usage);
    return share === null ? [] : [share * 100];
  });
  return mean(shares, pods.length, "metrics.k8s.io");
}

/** What applications say of themselves in their health, or their sidecar measured. */
function toldBySidecars(sidecars: Sidecars, pods: readonly Pod[]): Cpu {
  const told = pods.flatMap(({ name }) => sidecars.last(podTargetId(name))?.looks.flatMap(({ facts }) => facts["cpu_usage"] ?? []).slice(0, 1) ?? []);
  return mean(told, pods.length, "sidecars");
}

function mean(values: readonly number[], of: number, who: string): Cpu {
  const source = `${who}, ${values.length} of ${of} pods`;
  if (values.length === 0 || values.length < of * MEASURED_SHARE) return { percent: null, source: `too few are measured: ${source}` };
  return { percent: values.reduce((sum, value) => sum + value, 0) / values.length, source };
}

/** A selector as Kubernetes writes it in a query. */
export function labelQuery(selector: Selector): string {
  return selector
    .map(({ key, operator, values }) => {
      switch (operator) {
        case "In":
          return values.length === 1 ? `${key}=${values[0] ?? ""}` : `${key} in (${values.join(",")})`;
        case "NotIn":
          return `${key} notin (${values.join(",")})`;
        case "Exists":
          return key;
        case "DoesNotExist":
          return `!${key}`;
      }
    })
    .join(",");
}
