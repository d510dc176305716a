import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { findingsOf } from "../../../src/core/kubernetes/findings.ts";
import { planSidecar } from "../../../src/core/kubernetes/sidecar-plan.ts";
import { singletonManifests, singletonSite } from "../../../src/core/kubernetes/singleton-plan.ts";
import type { Workload } from "../../../src/core/kubernetes/workload.ts";
import { at, MANIFESTS, named, parse, type Manifest } from "../../deploy/manifests.ts";
import { deployment, workload } from "./manifest.ts";

/** The shop of the base, as its Deployment names the Storefront API. */
const variable = (name: string) => ({ name, valueFrom: { secretKeyRef: { name: "storefront", key: name } } });
const LIKE_BASE: Partial<Workload> = { name: "storefront", namespace: null, services: [{ ...workload().services[0], name: "storefront" } as Workload["services"][number]] };

function planned(over: Partial<Workload> = {}) {
  const read = { ...workload([deployment({ container: { env: ["PUBLIC_STORE_DOMAIN", "PUBLIC_STOREFRONT_API_TOKEN"].map(variable) } })]), ...LIKE_BASE, ...over };
  const plan = { ...planSidecar(read), names: { configMap: "x", secret: "shopkeeper", peers: "storefront-peers" } };
  return { read, plan, objects: (singletonManifests(read, plan) ?? []).flatMap(({ objects }) => parse(objects.map((one) => stringify(one, { aliasDuplicateObjects: false })).join("---\n"))) };
}

describe("the singleton beside a Deployment of somebody's own", () => {
  test("is, object by object, the one that ships", () => {
    const shipped = MANIFESTS.filter(({ file }) => file.startsWith("singleton/")).map(({ manifest }) => manifest);
    const key = ({ kind, metadata }: Manifest): string => `${kind} ${metadata.name}`;
    const { objects } = planned();
    expect(objects.map(key).toSorted()).toEqual(shipped.map(key).toSorted());
    for (const one of objects) expect(one).toEqual(shipped.find((other) => key(other) === key(one)));
  });

  test("has rights on that Deployment, in its namespace, by its ports", () => {
    const { objects, plan } = planned({ name: "shop", namespace: "shops", port: 9470 });
    for (const { metadata } of objects) expect(metadata.namespace).toBe("shops");
    expect(JSON.stringify(named(objects, "Role", "shopkeeper-shop"))).toContain('"resourceNames":["shop"]');
    expect(at(named(objects, "RoleBinding", "shopkeeper-shop"), "subjects[0].namespace")).toBe("shops");
    expect(at(named(objects, "NetworkPolicy", "shopkeeper"), "spec.egress[2].ports[0].port")).toBe(9480);
    expect(singletonSite(planned({ name: "shop" }).read, plan)).toContain("kubernetes: { service: storefront, deployment: shop, sidecar: 9480 }");
  });

  test("is not made where no Service says which pods are meant, and that is said", () => {
    const { read, plan } = planned({ services: [] });
    expect(singletonManifests(read, plan)).toBeNull();
    expect(findingsOf(read, plan).find(({ text }) => text.includes("no singleton was added"))?.kind).toBe("attention");
  });
});
