/** What `shopkeeper.yaml` says of a cluster: how the singleton speaks to it, and which pods a target is. */
import * as z from "zod";
import { LEASE_TIMES, type LeaseTimes } from "../core/lease.ts";
import type { ClusterConfig, PodsConfig } from "./config.ts";
import { duration } from "./values.ts";

/** RFC 1123 label, as Services and namespaces are named. */
function label(example: string) {
  return z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, { error: `expected a name as Kubernetes has them, for example "${example}"` });
}

/** RFC 1123 subdomain, as most objects are named. */
function objectName(example: string) {
  return z.string().max(253).regex(/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/, { error: `expected a name as Kubernetes has them, for example "${example}"` });
}

const port = () => z.int({ error: "expected a port from 1 to 65535" }).min(1).max(65_535);

/** A target's `kubernetes:`. */
export const podsSchema = z
  .strictObject({
    service: label("storefront").describe("Service whose pods are watched, ready or not."),
    deployment: objectName("storefront").optional().describe("What makes them, and is scaled and rolled out; default: the Service's name."),
    sidecar: z.union([z.literal("none"), port()], { error: 'expected a port, or "none"' }).prefault(9470).describe("Port of the sidecar's health in each pod, through which checks look; none: they ask the application itself."),
    port: port().prefault(3000).describe("Of the application in each pod, where there is no sidecar."),
  })
  .describe("The pods of a Service: found, watched and recovered one by one.");

/** The site's `kubernetes:`. */
export const clusterSchema = z
  .strictObject({
    namespace: label("storefront").optional().describe("Default: its own pod's, or the kubeconfig's."),
    kubeconfig: z.string().min(1).optional().describe("File, against the folder of shopkeeper.yaml; absent: the service account of its own pod."),
    lease: z
      .strictObject({
        name: objectName("shopkeeper").prefault("shopkeeper").describe("Lease by which one of several leads."),
        duration: duration({ min: 1_000, max: 300_000 }).prefault("15s").describe("Not renewed for this long, it is nobody's."),
        renew_within: duration({ min: 500, max: 300_000 }).prefault("10s").describe("A leader that could not renew for this long acts no more."),
        retry: duration({ min: 100, max: 60_000 }).prefault("2s").describe("Between two tries."),
      })
      .prefault({}),
    state: objectName("shopkeeper-state").prefault("shopkeeper-state").describe("ConfigMap that keeps what must outlive a restart."),
    ledger: objectName("shopkeeper-ledger").prefault("shopkeeper-ledger").describe("ConfigMap that keeps the newest entries of the ledger."),
    watch_first: duration({ max: 600_000 }).prefault("20s").describe("A new leader looks for this long, two cycles of the checks, before it acts."),
  })
  .describe("Of the singleton: the cluster it stands in.");

export type ClusterInput = z.output<typeof clusterSchema>;

export function leaseTimesOf({ lease }: ClusterInput): LeaseTimes {
  return { duration: lease.duration, renewWithin: lease.renew_within, retry: lease.retry };
}

/** @param resolvePath against the folder of shopkeeper.yaml. */
export function buildCluster(input: ClusterInput | undefined, resolvePath: (path: string) => string): ClusterConfig {
  const lease = input === undefined ? LEASE_TIMES : leaseTimesOf(input);
  return {
    namespace: input?.namespace ?? null,
    kubeconfig: input?.kubeconfig === undefined ? null : resolvePath(input.kubeconfig),
    lease: { name: input?.lease.name ?? "shopkeeper", times: lease },
    state: input?.state ?? "shopkeeper-state",
    ledger: input?.ledger ?? "shopkeeper-ledger",
    watchFirst: input?.watch_first ?? 20_000,
  };
}

export function buildPods(input: z.output<typeof podsSchema>): PodsConfig {
  return { service: input.service, sidecarPort: input.sidecar === "none" ? null : input.sidecar, port: input.port };
}
