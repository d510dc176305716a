import { describe, expect, test } from "vitest";
import { findingsOf } from "../../../src/core/kubernetes/findings.ts";
import { deploymentPatch, kustomization, peersService, planSidecar, servicePatches } from "../../../src/core/kubernetes/sidecar-plan.ts";
import { siteName } from "../../../src/core/kubernetes/sidecar-site.ts";
import { at, containersOf, MANIFESTS, named } from "../../deploy/manifests.ts";
import { deployment, service, workload } from "./manifest.ts";

function findings(values: readonly unknown[], kind: string): string {
  const read = workload(values);
  return findingsOf(read, planSidecar(read)).filter((one) => one.kind === kind).map(({ text }) => text).join("\n");
}

function probe(path: string, port: number | string = 3000): object {
  return { httpGet: { path, port } };
}

describe("the sidecar", () => {
  test("is that of deploy/kubernetes/base, to the figure", () => {
    const read = workload();
    const [shipped] = containersOf(named(MANIFESTS.map(({ manifest }) => manifest), "Deployment", "storefront"));
    const { env: _env, ...figures } = shipped ?? { env: null };
    expect(at(deploymentPatch(read, planSidecar(read)), "spec.template.spec.initContainers[0]")).toEqual(figures);
  });

  test("takes ports that nobody in the pod has", () => {
    const read = workload([deployment({ container: { ports: [{ containerPort: 8080 }] }, others: [{ name: "exporter", ports: [{ containerPort: 9470 }, { containerPort: 9480 }] }] }), service([{ port: 80, targetPort: 8080 }])]);
    const plan = planSidecar(read);
    expect(plan.ports).toEqual({ gateway: 8090, health: 9490, admin: 9471 });
    expect(at(servicePatches(read, plan)[0], "spec.ports")).toEqual([{ port: 80, targetPort: 8090 }]);
    expect(at(peersService(read, plan), "spec.ports[0].targetPort")).toBe(9490);
  });

  test("is given the Storefront API's variables as the application has them, and no others", () => {
    const domain = { name: "PUBLIC_STORE_DOMAIN", valueFrom: { secretKeyRef: { name: "shop", key: "domain" } } };
    const read = workload([deployment({ container: { env: [{ name: "SESSION_SECRET", value: "s" }, domain] } })]);
    expect(at(deploymentPatch(read, planSidecar(read)), "spec.template.spec.initContainers[0].env")).toEqual([domain]);
  });

  test("leaves annotations of a Prometheus that is there already", () => {
    const read = workload([deployment({ annotations: { "prometheus.io/port": "9100" } })]);
    expect(at(deploymentPatch(read, planSidecar(read)), "spec.template.metadata")).toBeUndefined();
  });

  test("stays in the Deployment's namespace, in every file", () => {
    const read = workload([deployment({ metadata: { namespace: "shops" } })]);
    const plan = planSidecar(read);
    expect([deploymentPatch(read, plan), peersService(read, plan)].map((one) => at(one, "metadata.namespace"))).toEqual(["shops", "shops"]);
    expect([0, 1].map((index) => at(kustomization(read, plan, []), `configMapGenerator[${index}].namespace`))).toEqual(["shops", "shops"]);
  });
});

describe("the route of health", () => {
  test.each([
    ["the readiness probe's", { readinessProbe: probe("/healthz") }, "/healthz"],
    ["the liveness probe's before it", { readinessProbe: probe("/ready"), livenessProbe: probe("/alive") }, "/alive"],
    ["one by the port's name", { livenessProbe: probe("/alive", "http") }, "/alive"],
    ["not one at another port", { livenessProbe: probe("/alive", 9100) }, null],
    ["not that of a probe without HTTP", { livenessProbe: { tcpSocket: { port: 3000 } } }, null],
    ["none without probes", {}, null],
  ])("is %s", (_what, container, path) => {
    expect(planSidecar(workload([deployment({ container }), service()])).healthPath).toBe(path);
  });
});

describe("findings", () => {
  test.each([
    ["no CPU request stops an autoscaler", deployment({ others: [{ name: "logs" }] }), "container logs without a CPU request: an autoscaler on CPU stops"],
    ["its own readiness probe outvotes stored pages", deployment({ container: { readinessProbe: probe("/health") } }), "keeps its readiness probe (GET /health at 3000)"],
    ["no liveness probe leaves it frozen", deployment(), "has no liveness probe"],
    ["liveness on a page kills every pod in an outage", deployment({ container: { livenessProbe: probe("/") } }), "has every pod killed"],
    ["nothing says when it has started", deployment(), "no startup probe"],
    ["one replica", deployment({ spec: { replicas: 1, template: Object(deployment()).spec.template } }), "one replica"],
    ["too little time to drain", deployment({ pod: { containers: [{ name: "web" }], terminationGracePeriodSeconds: 10 } }), "terminationGracePeriodSeconds is 10"],
    ["hostNetwork", deployment({ pod: { containers: [{ name: "web" }], hostNetwork: true } }), "hostNetwork"],
    ["another's metrics", deployment({ annotations: { "prometheus.io/port": "9100" } }), "prometheus.io/port: kept"],
    ["variables that are not named", deployment({ container: { envFrom: [{ secretRef: { name: "shop" } }] } }), "envFrom"],
    ["no Service here", deployment(), "no Service in this file"],
  ])("%s", (_what, value, text) => {
    expect(findings([value], "attention")).toContain(text);
  });

  test("a limit of CPU is a request too", () => {
    expect(findings([deployment({ container: { resources: { limits: { cpu: 1 } } } }), service()], "attention")).not.toContain("CPU request");
  });

  test("say what the Service does now, and what was kept", () => {
    const values = [deployment({ container: { startupProbe: probe("/health"), livenessProbe: probe("/health") } }), service()];
    expect(findings(values, "changed")).toContain("the Service shop-web leads to the gateway; its own port stays 80");
    expect(findings(values, "kept")).toContain("keeps its liveness probe (GET /health at 3000)");
  });

  test("name an autoscaler, and what it should count", () => {
    const scaler = { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", metadata: { name: "shop" } };
    expect(findings([deployment({ others: [{ name: "logs" }] }), scaler], "attention")).toMatch(/and there is one[\s\S]*ContainerResource/);
  });
});

test.each([["Shop.EU", "shop-eu"], ["1-shop-", "shop"], ["...", "shop"], ["my_shop", "my_shop"]])("the site of %s is %s", (name, site) => {
  expect(siteName(name)).toBe(site);
});
