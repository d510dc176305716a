/**
 * The control plane: etcd and an API server, and where asked for the controllers and
 * the scheduler.
 *
 * What they are told is worked out by functions without effects; `startControlPlane`
 * starts them and waits until they answer.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { answers, createAsk, type Ask } from "./ask.ts";
import { createPki, writeKubeconfig, type Pki } from "./pki.ts";
import { end, launch, ready, type Crew } from "./processes.ts";
import { builtProgram } from "./programs.ts";
import { allDone } from "./tool.ts";

export type Ports = { readonly api: number; readonly etcd: number; readonly etcdPeers: number };

export type ControlPlanePlan = {
  readonly crew: Crew;
  /** Where the API server listens. On 127.0.0.1 it serves clients, but neither nodes nor pods. */
  readonly address: string;
  readonly ports: Ports;
  readonly serviceRange: string;
  /** The address of the Service `kubernetes`: the first of that range. */
  readonly serviceAddress: string;
  readonly controllers: boolean;
  readonly scheduler: boolean;
  readonly env: NodeJS.ProcessEnv;
};

export type ControlPlane = {
  /** Like "https://127.0.0.1:16443". */
  readonly server: string;
  /** PEM. */
  readonly ca: string;
  readonly adminToken: string;
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** Path of the audit log: a JSON object a line for each write, refused ones too. */
  readonly auditLog: string;
  readonly ask: Ask;
};

export type ControlProgram = "etcd" | "apiserver" | "controller-manager" | "scheduler";

/** Who wrote what, and nothing of reads: those are many, and change nothing. Of evictions also what was sent and answered: the uid stands only there. */
const AUDIT_POLICY = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [{ level: "None", verbs: ["get", "list", "watch"] }, { level: "RequestResponse", resources: [{ group: "", resources: ["pods/eviction"] }] }, { level: "Metadata" }],
};

/** Kubernetes' own limits make a scale of thousands of pods take minutes. */
const UNHURRIED = ["--kube-api-qps=500", "--kube-api-burst=1000"];

const isLoopback = (address: string): boolean => address.startsWith("127.");

/** Starts them in the order in which they need each other, and returns when all answer. */
export async function startControlPlane(plan: ControlPlanePlan): Promise<ControlPlane> {
  const { crew, address, ports } = plan;
  const pki = await createPki(crew.folder, ["127.0.0.1", address, plan.serviceAddress]);
  const server = `https://${address}:${ports.api}`;
  await writeFile(join(crew.folder, "audit-policy.json"), JSON.stringify(AUDIT_POLICY));
  await writeKubeconfig(join(crew.folder, "scheduler.kubeconfig"), { server, ca: pki.ca, token: pki.tokens["system:kube-scheduler"] });
  await writeKubeconfig(adminKubeconfig(crew), { server, ca: pki.ca, token: pki.tokens.admin });
  const plane = describe(crew, server, pki);
  for (const name of ["etcd", "apiserver"] as const) await startProgram(plan, plane, name);
  const others = [...(plan.controllers ? ["controller-manager" as const] : []), ...(plan.scheduler ? ["scheduler" as const] : [])];
  await allDone(others.map((name) => startProgram(plan, plane, name)));
  return plane;
}

function describe(crew: Crew, server: string, pki: Pki): ControlPlane {
  const ask = createAsk({ server, ca: pki.ca, token: pki.tokens.admin });
  return { server, ca: pki.ca, adminToken: pki.tokens.admin, kubeconfig: adminKubeconfig(crew), auditLog: auditLog(crew), ask };
}

/** The way in to a cluster that another process has started in this folder. */
export async function openControlPlane(crew: Crew): Promise<ControlPlane> {
  const config = JSON.parse(await readFile(adminKubeconfig(crew), "utf8"));
  const server = String(config.clusters[0].cluster.server);
  const ca = Buffer.from(String(config.clusters[0].cluster["certificate-authority-data"]), "base64").toString();
  const adminToken = String(config.users[0].user.token);
  return { server, ca, adminToken, kubeconfig: adminKubeconfig(crew), auditLog: auditLog(crew), ask: createAsk({ server, ca, token: adminToken }) };
}

const adminKubeconfig = (crew: Crew): string => join(crew.folder, "admin.kubeconfig");
const auditLog = (crew: Crew): string => join(crew.folder, "log", "audit.jsonl");

