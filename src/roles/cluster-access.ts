/**
 * A singleton's way to its cluster. Loaded where it is needed: the client of Kubernetes is larger than all else together.
 */
import type { LedgerLimits } from "../adapters/ledger-bounds.ts";
import type { LedgerVoice } from "../adapters/ring-ledger.ts";
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
  /** State in the cluster itself; opened anew by each leader, which reads what the last one wrote. @throws {SupersededError} when a later one has begun. */
  state(epoch: number): Promise<StateStore>;
  ledger(limits: LedgerLimits, voice: LedgerVoice): Promise<Ledger>;
  close(): Promise<void>;
};

/** @throws {ClusterError} `INVALID`: no credentials, or none that can be read. */
export async function openClusterAccess(config: ClusterConfig, clock: Clock, random: Random): Promise<ClusterAccess> {
  const [{ createKubernetesClient }, { createKubernetesCluster }, { createKubernetesLease }, { openKubernetesStateStore }, { openKubernetesLedger }] = await Promise.all([
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
    state: (epoch) => openKubernetesStateStore(client, config.state, epoch),
    ledger: (limits, voice) => openKubernetesLedger({ client, name: config.ledger, limits, ...voice }),
    close: () => cluster.close(),
  };
}
