/** What every manifest of ours keeps to, as lists of what is wrong; empty: nothing. */
import { at, containersOf, type Manifest } from "./manifests.ts";

/** https://kubernetes.io/docs/concepts/security/pod-security-standards/ (Restricted), and the read-only root we add. */
export function podSecurityViolations(deployment: Manifest): readonly string[] {
  const pod = at(deployment, "spec.template.spec");
  const wrong: string[] = [];
  const want = (where: string, value: unknown, wanted: unknown): void => {
    if (JSON.stringify(value) !== JSON.stringify(wanted)) wrong.push(`${where} is ${JSON.stringify(value)}, not ${JSON.stringify(wanted)}`);
  };
  want("pod runAsNonRoot", at(pod, "securityContext.runAsNonRoot"), true);
  want("pod seccompProfile", at(pod, "securityContext.seccompProfile.type"), "RuntimeDefault");
  for (const key of ["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"]) want(key, at(pod, key), undefined);
  for (const container of containersOf(deployment)) {
    const security = container["securityContext"];
    want(`${container.name} privileged`, at(security, "privileged"), undefined);
    want(`${container.name} allowPrivilegeEscalation`, at(security, "allowPrivilegeEscalation"), false);
    want(`${container.name} capabilities`, at(security, "capabilities"), { drop: ["ALL"] });
    want(`${container.name} readOnlyRootFilesystem`, at(security, "readOnlyRootFilesystem"), true);
    if (typeof at(security, "runAsUser") !== "number" || at(security, "runAsUser") === 0) wrong.push(`${container.name} has no user by number`);
  }
  for (const volume of (at(pod, "volumes") ?? []) as readonly Readonly<Record<string, unknown>>[]) {
    if (!["configMap", "secret", "emptyDir", "projected"].some((kind) => kind in volume)) wrong.push(`volume ${String(volume["name"])} is of a kind that Restricted does not allow`);
  }
  return wrong;
}

/** Without a CPU request in each container an autoscaler stops; a CPU limit on ours delays buyers. */
export function resourceViolations(deployment: Manifest): readonly string[] {
  return containersOf(deployment).flatMap((container) => {
    const missing = ["requests.cpu", "requests.memory", "limits.memory"].filter((key) => at(container, `resources.${key}`) === undefined);
    const limited = container.name === "shopkeeper" && at(container, "resources.limits.cpu") !== undefined;
    return [...missing.map((key) => `${container.name} has no ${key}`), ...(limited ? [`${container.name} has a CPU limit`] : [])];
  });
}

/** What the singleton may ever be given: verbs by resource. The last two only by a component. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  "coordination.k8s.io/leases": ["get", "create", "update"],
  "/configmaps": ["get", "create", "update"],
  "/pods": ["get", "list", "watch"],
  "discovery.k8s.io/endpointslices": ["get", "list", "watch"],
  "policy/poddisruptionbudgets": ["get", "list", "watch"],
  "apps/deployments": ["get", "list", "watch", "patch"],
  "apps/deployments/scale": ["get", "patch"],
  "autoscaling/horizontalpodautoscalers": ["get", "list", "watch", "patch"],
  "metrics.k8s.io/pods": ["get", "list"],
  "/pods/eviction": ["create"],
  "/events": ["create"],
  "events.k8s.io/events": ["create"],
};

export const OPT_IN: Readonly<Record<string, readonly string[]>> = { "/pods": ["delete", "patch"] };

type Rule = { readonly apiGroups: readonly string[]; readonly resources: readonly string[]; readonly verbs: readonly string[]; readonly resourceNames?: readonly string[] };

/** "GROUP/RESOURCE VERB" of every right a Role gives beyond the list; and each change of a named thing that is not held to a name. */
export function roleViolations(role: Manifest): readonly string[] {
  const rules = (role["rules"] ?? []) as readonly Rule[];
  return rules.flatMap(({ apiGroups, resources, verbs, resourceNames }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) => {
        const key = `${group}/${resource}`;
        const beyond = verbs.filter((verb) => !(ALLOWED[key] ?? []).includes(verb));
        const unnamed = resourceNames === undefined ? verbs.filter((verb) => verb === "update" || (verb === "patch" && key !== "/pods")) : [];
        return [...beyond.map((verb) => `${key} ${verb}`), ...unnamed.map((verb) => `${key} ${verb} is not held to a name`)];
      }),
    ),
  );
}
