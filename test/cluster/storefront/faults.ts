/** What happens to the shops, one at a time, to both at once. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nodeFolder, tasksFolder } from "../nodes.ts";
import { nodeName } from "../addresses.ts";
import type { Place } from "../cluster.ts";
import { loseNode } from "./gone-node.ts";
import type { ShopPod } from "./pods.ts";
import type { Scene, Side } from "./scene.ts";

export type Fault = {
  readonly name: string;
  readonly about: string;
  /** Largest share of fetches not served behind Shopkeeper, 0 to 1; null: none is promised, and it is reported as it is. */
  readonly bound: number | null;
  /** Buyers of each shop that are counted, from the fault on; more where it lasts longer. */
  readonly buyers: number;
  /** What happened to a shop shortly before, and is over when its rollout is: nobody is counted meanwhile. */
  readonly before?: (scene: Scene, side: Side) => Promise<void>;
  /** Brings it about in one shop. */
  readonly begin?: (scene: Scene, side: Side) => Promise<void>;
  /** Brings it about on the cluster. */
  readonly beginOnce?: (scene: Scene) => Promise<void>;
  /** Whether it has run its course; not given: after so many buyers it has. */
  readonly isOver?: (scene: Scene, side: Side) => Promise<boolean>;
  /** Undoes it. */
  readonly end?: (scene: Scene, side: Side) => Promise<void>;
  readonly endOnce?: (scene: Scene) => Promise<void>;
  /** It touches processes or nodes: on a cluster of this machine only. */
  readonly needsMachine?: true;
  /** The cluster is good for nothing more. */
  readonly last?: true;
};

const DEPLOYMENT = "deployment/storefront";
const DRAINED = 2;
const CRASHES_FOR_S = 60;

/** The pod that is hit: of those that are well the one restarted least, whose next start the kubelet does not put off. */
async function victim({ pods }: Side): Promise<ShopPod> {
  const [first] = (await pods()).filter(({ ready, ending }) => ready && !ending).toSorted((a, b) => a.restarts - b.restarts);
  if (first === undefined) throw new Error("no pod is ready");
  return first;
}

/** The first process of a pod's application. */
function pidOf(scene: Scene, { node, container }: ShopPod): number {
  const place = placeOf(scene);
  const folder = nodeFolder({ folder: place.folder, leashed: false }, Number(node.replace("real-", "")));
  return Number(readFileSync(join(tasksFolder(folder), container, "init.pid"), "utf8"));
}

/** @throws {Error} where the cluster is not of this machine. */
function placeOf({ place }: Scene): Place {
  if (place === null) throw new Error("the nodes of a cluster that was given are not ours to touch");
  return place;
}

async function signalApplication(scene: Scene, side: Side, signal: NodeJS.Signals): Promise<void> {
  process.kill(pidOf(scene, await victim(side)), signal);
}

/** Orders the application of a pod to be ill. It may end before it has answered, and what the API server says then is no matter. */
async function order({ plane }: Scene, { namespace }: Side, { name }: ShopPod, path: string): Promise<void> {
  await plane.ask("POST", `/api/v1/namespaces/${namespace}/pods/${name}:3000/proxy/__app/${path}`).catch(() => undefined);
}

type Rollout = { readonly metadata: { readonly generation: number }; readonly spec: { readonly replicas: number }; readonly status: { readonly observedGeneration?: number; readonly updatedReplicas?: number; readonly availableReplicas?: number; readonly replicas?: number } };

/** Every pod is of the newest template and counts. */
export async function isRolledOut({ plane }: Scene, { namespace }: Side): Promise<boolean> {
  const { metadata, spec, status } = (await plane.ask("GET", `/apis/apps/v1/namespaces/${namespace}/deployments/storefront`)).body as Rollout;
  return status.observedGeneration === metadata.generation && [status.updatedReplicas, status.availableReplicas, status.replicas].every((count) => count === spec.replicas);
}

