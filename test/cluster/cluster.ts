/**
 * A whole cluster on this machine: up, down and what it is made of just now.
 *
 * All state is in one folder. `down` needs nothing but that folder, so that it also
 * clears up behind an `up` that was interrupted or a machine's user that has crashed.
 */
import { existsSync } from "node:fs";
import { chmod, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { HOST_ADDRESS, KUBERNETES_SERVICE, MAX_NODES, SERVICE_RANGE } from "./addresses.ts";
import { startAddons } from "./addons.ts";
import { openControlPlane, startControlPlane, type ControlPlane } from "./control-plane.ts";
import { startFakeNodes } from "./fake-nodes.ts";
import { hasKubernetes, removeKubernetes } from "./firewall.ts";
import { readKernelSettings, restoreKernelSettings, type KernelSettings } from "./kernel-settings.ts";
import { mountsWithin, notThere, removeContainers, removeTraces, unmountWithin } from "./leftovers.ts";
import { clash, lower, namespaces, owner, raise } from "./network.ts";
import { importImage, nodeFolder, startNodes, type NodePlan } from "./nodes.ts";
import { end, namesOf, pidOf, type Crew } from "./processes.ts";

export type Place = {
  readonly folder: string;
  /** Of the API server; the three that follow are etcd's two and metrics-server's. */
  readonly port: number;
};

export type Size = {
  /** Real nodes, 0 to 9. */
  readonly nodes: number;
  readonly fakeNodes: number;
  readonly addons: boolean;
};

/** What `down` has to know, written before anything is changed. */
type Written = { readonly nodes: number; readonly kernel: KernelSettings; readonly namespaces: readonly string[]; readonly notThere: readonly string[] };

export type Status = { readonly kubeconfig: string; readonly running: readonly string[]; readonly ended: readonly string[] };

/** From CLUSTER_DIR and CLUSTER_PORT; a folder among the temporary ones, and port 16443. */
export function placeFrom(env: NodeJS.ProcessEnv): Place {
  const port = Number(env["CLUSTER_PORT"] ?? 16_443);
  if (!Number.isInteger(port) || port < 1 || port > 65_532) throw new Error(`CLUSTER_PORT: expected a port up to 65532, got ${env["CLUSTER_PORT"]}`);
  return { folder: resolve(env["CLUSTER_DIR"] ?? join(tmpdir(), "shopkeeper-cluster")), port };
}

const crewOf = (place: Place, signal?: AbortSignal): Crew => ({ folder: place.folder, leashed: false, ...(signal === undefined ? {} : { signal }) });
const WRITTEN = "before.json";

/**
 * Starts a cluster. What it has started is ended again should it fail or be stopped by the signal.
 *
 * @throws {Error} when one is up already, when something is in its way, and when a part does not come up.
 */
export async function up(place: Place, size: Size, env: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<ControlPlane> {
  if (size.nodes > MAX_NODES) throw new Error(`at most ${MAX_NODES} real nodes, not ${size.nodes}`);
  await refuse(place);
  const written: Written = { nodes: size.nodes, kernel: readKernelSettings(), namespaces: await namespaces(), notThere: notThere() };
  await makeFolder(place, written);
  try {
    return await start(place, size, env, signal);
  } catch (error) {
    await down(place);
    throw error;
  }
}

/** The folder comes into being with all that `down` needs. */
async function makeFolder(place: Place, written: Written): Promise<void> {
  const fresh = await mkdtemp(`${place.folder}.new-`);
  await chmod(fresh, 0o755);
  await writeFile(join(fresh, WRITTEN), JSON.stringify(written));
  await rename(fresh, place.folder);
}

async function refuse(place: Place): Promise<void> {
  if (existsSync(place.folder)) {
    const { running } = await status(place);
    throw new Error(running.length > 0 ? `a cluster is up already, in ${place.folder}; end it first: npm run cluster -- down` : `${place.folder} is left over from a cluster that was not taken down; remove it: npm run cluster -- down`);
  }
  const inTheWay = await clash();
  if (inTheWay !== null) throw new Error(inTheWay);
  if (await hasKubernetes()) throw new Error("iptables has rules of another Kubernetes (KUBE-…) on this machine: its kube-proxy and ours would undo each other's");
}

async function start(place: Place, size: Size, env: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<ControlPlane> {
  const crew = crewOf(place, signal);
  await raise(place.folder);
  const ports = { api: place.port, etcd: place.port + 1, etcdPeers: place.port + 2 };
  const plane = await startControlPlane({ crew, address: HOST_ADDRESS, ports, serviceRange: SERVICE_RANGE, serviceAddress: KUBERNETES_SERVICE, controllers: true, scheduler: true, env });
  const plan: NodePlan = { crew, ask: plane.ask, kubeconfig: plane.kubeconfig, env };
  if (size.fakeNodes > 0) await startFakeNodes(plan, size.fakeNodes);
  if (size.nodes > 0) await startNodes(plan, size.nodes);
  if (size.addons) await startAddons(plan, place.port + 3);
  return plane;
}

/** Ends and removes everything; nothing to do where nothing is. Can be called again when it was interrupted. */
export async function down(place: Place): Promise<void> {
  const written = await readWritten(place);
  if (written === null) return;
  const crew = crewOf(place);
  const numbers = Array.from({ length: written.nodes }, (_, index) => index + 1);
  // All at once: nothing of theirs is kept, and what is left of it is removed below.
  await end(crew, namesOf(crew), 0);
  for (const number of numbers) await removeContainers(nodeFolder(crew, number));
  await unmountWithin(place.folder);
  // Another cluster may have come since this one was lost, by a restart of the machine: all of that is its own.
  if (["", place.folder].includes((await owner()) ?? "none")) {
    await removeKubernetes();
    restoreKernelSettings(written.kernel);
    await lower(written.nodes, written.namespaces);
  }
  await removeTraces(place.folder, written.nodes, written.notThere);
  if (mountsWithin(place.folder).length > 0) throw new Error(`something was mounted in ${place.folder} meanwhile: nothing is deleted`);
  // What tells that the folder is a cluster's goes last: a `down` that is cut short can be called again.
  for (const name of await readdir(place.folder)) if (name !== WRITTEN) await rm(join(place.folder, name), { recursive: true, force: true });
  await rm(place.folder, { recursive: true, force: true });
}

async function readWritten(place: Place): Promise<Written | null> {
  if (!existsSync(place.folder)) return null;
  // Deleting a folder that is not a cluster's would be somebody's loss.
  const file = join(place.folder, WRITTEN);
  if (!existsSync(file)) throw new Error(`${place.folder} is not a cluster's folder: it has no ${WRITTEN}`);
  return JSON.parse(await readFile(file, "utf8")) as Written;
}

/** Which programs run, by name. @throws {Error} where there is no cluster. */
export async function status(place: Place): Promise<Status> {
  if ((await readWritten(place)) === null) throw new Error(`no cluster is up: ${place.folder} does not exist`);
  const crew = crewOf(place);
  const running = namesOf(crew).filter((name) => pidOf(crew, name) !== null);
  return { kubeconfig: join(place.folder, "admin.kubeconfig"), running, ended: namesOf(crew).filter((name) => !running.includes(name)) };
}

/** The way in to the cluster that is up there. */
export const open = (place: Place): Promise<ControlPlane> => openControlPlane(crewOf(place));

/** Puts an archive's images into every real node. */
export async function load(place: Place, archive: string): Promise<number> {
  const written = await readWritten(place);
  if (written === null || written.nodes === 0) throw new Error(`no real node is up in ${place.folder}`);
  const numbers = Array.from({ length: written.nodes }, (_, index) => index + 1);
  await Promise.all(numbers.map((number) => importImage(nodeFolder(crewOf(place), number), archive)));
  return numbers.length;
}
