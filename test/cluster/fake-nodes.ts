/**
 * Fake nodes (kwok): their pods are said to run, and every pod's address is this
 * machine. For scale: one takes 3,000 pods.
 */
import { FAKE_POD_RANGE, zone } from "./addresses.ts";
import { create } from "./ask.ts";
import { isReady, type NodePlan } from "./nodes.ts";
import { launch, ready } from "./processes.ts";
import { builtProgram, stagesFile } from "./programs.ts";

/** Renewed at a quarter of it. Without a lease a node lives by heartbeats that kwok's stages send every 20 s or later: our controllers give a node up after 20 s. */
const LEASE_S = 40;

const MARK = "kwok.x-k8s.io/node";

/** Starts kwok and makes that many nodes; pods come to them only if they tolerate the taint `type=fake`. */
export async function startFakeNodes({ crew, ask, kubeconfig, env }: NodePlan, count: number): Promise<void> {
  await launch(crew, "kwok", builtProgram("kwok", env), [`--kubeconfig=${kubeconfig}`, "--manage-all-nodes=false", `--manage-nodes-with-annotation-selector=${MARK}=fake`, "--node-ip=127.0.0.1", `--cidr=${FAKE_POD_RANGE}`, `--node-lease-duration-seconds=${LEASE_S}`, `--config=${stagesFile(env)}`]);
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  await create(ask, numbers.map((number) => ["/api/v1/nodes", fakeNode(number)]));
  await ready(crew, "kwok", () => isReady(ask, fakeName(count)));
}

const fakeName = (number: number): string => `fake-${number}`;

function fakeNode(number: number): object {
  const name = fakeName(number);
  const room = { cpu: "512", memory: "2Ti", pods: "3000" };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: { type: "fake", "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone(number) }, annotations: { [MARK]: "fake" } },
    spec: { taints: [{ key: "type", value: "fake", effect: "NoSchedule" }] },
    status: { allocatable: room, capacity: room },
  };
}
