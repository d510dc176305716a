import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findingsOf } from "../../../src/core/kubernetes/findings.ts";
import { planSidecar } from "../../../src/core/kubernetes/sidecar-plan.ts";
import { readWorkload, type Choice } from "../../../src/core/kubernetes/workload.ts";
import { APPLICATION, deployment, documents, service, workload } from "./manifest.ts";

const METRICS = { name: "metrics", ports: [{ containerPort: 9100 }] };

describe("the application's port", () => {
  test.each([
    ["the one the Service leads to, by number", [deployment({ container: { ports: [{ containerPort: 9229 }, { containerPort: 3000 }] } }), service()], 3000, false],
    ["the one the Service leads to, by name", [deployment({ container: { ports: [{ containerPort: 9229 }, { name: "web", containerPort: 4000 }] } }), service([{ port: 80, targetPort: "web" }])], 4000, false],
    ["the Service's own where it says no other", [deployment({ container: { ports: [{ containerPort: 80 }] } }), service([{ port: 80 }])], 80, false],
    ["the first it declares", [deployment({ container: { ports: [{ containerPort: 5000 }] } })], 5000, false],
    ["the PORT it is told", [deployment({ container: { ports: [], env: [{ name: "PORT", value: "4321" }] } })], 4321, false],
    ["where its Service leads, declared or not", [deployment({ container: { ports: [] } }), service([{ port: 80, targetPort: 4000 }])], 4000, false],
    ["Hydrogen's, where nothing says one", [deployment({ container: { ports: [] } })], 3000, true],
  ])("is %s", (_what, values, port, assumed) => {
    expect(workload(values)).toMatchObject({ port, portAssumed: assumed });
  });
});

describe("the application", () => {
  test("is the container the Service leads to, among several", () => {
    expect(workload([deployment({ others: [METRICS] }), service()]).application.name).toBe("web");
  });

  test("is the one named", () => {
    expect(workload([deployment({ others: [METRICS] })], { container: "metrics" }).application.name).toBe("metrics");
  });

  test("is the only one that listens", () => {
    expect(workload([deployment({ others: [{ name: "logs" }] })]).application.name).toBe("web");
  });
});

describe("Services", () => {
  test.each([
    ["that selects other pods", service(undefined, { selector: { app: "other" } })],
    ["without a selector", service(undefined, { selector: {} })],
    ["without an address of its own", service(undefined, { clusterIP: "None" })],
    ["that leads to another port", service([{ port: 9100, targetPort: 9100 }])],
  ])("one %s is left alone", (_what, other) => {
    expect(workload([deployment({ others: [METRICS] }), other], { container: "web" }).services).toEqual([]);
  });

  test("of one with several ports, only those that lead to the application", () => {
    const ports = [{ port: 80, targetPort: "http" }, { port: 443, targetPort: 3000, protocol: "TCP" }, { port: 9100, targetPort: 9100 }];
    expect(workload([deployment(), service(ports)]).services[0]?.ports.map(({ port }) => port)).toEqual([80, 443]);
  });
});

describe("what is no Deployment to work on", () => {
  const two = [deployment(), deployment({ metadata: { name: "worker" } })];
  test.each<[string, readonly unknown[], Choice, string, string, string | undefined]>([
    ["another kind", [{ ...Object(deployment()), kind: "StatefulSet" }], {}, "kind", "a StatefulSet", undefined],
    ["a kind written wrong", [{ kind: "Deploymnet" }], {}, "kind", "Deploymnet", "Deployment"],
    ["a list", [{ kind: "List", items: [] }], {}, "kind", "one document", undefined],
    ["no manifest", [["a"]], {}, "kind", "no kind", undefined],
    ["two", two, {}, "metadata.name", "shop, worker", undefined],
    ["none of that name", two, { deployment: "shpo" }, "metadata.name", "shpo", "shop"],
    ["an old version", [{ ...Object(deployment()), apiVersion: "extensions/v1beta1" }], {}, "apiVersion", "extensions/v1beta1", undefined],
    ["no name", [deployment({ metadata: { name: undefined } })], {}, "metadata.name", "no name", undefined],
    ["no containers", [deployment({ pod: { containers: [] } })], {}, "spec.template.spec.containers", "no containers", undefined],
    ["a container without a name", [deployment({ others: [{}] })], {}, "spec.template.spec.containers.1.name", "no name", undefined],
    ["no labels", [deployment({ spec: { template: { spec: { containers: [APPLICATION] } } } })], {}, "spec.template.metadata.labels", "no labels", undefined],
    ["Shopkeeper already", [deployment({ others: [{ name: "shopkeeper" }] })], {}, "spec.template.spec.containers.1.name", "already", undefined],
    ["Shopkeeper already, native", [deployment({ pod: { initContainers: [{ name: "migrate" }, { name: "shopkeeper", restartPolicy: "Always" }] } })], {}, "spec.template.spec.initContainers.1.name", "already", undefined],
    ["a choice of containers", [deployment({ others: [METRICS] })], {}, "spec.template.spec.containers", "web, metrics", undefined],
    ["no container of that name", [deployment()], { container: "wbe" }, "spec.template.spec.containers", "wbe", "web"],
  ])("%s is complained about at its place", (_what, values, choice, path, message, near) => {
    const read = readWorkload(documents(...values), choice);
    expect(read.ok ? [] : read.complaints).toMatchObject([{ document: read.ok ? 0 : expect.any(Number), path: path.split(".").map((key) => (/^\d+$/.test(key) ? Number(key) : key)), message: expect.stringContaining(message), ...(near === undefined ? {} : { nearest: near }) }]);
  });

  test("whatever a parser hands over, nothing is thrown", () => {
    const kinds = fc.constantFrom("Deployment", "Service", "Ingress");
    const bits = fc.jsonValue();
    const manifest = fc.oneof(bits, fc.record({ kind: kinds, apiVersion: fc.constant("apps/v1"), metadata: bits, spec: fc.oneof(bits, fc.record({ template: fc.record({ metadata: fc.record({ labels: bits }), spec: fc.record({ containers: fc.array(bits) }) }), selector: bits, ports: fc.array(bits) })) }));
    fc.assert(
      fc.property(fc.array(manifest, { maxLength: 4 }), (values) => {
        const read = readWorkload(documents(...values), {});
        if (read.ok) expect(findingsOf(read.workload, planSidecar(read.workload)).length).toBeGreaterThan(0);
        else expect(read.complaints.length).toBeGreaterThan(0);
      }),
    );
  });
});
