/**
 * Real nodes: a containerd and a kubelet each, pods in network namespaces on a bridge
 * of the node's own. All on this machine, so one kube-proxy serves them all.
 *
 * The settings are those of containerd 1.6 (Debian 12) in a container or virtual
 * machine that may have cgroups of version 1 and not every capability. Memory limits
 * and kills for want of memory work all the same.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DNS_SERVICE, nodeAddress, nodeName, podBridge, podNetwork, POD_RANGE, podRange, zone } from "./addresses.ts";
import type { Ask } from "./ask.ts";
import { busyboxRoot, writeImage } from "./images.ts";
import { forwardPackets } from "./kernel-settings.ts";
import { addAddress } from "./network.ts";
import { launch, ready, type Crew } from "./processes.ts";
import { builtProgram } from "./programs.ts";
import { allDone, attempt, tool } from "./tool.ts";

export type NodePlan = { readonly crew: Crew; readonly ask: Ask; readonly kubeconfig: string; readonly env: NodeJS.ProcessEnv };

const PAUSE_IMAGE = "docker.io/library/pause:local";

export const nodeFolder = (crew: Crew, number: number): string => join(crew.folder, nodeName(number));
export const containerdSocket = (folder: string): string => join(folder, "containerd.sock");
/** Where containerd keeps what runs, by container. */
export const tasksFolder = (folder: string): string => join(folder, "state/io.containerd.runtime.v2.task/k8s.io");

/** Starts that many nodes, at the same time, and returns when all are ready. */
export async function startNodes(plan: NodePlan, count: number): Promise<void> {
  const { crew, env, kubeconfig } = plan;
  const pause = join(crew.folder, "pause.tar");
  await writePauseImage(pause);
  forwardPackets();
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  await allDone(numbers.map((number) => startNode(plan, number, pause)));
  await launch(crew, "kube-proxy", builtProgram("kube-proxy", env), proxyArgs(kubeconfig));
}

async function writePauseImage(file: string): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "shopkeeper-pause-"));
  try {
    await busyboxRoot(root);
    await writeImage(file, { name: PAUSE_IMAGE, root, entrypoint: ["/bin/sleep", "infinity"] });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function startNode({ crew, ask, kubeconfig, env }: NodePlan, number: number, pauseImage: string): Promise<void> {
  const folder = nodeFolder(crew, number);
  const socket = containerdSocket(folder);
  await mkdir(join(folder, "cni"), { recursive: true });
  await writeFile(join(folder, "containerd.toml"), containerdConfig(folder, number));
  await writeFile(join(folder, "cni/10-pods.conflist"), JSON.stringify(podNetworkConfig(folder, number)));
  await writeFile(join(folder, "kubelet.json"), JSON.stringify(kubeletConfig(folder, number)));
  await addAddress(nodeAddress(number));
  await launch(crew, `containerd-${number}`, "containerd", ["--config", join(folder, "containerd.toml")]);
  await ready(crew, `containerd-${number}`, () => attempt("ctr", "--address", socket, "version"));
  await importImage(folder, pauseImage);
  await launch(crew, `kubelet-${number}`, builtProgram("kubelet", env), [
    `--kubeconfig=${kubeconfig}`,
    `--config=${join(folder, "kubelet.json")}`,
    `--root-dir=${join(folder, "kubelet")}`,
    `--cert-dir=${join(folder, "pki")}`,
    `--hostname-override=${nodeName(number)}`,
    `--node-ip=${nodeAddress(number)}`,
    `--node-labels=topology.kubernetes.io/zone=${zone(number)}`,
  ]);
  await ready(crew, `kubelet-${number}`, () => isReady(ask, nodeName(number)));
}

/** Puts an archive's images where the node's kubelet finds them. */
export async function importImage(folder: string, archive: string): Promise<void> {
  await tool("ctr", "--address", containerdSocket(folder), "--namespace", "k8s.io", "images", "import", archive);
}

type Node = { readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] } };

export async function isReady(ask: Ask, name: string): Promise<boolean> {
  try {
    const { status, body } = await ask("GET", `/api/v1/nodes/${name}`);
    return status === 200 && ((body as Node).status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false);
  } catch {
    // Not answered in time: not known to be ready.
    return false;
  }
}

function containerdConfig(folder: string, number: number): string {
  // `restrict_oom_score_adj`: lowering the score takes CAP_SYS_RESOURCE.
  return `version = 2
root = "${folder}/root"
state = "${folder}/state"
[grpc]
  address = "${containerdSocket(folder)}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${folder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  stream_server_port = "${10_100 + number}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      Root = "${folder}/runc"
`;
}

function podNetworkConfig(folder: string, number: number): object {
  const ipam = { type: "host-local", dataDir: join(folder, "ipam"), ranges: [[{ subnet: podRange(number) }]], routes: [{ dst: "0.0.0.0/0" }] };
  return { cniVersion: "0.4.0", name: podNetwork(number), plugins: [{ type: "bridge", bridge: podBridge(number), isGateway: true, hairpinMode: true, ipam }] };
}

function kubeletConfig(folder: string, number: number): object {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    containerRuntimeEndpoint: `unix://${containerdSocket(folder)}`,
    podLogsDir: join(folder, "pod-logs"),
    volumePluginDir: join(folder, "volume-plugins"),
    failCgroupV1: false,
    failSwapOn: false,
    cgroupDriver: "cgroupfs",
    cgroupsPerQOS: false,
    enforceNodeAllocatable: [],
    localStorageCapacityIsolation: false,
    oomScoreAdj: 0,
    makeIPTablesUtilChains: false,
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: "AlwaysAllow" },
    address: nodeAddress(number),
    port: 10_250,
    healthzBindAddress: nodeAddress(number),
    healthzPort: 10_248,
    clusterDNS: [DNS_SERVICE],
    clusterDomain: "cluster.local",
    // A full disk of this machine's is nothing our pods could help.
    evictionHard: { "memory.available": "100Mi", "nodefs.available": "0%", "imagefs.available": "0%", "nodefs.inodesFree": "0%" },
    imageGCHighThresholdPercent: 100,
    maxPods: 250,
    nodeStatusUpdateFrequency: "4s",
  };
}

/** Every conntrack setting at 0: those of the kernel may not be ours to write. */
function proxyArgs(kubeconfig: string): string[] {
  const untouched = ["max-per-core", "tcp-timeout-established", "tcp-timeout-close-wait"].map((name) => `--conntrack-${name}=0`);
  return [`--kubeconfig=${kubeconfig}`, `--hostname-override=${nodeName(1)}`, "--proxy-mode=iptables", `--cluster-cidr=${POD_RANGE}`, "--masquerade-all", "--iptables-localhost-nodeports=false", ...untouched, "--metrics-bind-address=", "--healthz-bind-address="];
}
