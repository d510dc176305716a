/** Listing a kind: page by page, up to a bound, and said when there is more. */
import type { V1ListMeta } from "@kubernetes/client-node";
import type { ClusterKind } from "../../ports/cluster.ts";
import { MAX_OBJECTS, MAX_PODS } from "../../ports/cluster.ts";
import type { CallOptions, KubernetesClient } from "./client.ts";
import { podOf } from "./pods.ts";
import { SERVICE_LABEL, autoscalerOf, budgetOf, deploymentOf, sliceOf } from "./workloads.ts";

const PAGE = 500;

export type Listed<T> = {
  readonly items: readonly T[];
  /** Of the whole list: where a watch begins. */
  readonly version: string;
  /** How many there are beyond the bound, about. */
  readonly cut: number;
};

export type PageQuery = { readonly namespace: string; readonly limit: number; readonly _continue?: string; readonly labelSelector?: string };
type Page<Raw> = { readonly items: readonly Raw[]; readonly metadata?: V1ListMeta };

/** How objects of one kind are listed, watched and read. `Raw` comes as the generated APIs and as watches give it. */
export type Source<T> = {
  readonly kind: ClusterKind;
  readonly path: (namespace: string) => string;
  readonly selector: string | null;
  readonly max: number;
  readonly list: (client: KubernetesClient, query: PageQuery, options: CallOptions) => Promise<Page<unknown>>;
  readonly read: (raw: unknown) => T;
};

/** Ties a list to the reader of its very items; behind it they are just objects. */
function source<T, Raw>(of: Omit<Source<T>, "list" | "read"> & { list: (client: KubernetesClient, query: PageQuery, options: CallOptions) => Promise<Page<Raw>>; read: (raw: Raw) => T }): Source<T> {
  return { ...of, read: (raw) => of.read(raw as Raw) };
}

export const podSource = (selector: string | null) =>
  source({ kind: "pods", path: (namespace) => `/api/v1/namespaces/${namespace}/pods`, selector, max: MAX_PODS, list: ({ core }, query, options) => core.listNamespacedPod(query, options), read: podOf });

/** @param service null: of all Services. */
export const sliceSource = (service: string | null) =>
  source({
    kind: "endpoints",
    path: (namespace) => `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
    selector: service === null ? SERVICE_LABEL : `${SERVICE_LABEL}=${service}`,
    max: MAX_OBJECTS,
    list: ({ discovery }, query, options) => discovery.listNamespacedEndpointSlice(query, options),
    read: sliceOf,
  });

export const autoscalerSource = source({
  kind: "autoscalers",
  path: (namespace) => `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`,
  selector: null,
  max: MAX_OBJECTS,
  list: ({ autoscaling }, query, options) => autoscaling.listNamespacedHorizontalPodAutoscaler(query, options),
  read: autoscalerOf,
});

export const budgetSource = source({
  kind: "budgets",
  path: (namespace) => `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`,
  selector: null,
  max: MAX_OBJECTS,
  list: ({ policy }, query, options) => policy.listNamespacedPodDisruptionBudget(query, options),
  read: budgetOf,
});

export const deploymentSource = source({
  kind: "deployments",
  path: (namespace) => `/apis/apps/v1/namespaces/${namespace}/deployments`,
  selector: null,
  max: MAX_OBJECTS,
  list: ({ apps }, query, options) => apps.listNamespacedDeployment(query, options),
  read: deploymentOf,
});

/**
 * Lists what a source has, `max` at most; each page has the whole deadline of a call.
 *
 * @throws {ClusterError}
 */
export async function listAll<T>(client: KubernetesClient, { kind, selector, max, list, read }: Source<T>, signal: AbortSignal): Promise<Listed<T>> {
  const items: T[] = [];
  let next: string | undefined;
  for (;;) {
    const query = { namespace: client.namespace, limit: Math.min(PAGE, max - items.length), ...(selector === null ? {} : { labelSelector: selector }), ...(next === undefined ? {} : { _continue: next }) };
    const page = await client.call(`list ${kind}`, signal, (options) => list(client, query, options));
    for (const raw of page.items) items.push(read(raw));
    const { _continue: more, remainingItemCount, resourceVersion } = page.metadata ?? {};
    if (more === undefined || more === "") return { items, version: resourceVersion ?? "", cut: 0 };
    // With a selector the server does not count what is left.
    if (items.length >= max) return { items, version: resourceVersion ?? "", cut: remainingItemCount ?? 1 };
    next = more;
  }
}
