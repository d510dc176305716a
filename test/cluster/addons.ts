/**
 * CoreDNS and metrics-server, as programs of this machine behind Services without
 * selectors: they need no image.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DNS_SERVICE, HOST_ADDRESS } from "./addresses.ts";
import { answers, create } from "./ask.ts";
import type { NodePlan } from "./nodes.ts";
import { launch, ready } from "./processes.ts";
import { builtProgram } from "./programs.ts";

const SYSTEM = "kube-system";

type Port = { readonly name: string; readonly port: number; readonly target: number; readonly protocol: "TCP" | "UDP" };

/** Starts both and returns when metrics are served. @param metricsPort of metrics-server, on the bridge. */
export async function startAddons({ crew, ask, kubeconfig, env }: NodePlan, metricsPort: number): Promise<void> {
  await writeFile(join(crew.folder, "Corefile"), corefile(kubeconfig));
  await launch(crew, "coredns", builtProgram("coredns", env), ["-conf", join(crew.folder, "Corefile")]);
  await launch(crew, "metrics-server", builtProgram("metrics-server", env), [
    ...["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"].map((name) => `--${name}=${kubeconfig}`),
    `--bind-address=${HOST_ADDRESS}`,
    `--secure-port=${metricsPort}`,
    `--cert-dir=${join(crew.folder, "pki/metrics")}`,
    "--kubelet-insecure-tls",
    "--kubelet-preferred-address-types=InternalIP",
    // The default deadline equals this resolution, which is refused.
    "--metric-resolution=10s",
    "--kubelet-request-timeout=5s",
  ]);
  await create(ask, objects(metricsPort));
  await ready(crew, "metrics-server", () => answers(ask, "/apis/metrics.k8s.io/v1beta1/nodes"));
}

/** Answers for the cluster's own names only: no other question is passed on. */
function corefile(kubeconfig: string): string {
  return `.:53 {
  bind ${HOST_ADDRESS}
  errors
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ${kubeconfig}
    pods insecure
    ttl 2
  }
  cache 2
}
`;
}

function objects(metricsPort: number): (readonly [string, object])[] {
  const dns: readonly Port[] = [
    { name: "dns", port: 53, target: 53, protocol: "UDP" },
    { name: "dns-tcp", port: 53, target: 53, protocol: "TCP" },
  ];
  const metrics: readonly Port[] = [{ name: "https", port: 443, target: metricsPort, protocol: "TCP" }];
  const apiService = {
    apiVersion: "apiregistration.k8s.io/v1",
    kind: "APIService",
    metadata: { name: "v1beta1.metrics.k8s.io" },
    spec: { group: "metrics.k8s.io", version: "v1beta1", groupPriorityMinimum: 100, versionPriority: 100, insecureSkipTLSVerify: true, service: { name: "metrics-server", namespace: SYSTEM } },
  };
  return [...served("kube-dns", dns, DNS_SERVICE), ...served("metrics-server", metrics), ["/apis/apiregistration.k8s.io/v1/apiservices", apiService]];
}

/** A Service and the one endpoint behind it: a program of this machine. */
function served(name: string, ports: readonly Port[], clusterIP?: string): (readonly [string, object])[] {
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { ...(clusterIP === undefined ? {} : { clusterIP }), ports: ports.map(({ name, port, target, protocol }) => ({ name, port, targetPort: target, protocol })) },
  };
  const slice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${name}-1`, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: ports.map(({ name, target, protocol }) => ({ name, port: target, protocol })),
    endpoints: [{ addresses: [HOST_ADDRESS] }],
  };
  return [
    [`/api/v1/namespaces/${SYSTEM}/services`, service],
    [`/apis/discovery.k8s.io/v1/namespaces/${SYSTEM}/endpointslices`, slice],
  ];
}
