/**
 * A singleton's way to its cluster. Loaded where it is needed: the client of Kubernetes is larger than all else together.
 */
import type { ClusterConfig } from "../config/config.ts";
import type { Clock } from "../ports/clock.ts";
import type { Cluster } from "../ports/cluster.ts";
import type { Lease } from "../ports/lease.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { Random } from "../ports/random.ts";
import type { StateStore } from "../ports/state-store.ts";

export type ClusterAccess = {
  readonly cluster: Cluster;
  readonly lease: Lease;
  /** State in the cluster itself; opened anew by each leader, which reads what the last one wrote. */
  state(): StateStore;
  ledger(limits: { readonly maxAgeMs: number; readonly maxBytes: number }, problem: (text: string) => void): Promise<Ledger>;
  close(): Promise<void>;
};

/** @param line takes each entry of the ledger as a line of JSON. @throws {ClusterError} `INVALID`: no credentials, or none that can be read. */
export async function openClusterAccess(config: ClusterConfig, clock: Clock, random: Random, line: (text: string) => void): Promise<ClusterAccess> {
  const [{ createKubernetesClient }, { createKubernetesCluster }, { createKubernetesLease }, { createKubernetesStateStore }, { openKubernetesLedger }] = await Promise.all([
    import("../adapters/kubernetes/client.ts"),
    import("../adapters/kubernetes/cluster.ts"),
    import("../adapters/kubernetes-lease.ts"),
    import("../adapters/kubernetes-state-store.ts"),
    import("../adapters/kubernetes-ledger.ts"),
  ]);
  const client = createKubernetesClient({
    clock,
    access: config.kubeconfig === null ? { kind: "in_cluster" } : { kind: "kubeconfig", file: config.kubeconfig },
    ...(config.namespace === null ? {} : { namespace: config.namespace }),
  });
  const cluster = createKubernetesCluster(client, random);
  return {
    cluster,
    lease: createKubernetesLease(client, config.lease.name),
    state: () => createKubernetesStateStore(client, config.state),
    ledger: (limits, problem) => openKubernetesLedger({ client, name: config.ledger, limits, line, problem }),
    close: () => cluster.close(),
  };
}
