/** Slices, autoscalers, budgets and deployments, from the API server's words into ours. */
import type { V1Deployment, V1EndpointSlice, V1LabelSelector, V1PodDisruptionBudget, V2HorizontalPodAutoscaler } from "@kubernetes/client-node";
import type { Autoscaler, Budget, Condition, Deployment, Endpoint, LabelRule, Selector } from "../../core/cluster.ts";

export const SERVICE_LABEL = "kubernetes.io/service-name";

/** A slice with the Service it belongs to. */
export type Slice = { readonly name: string; readonly service: string; readonly endpoints: readonly Endpoint[] };

export function sliceOf({ metadata, endpoints }: V1EndpointSlice): Slice {
  return {
    name: metadata?.name ?? "",
    service: metadata?.labels?.[SERVICE_LABEL] ?? "",
    endpoints: (endpoints ?? []).map(({ addresses, conditions, nodeName, targetRef, zone }) => ({
      pod: targetRef?.kind === "Pod" && targetRef.name !== undefined && targetRef.uid !== undefined ? { name: targetRef.name, uid: targetRef.uid } : null,
      addresses,
      // Unsaid means ready, by the API's own words; serving follows ready.
      ready: conditions?.ready ?? true,
      serving: conditions?.serving ?? conditions?.ready ?? true,
      terminating: conditions?.terminating ?? false,
      node: nodeName ?? null,
      zone: zone ?? null,
    })),
  };
}

/** One entry per pod (per address where there is none), however many slices and address families name it. */
export function mergeSlices(slices: readonly Slice[]): readonly Endpoint[] {
  const merged = new Map<string, Endpoint>();
  for (const endpoint of slices.flatMap(({ endpoints }) => endpoints)) {
    const key = endpoint.pod?.uid ?? endpoint.addresses.join();
    const known = merged.get(key);
    if (known === undefined) merged.set(key, endpoint);
    else merged.set(key, { ...known, ...(endpoint.terminating ? endpoint : {}), addresses: [...new Set([...known.addresses, ...endpoint.addresses])] });
  }
  return [...merged.values()];
}

export function autoscalerOf({ metadata, spec, status }: V2HorizontalPodAutoscaler): Autoscaler {
  const cpu = (spec?.metrics ?? []).find(({ resource }) => resource?.name === "cpu");
  return {
    name: metadata?.name ?? "",
    uid: metadata?.uid ?? "",
    version: metadata?.resourceVersion ?? "",
    target: { kind: spec?.scaleTargetRef.kind ?? "", name: spec?.scaleTargetRef.name ?? "" },
    min: spec?.minReplicas ?? 1,
    max: spec?.maxReplicas ?? 1,
    current: status?.currentReplicas ?? 0,
    desired: status?.desiredReplicas ?? 0,
    cpuTargetPercent: cpu?.resource?.target.averageUtilization ?? null,
    conditions: conditionsOf(status?.conditions),
  };
}

export function budgetOf({ metadata, spec, status }: V1PodDisruptionBudget): Budget {
  return {
    name: metadata?.name ?? "",
    selector: selectorOf(spec?.selector),
    disruptionsAllowed: status?.disruptionsAllowed ?? 0,
    healthy: status?.currentHealthy ?? 0,
    wanted: status?.desiredHealthy ?? 0,
    expected: status?.expectedPods ?? 0,
    counted: (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 1),
  };
}

export function deploymentOf({ metadata, spec, status }: V1Deployment): Deployment {
  return {
    name: metadata?.name ?? "",
    uid: metadata?.uid ?? "",
    version: metadata?.resourceVersion ?? "",
    generation: metadata?.generation ?? 0,
    observedGeneration: status?.observedGeneration ?? 0,
    selector: selectorOf(spec?.selector),
    wanted: spec?.replicas ?? 1,
    replicas: status?.replicas ?? 0,
    updated: status?.updatedReplicas ?? 0,
    ready: status?.readyReplicas ?? 0,
    available: status?.availableReplicas ?? 0,
    paused: spec?.paused ?? false,
    conditions: conditionsOf(status?.conditions),
  };
}

type GivenCondition = { readonly type: string; readonly status: string; readonly reason?: string; readonly message?: string };

function conditionsOf(given: readonly GivenCondition[] | undefined): readonly Condition[] {
  return (given ?? []).map(({ type, status, reason = "", message = "" }) => ({ type, status: status === "True" || status === "False" ? status : "Unknown", reason, message: message.slice(0, 500) }));
}

const OPERATORS: readonly LabelRule["operator"][] = ["In", "NotIn", "Exists", "DoesNotExist"];

/** No selector selects everything here as it does there; an operator we do not know selects nothing. */
function selectorOf(selector: V1LabelSelector | undefined): Selector {
  const labels = Object.entries(selector?.matchLabels ?? {}).map(([key, value]): LabelRule => ({ key, operator: "In", values: [value] }));
  const rules = (selector?.matchExpressions ?? []).map(({ key, operator, values }): LabelRule => {
    const known = OPERATORS.find((one) => one === operator);
    return known === undefined ? { key, operator: "In", values: [] } : { key, operator: known, values: values ?? [] };
  });
  return [...labels, ...rules];
}