async function restart({ kubectl }: Scene, { namespace }: Side): Promise<void> {
  await kubectl("--namespace", namespace, "rollout", "restart", DEPLOYMENT);
}

export const FAULTS: readonly Fault[] = [
  {
    name: "application killed",
    about: "SIGKILL of the application in one pod",
    bound: 0,
    buyers: 900,
    needsMachine: true,
    begin: (scene, side) => signalApplication(scene, side, "SIGKILL"),
  },
  {
    name: "application frozen",
    about: "SIGSTOP of the application in one pod",
    bound: 0.005,
    buyers: 2_500,
    needsMachine: true,
    begin: (scene, side) => signalApplication(scene, side, "SIGSTOP"),
    end: async (scene, { pods }) => {
      for (const pod of await pods()) if (pod.container !== "") process.kill(pidOf(scene, pod), "SIGCONT");
    },
  },
  {
    name: "one pod 500",
    about: "one pod answers 500 on every page, and 200 on /health",
    bound: 0.001,
    buyers: 2_500,
    begin: async (scene, side) => order(scene, side, await victim(side), "break"),
    end: async (scene, side) => {
      for (const pod of await side.pods()) await order(scene, side, pod, "mend");
    },
  },
  {
    name: "crash loop",
    about: `the application of one pod ends at each start for ${CRASHES_FOR_S} s`,
    bound: 0,
    buyers: 1_800,
    begin: async (scene, side) => order(scene, side, await victim(side), `crash-loop?seconds=${CRASHES_FOR_S}`),
  },
  {
    name: "memory limit",
    about: "the application of one pod takes memory until the kernel ends it",
    bound: 0,
    buyers: 1_300,
    begin: async (scene, side) => order(scene, side, await victim(side), "swell"),
  },
  {
    name: "rolling restart",
    about: "kubectl rollout restart",
    bound: 0,
    buyers: 1_300,
    begin: restart,
    isOver: isRolledOut,
  },
  {
    name: "bad release",
    about: "a release whose pages are all 500 while /health is 200",
    bound: 0.001,
    buyers: 1_900,
    begin: async ({ kubectl }, { namespace }) => void (await kubectl("--namespace", namespace, "set", "env", DEPLOYMENT, "--containers=storefront", "BROKEN_PAGES=1")),
    end: async ({ kubectl }, { namespace }) => void (await kubectl("--namespace", namespace, "rollout", "undo", DEPLOYMENT)),
  },
  {
    name: "Storefront API down just after pods were replaced",
    about: "every call to the Storefront API answers 503 as soon as a rolling restart is over: copies went with the pods that held them",
    bound: null,
    buyers: 1_300,
    before: restart,
    beginOnce: async ({ simulator }) => simulator.setFaults([{ kind: "status", status: 503 }]),
    endOnce: async ({ simulator }) => simulator.setFaults([]),
  },
  {
    name: "node drained",
    about: "kubectl drain of one node of two",
    bound: 0,
    buyers: 1_300,
    needsMachine: true,
    beginOnce: async ({ administer }) => void (await administer("drain", nodeName(DRAINED), "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=100s")),
    endOnce: async ({ administer }) => void (await administer("uncordon", nodeName(DRAINED))),
    // All on one node by now, where the next fault would find them.
    end: restart,
  },
  {
    name: "node gone",
    about: "kubelet, containerd and all they run on one node of two killed, packets to its pods swallowed",
    bound: 0.015,
    buyers: 3_700,
    needsMachine: true,
    beginOnce: (scene) => loseNode(placeOf(scene), DRAINED),
    last: true,
  },
];

/** @throws {Error} for a fault that does not exist. */
export function faultNamed(name: string): Fault {
  const found = FAULTS.find((fault) => fault.name === name);
  if (found === undefined) throw new Error(`no fault is called ${name}`);
  return found;
}