/** Starts one program, also anew after it was killed, and waits until it does its work. */
export async function startProgram(plan: ControlPlanePlan, { ask }: ControlPlane, name: ControlProgram): Promise<void> {
  const { crew, env } = plan;
  switch (name) {
    case "etcd":
      // The API server waits for it.
      return launch(crew, name, builtProgram("etcd", env), etcdArgs(plan));
    case "apiserver":
      await launch(crew, name, builtProgram("kube-apiserver", env), apiServerArgs(plan));
      return ready(crew, name, () => answers(ask, "/readyz"));
    case "controller-manager":
      await launch(crew, name, builtProgram("kube-controller-manager", env), controllerArgs(crew));
      // Without it no pod is let in.
      return ready(crew, name, () => answers(ask, "/api/v1/namespaces/default/serviceaccounts/default"));
    case "scheduler":
      return launch(crew, name, builtProgram("kube-scheduler", env), [`--kubeconfig=${join(crew.folder, "scheduler.kubeconfig")}`, "--leader-elect=false", "--secure-port=0", ...UNHURRIED]);
  }
}

/** Ends it at once, as a crash would. */
export function killProgram(plan: ControlPlanePlan, name: ControlProgram): Promise<void> {
  return end(plan.crew, [name], 0);
}

function etcdArgs({ crew, ports }: ControlPlanePlan): string[] {
  const clients = `http://127.0.0.1:${ports.etcd}`;
  const peers = `http://127.0.0.1:${ports.etcdPeers}`;
  return [`--data-dir=${join(crew.folder, "etcd")}`, "--unsafe-no-fsync", "--log-level=error", `--listen-client-urls=${clients}`, `--advertise-client-urls=${clients}`, `--listen-peer-urls=${peers}`, `--initial-advertise-peer-urls=${peers}`, `--initial-cluster=default=${peers}`];
}

function apiServerArgs(plan: ControlPlanePlan): string[] {
  const pki = (file: string): string => join(plan.crew.folder, "pki", file);
  return [
    `--etcd-servers=http://127.0.0.1:${plan.ports.etcd}`,
    `--bind-address=${plan.address}`,
    `--advertise-address=${plan.address}`,
    `--secure-port=${plan.ports.api}`,
    `--service-cluster-ip-range=${plan.serviceRange}`,
    `--tls-cert-file=${pki("api.crt")}`,
    `--tls-private-key-file=${pki("api.key")}`,
    `--client-ca-file=${pki("ca.crt")}`,
    `--token-auth-file=${pki("tokens.csv")}`,
    "--authorization-mode=RBAC",
    `--service-account-key-file=${pki("sa.pub")}`,
    `--service-account-signing-key-file=${pki("sa.key")}`,
    "--service-account-issuer=https://kubernetes.default.svc",
    ...aggregatorArgs(pki),
    "--kubelet-preferred-address-types=InternalIP",
    `--audit-policy-file=${join(plan.crew.folder, "audit-policy.json")}`,
    `--audit-log-path=${auditLog(plan.crew)}`,
    // An endpoint may not be on loopback, and a pod needs a ServiceAccount that only the controllers make.
    ...(isLoopback(plan.address) ? ["--endpoint-reconciler-type=none"] : []),
    ...(plan.controllers ? [] : ["--disable-admission-plugins=ServiceAccount"]),
  ];
}

/** Passes requests on to metrics-server, by its endpoint: the API server is in no pod, so Service addresses may lead it nowhere. */
function aggregatorArgs(pki: (file: string) => string): string[] {
  return [`--requestheader-client-ca-file=${pki("proxy.crt")}`, `--proxy-client-cert-file=${pki("proxy.crt")}`, `--proxy-client-key-file=${pki("proxy.key")}`, "--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group", "--requestheader-extra-headers-prefix=X-Remote-Extra-", "--enable-aggregator-routing=true"];
}

function controllerArgs(crew: Crew): string[] {
  const pki = (file: string): string => join(crew.folder, "pki", file);
  return [
    `--kubeconfig=${adminKubeconfig(crew)}`,
    "--leader-elect=false",
    "--secure-port=0",
    ...UNHURRIED,
    "--concurrent-replicaset-syncs=20",
    "--use-service-account-credentials",
    `--service-account-private-key-file=${pki("sa.key")}`,
    `--root-ca-file=${pki("ca.crt")}`,
    // Those that ask a cloud, or give out ranges that our own nodes already have.
    "--controllers=*,-node-ipam-controller,-node-route-controller,-service-lb-controller,-cloud-node-lifecycle-controller",
    // Fast enough for a test: the defaults take minutes.
    "--horizontal-pod-autoscaler-sync-period=2s",
    "--horizontal-pod-autoscaler-downscale-stabilization=10s",
    "--horizontal-pod-autoscaler-initial-readiness-delay=2s",
    "--horizontal-pod-autoscaler-cpu-initialization-period=5s",
    "--node-monitor-grace-period=20s",
    // It makes this folder wherever it is told to.
    `--flex-volume-plugin-dir=${join(crew.folder, "volume-plugins")}`,
  ];
}
