import { describe, expect, test } from "vitest";
import { findingsOf } from "../../../src/core/kubernetes/findings.ts";
import { planSidecar } from "../../../src/core/kubernetes/sidecar-plan.ts";
import { singletonSite } from "../../../src/core/kubernetes/sidecar-site.ts";
import { singletonFiles } from "../../../src/core/kubernetes/singleton-plan.ts";
import type { Fields } from "../../../src/core/kubernetes/views.ts";
import { at, MANIFESTS, type Manifest } from "../../deploy/manifests.ts";
import { deployment, service, workload } from "./manifest.ts";

const SECRETS = ["PUBLIC_STORE_DOMAIN", "PUBLIC_STOREFRONT_API_TOKEN"].map((key) => ({ name: key, valueFrom: { secretKeyRef: { name: "storefront", key } } }));
const SCALER = { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", metadata: { name: "web-hpa" }, spec: { scaleTargetRef: { kind: "Deployment", name: "shop" } } };

function objects(values: readonly unknown[]): readonly Fields[] {
  const read = workload(values);
  return singletonFiles(read, planSidecar(read)).flatMap((file) => file.objects);
}

function ofKind(values: readonly unknown[], kind: string): readonly Fields[] {
  return objects(values).filter((one) => one["kind"] === kind);
}

const byName = (one: Fields | Manifest): string => `${String(one["kind"])} ${String(at(one, "metadata.name"))}`;
const sorted = (all: readonly (Fields | Manifest)[]): readonly unknown[] => all.toSorted((a, b) => (byName(a) < byName(b) ? -1 : 1));

describe("the singleton", () => {
  test("is that of deploy/kubernetes/singleton, to the figure, under names of its own", () => {
    const shipped = MANIFESTS.filter(({ file }) => file.startsWith("singleton/")).map(({ manifest }) => manifest);
    const made = objects([deployment({ metadata: { name: "storefront" }, container: { env: SECRETS } }), service()]);
    const renamed = JSON.parse(JSON.stringify(made).replaceAll("storefront-shopkeeper", "shopkeeper")) as readonly Manifest[];
    expect(sorted(renamed)).toEqual(sorted(shipped));
  });

  test("may write the autoscalers of this Deployment, by their names", () => {
    const other = { ...SCALER, metadata: { name: "other" }, spec: { scaleTargetRef: { kind: "Deployment", name: "worker" } } };
    const [, storefront] = ofKind([deployment(), service(), SCALER, other], "Role");
    expect(at(storefront, "rules[8]")).toEqual({ apiGroups: ["autoscaling"], resources: ["horizontalpodautoscalers"], resourceNames: ["web-hpa"], verbs: ["patch"] });
  });

  test("stands in the Deployment's namespace, and its rights are bound to who it is there", () => {
    const values = [deployment({ metadata: { namespace: "shops" } }), service()];
    expect(new Set(objects(values).map((one) => at(one, "metadata.namespace")))).toEqual(new Set(["shops"]));
    for (const binding of ofKind(values, "RoleBinding")) expect(at(binding, "subjects")).toEqual([{ kind: "ServiceAccount", name: "shop-shopkeeper", namespace: "shops" }]);
  });

  test("reaches sidecars and gateways where they listen, and the one that leads", () => {
    const taken = deployment({ container: { ports: [{ containerPort: 8080 }] }, others: [{ name: "exporter", ports: [{ containerPort: 9470 }] }] });
    const [policy] = ofKind([taken, service([{ port: 80, targetPort: 8080 }])], "NetworkPolicy");
    expect(at(policy, "spec.egress[2].ports")).toEqual([9480, 9471, 8090, 6379].map((port) => ({ port, protocol: "TCP" })));
  });

  test("watches the Service that buyers come by; where the file has none, the headless one, and that is said", () => {
    const [with_, without] = [[deployment(), service()], [deployment()]].map((values) => workload(values));
    if (with_ === undefined || without === undefined) throw new Error("unreachable");
    expect(singletonSite(with_, planSidecar(with_))).toContain("kubernetes: { service: shop-web, deployment: shop }");
    expect(singletonSite(without, planSidecar(without))).toContain("kubernetes: { service: shop-peers, deployment: shop }");
    expect(findingsOf(without, planSidecar(without)).map(({ text }) => text).join("\n")).toContain("name it in singleton/shopkeeper.yaml");
  });

  test("is told, with what it may do and what stays with a person", () => {
    const read = workload([deployment(), service(), SCALER]);
    const told = findingsOf(read, planSidecar(read)).map(({ kind, text }) => `${kind}: ${text}`).join("\n");
    expect(told).toMatch(/changed: the singleton is added: a Deployment shop-shopkeeper of two/);
    expect(told).toMatch(/changed: two Roles are added.*changes this Deployment and web-hpa/);
    expect(told).toMatch(/attention: no namespace is written/);
  });
});
