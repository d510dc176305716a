/**
 * The Lease port on a Lease of coordination.k8s.io/v1: `leaseTransitions` is the epoch, `resourceVersion` the version.
 *
 * Times are written for other tools' eyes (kubectl, dashboards) and never read. What else stands in the
 * object (labels, annotations) is left as it was.
 */
import type { V1Lease } from "@kubernetes/client-node";
import { LEASE_TIMES } from "../core/lease.ts";
import type { LeaseRecord } from "../core/lease.ts";
import { ClusterError } from "../ports/cluster.ts";
import { LeaseError } from "../ports/lease.ts";
import type { Lease, LeaseDraft } from "../ports/lease.ts";
import { FIELD_MANAGER, V1MicroTime } from "./kubernetes/client.ts";
import type { KubernetesClient } from "./kubernetes/client.ts";

/** @param name of the Lease, in the client's namespace. */
export function createKubernetesLease(client: KubernetesClient, name: string): Lease {
  return new KubernetesLease(client, name);
}

class KubernetesLease implements Lease {
  readonly #client: KubernetesClient;
  readonly #name: string;
  /** As last read or written: what a replacement is made from. */
  #known: V1Lease | null = null;

  constructor(client: KubernetesClient, name: string) {
    this.#client = client;
    this.#name = name;
  }

  async read(signal: AbortSignal): Promise<LeaseRecord | null> {
    const lease = await this.#read(signal);
    return lease === null ? null : recordOf(lease);
  }

  async write(draft: LeaseDraft, over: string | null, signal: AbortSignal): Promise<LeaseRecord | "conflict"> {
    const { namespace, coordination, call } = this.#client;
    const name = this.#name;
    try {
      if (over === null) {
        const body = this.#fill({ metadata: { name, namespace } }, draft);
        return this.#keep(await call(`create lease ${name}`, signal, (options) => coordination.createNamespacedLease({ namespace, body, fieldManager: FIELD_MANAGER }, options)));
      }
      const known = this.#known?.metadata?.resourceVersion === over ? this.#known : await this.#read(signal);
      if (known?.metadata?.resourceVersion !== over) return "conflict";
      const body = this.#fill(known, draft);
      return this.#keep(await call(`write lease ${name}`, signal, (options) => coordination.replaceNamespacedLease({ name, namespace, body, fieldManager: FIELD_MANAGER }, options)));
    } catch (error) {
      if (error instanceof ClusterError && (error.code === "CONFLICT" || (error.code === "NOT_FOUND" && over !== null))) return "conflict";
      throw leaseError(error);
    }
  }

  async #read(signal: AbortSignal): Promise<V1Lease | null> {
    const { namespace, coordination, call } = this.#client;
    try {
      this.#known = await call(`read lease ${this.#name}`, signal, (options) => coordination.readNamespacedLease({ name: this.#name, namespace }, options));
      return this.#known;
    } catch (error) {
      if (error instanceof ClusterError && error.code === "NOT_FOUND") return null;
      throw leaseError(error);
    }
  }

  #fill(lease: V1Lease, { holder, epoch }: LeaseDraft): V1Lease {
    const now = new V1MicroTime(this.#client.clock.wall());
    const { acquireTime, holderIdentity, leaseTransitions } = lease.spec ?? {};
    const renewed = holderIdentity === holder && leaseTransitions === epoch && acquireTime !== undefined;
    return {
      ...lease,
      spec: {
        ...lease.spec,
        holderIdentity: holder,
        leaseTransitions: epoch,
        leaseDurationSeconds: LEASE_TIMES.duration / 1_000,
        acquireTime: renewed ? acquireTime : now,
        renewTime: now,
      },
    };
  }

  #keep(lease: V1Lease): LeaseRecord {
    this.#known = lease;
    return recordOf(lease);
  }
}

function recordOf({ metadata, spec }: V1Lease): LeaseRecord {
  return { holder: spec?.holderIdentity ?? "", epoch: spec?.leaseTransitions ?? 0, version: metadata?.resourceVersion ?? "" };
}

function leaseError(error: unknown): LeaseError {
  if (error instanceof LeaseError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new LeaseError(error instanceof ClusterError && error.code === "FORBIDDEN" ? "FORBIDDEN" : "UNAVAILABLE", message, { cause: error });
}
