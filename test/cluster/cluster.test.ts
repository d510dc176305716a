/** A whole Kubernetes on this machine: it does what a cluster does, and then it is gone. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../support/faulty-server.ts";
import { create } from "./ask.ts";
import { down, load, status, up, type Place } from "./cluster.ts";
import type { ControlPlane } from "./control-plane.ts";
import { busyboxRoot, writeImage } from "./images.ts";
import { machineState, type MachineState } from "./machine-state.ts";
import { lacking } from "./needs.ts";
import { signal } from "./processes.ts";
import { tool } from "./tool.ts";

const MARK = "shopkeeper-cluster-test";
const PLACE: Place = { folder: join(tmpdir(), MARK), port: 17_443 };
const IMAGE = "docker.io/library/shop:test";
const PODS = "/api/v1/namespaces/default/pods";
/** Far beyond what it takes on an idle machine. */
const WAIT_MS = 60_000;

type Pod = { readonly status?: { readonly phase?: string; readonly podIP?: string; readonly conditions?: readonly { readonly type: string; readonly status: string }[] } };

/** A shop of busybox, that serves the file it was given from a folder that names us. */
async function loadShopImage(): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), "shopkeeper-shop-"));
  const root = join(scratch, "root");
  await mkdir(join(root, MARK), { recursive: true });
  await writeFile(join(root, MARK, "index.html"), "open\n");
  await busyboxRoot(root);
  await writeImage(join(scratch, "shop.tar"), { name: IMAGE, root, entrypoint: ["httpd", "-f", "-p", "8080", "-h", `/${MARK}`] });
  await load(PLACE, join(scratch, "shop.tar"));
  await rm(scratch, { recursive: true });
}

function pod(name: string, spec: object, container: object = {}): readonly [string, object] {
  const containers = [{ name: "app", image: IMAGE, imagePullPolicy: "Never", ...container }];
  return [PODS, { apiVersion: "v1", kind: "Pod", metadata: { name, labels: { app: name.split("-")[0] } }, spec: { terminationGracePeriodSeconds: 0, containers, ...spec } }];
}

function askPlain(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = get(url, { agent: false, signal: AbortSignal.timeout(5_000) }, (answer) => {
      let text = "";
      answer.on("data", (chunk: Buffer) => (text += chunk.toString()));
      answer.on("end", () => resolve(text));
      answer.on("error", reject);
    });
    sent.on("error", reject);
  });
}

const impossible = lacking("whole").length > 0;

describe.skipIf(impossible)("a cluster of two real nodes and a fake one, with add-ons", () => {
  let before: MachineState;
  let plane: ControlPlane;

  beforeAll(async () => {
    // Of a run that was killed.
    await down(PLACE);
    before = await machineState(MARK);
    plane = await up(PLACE, { nodes: 2, fakeNodes: 1, addons: true }, process.env);
    await loadShopImage();
  });
  afterAll(() => down(PLACE));

  const statusOf = async (name: string): Promise<Pod["status"]> => ((await plane.ask("GET", `${PODS}/${name}`)).body as Pod).status;
  const isReady = async (name: string): Promise<boolean> => (await statusOf(name))?.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false;

  test("runs pods of an image of our own on both nodes", async () => {
    await create(plane.ask, [pod("web-1", { nodeName: "real-1" }), pod("web-2", { nodeName: "real-2" })]);
    await until(async () => (await isReady("web-1")) && (await isReady("web-2")), "both pods are ready", WAIT_MS);
    expect((await statusOf("web-1"))?.podIP).toMatch(/^10\.88\.1\./);
    expect((await statusOf("web-2"))?.podIP).toMatch(/^10\.88\.2\./);
    expect(await askPlain(`http://${(await statusOf("web-2"))?.podIP}:8080/`)).toBe("open\n");
  });

  test("answers at a Service's address, and by its name to a pod", async () => {
    const service = { apiVersion: "v1", kind: "Service", metadata: { name: "web" }, spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] } };
    const { body } = await plane.ask("POST", "/api/v1/namespaces/default/services", service);
    const address = (body as { spec: { clusterIP: string } }).spec.clusterIP;
    await until(async () => (await askPlain(`http://${address}/`).catch(() => "")) === "open\n", "the Service answers", WAIT_MS);
    await create(plane.ask, [pod("buyer", { restartPolicy: "Never" }, { command: ["sh", "-c", "nslookup web.default.svc.cluster.local && wget -q -O - http://web/"] })]);
    await until(async () => ["Succeeded", "Failed"].includes((await statusOf("buyer"))?.phase ?? ""), "the buyer is done", WAIT_MS);
    const log = String((await plane.ask("GET", `${PODS}/buyer/log`)).body);
    expect(log).toContain(address);
    expect(log).toMatch(/open\n$/);
  });

  test("measures its pods", async () => {
    type Metrics = { readonly items?: readonly { readonly metadata: { readonly name: string }; readonly containers: readonly { readonly usage: { readonly cpu: string; readonly memory: string } }[] }[] };
    const path = "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods";
    const measured = async (): Promise<Metrics["items"]> => ((await plane.ask("GET", path)).body as Metrics).items?.filter(({ metadata }) => metadata.name.startsWith("web-"));
    await until(async () => (await measured())?.length === 2, "both pods have been measured", WAIT_MS);
    expect((await measured())?.[0]?.containers[0]?.usage).toMatchObject({ memory: expect.stringMatching(/^\d+Ki$/) });
  });

  test("says of a pod on a fake node that it runs", async () => {
    await create(plane.ask, [pod("fake", { nodeSelector: { type: "fake" }, tolerations: [{ key: "type", operator: "Exists" }] })]);
    await until(() => isReady("fake"), "the fake pod is ready", WAIT_MS);
    expect((await statusOf("fake"))?.podIP).toMatch(/^10\.87\./);
  });

  test("lets no packet of a pod out of this machine, and keeps those for nobody in it", async () => {
    // Only asks the kernel where it would send one.
    const way = (to: string, ...from: readonly string[]): Promise<string> => tool("ip", "route", "get", to, ...from);
    const aPod = ["from", "10.88.1.2", "iif", "skpods1"];
    await expect(way("203.0.113.1", ...aPod)).rejects.toThrow("unreachable");
    expect(await way("10.89.0.1", ...aPod)).toContain("local");
    await expect(way("10.88.7.7")).rejects.toThrow("No route to host");
    expect(await way("10.96.200.200")).toContain("dev skhost");
  });

  test("says that it is up when it is asked to start again, in its own folder or another", async () => {
    const size = { nodes: 0, fakeNodes: 0, addons: false };
    await expect(up(PLACE, size, process.env)).rejects.toThrow(`a cluster is up already, in ${PLACE.folder}`);
    await expect(up({ folder: `${PLACE.folder}-2`, port: 18_443 }, size, process.env)).rejects.toThrow(`its state is in ${PLACE.folder}`);
    expect((await status(PLACE)).ended).toEqual([]);
  });

  test("leaves the machine as it was, also behind a node that has crashed", async () => {
    signal({ folder: PLACE.folder, leashed: false }, ["containerd-2", "kubelet-2"], "SIGKILL");
    expect(await machineState(MARK)).not.toEqual(before);
    await down(PLACE);
    expect(await machineState(MARK)).toEqual(before);
    expect(existsSync(PLACE.folder)).toBe(false);
  });
});

describe.skipIf(impossible)("a cluster whose start is interrupted", () => {
  test("ends what it has started, and leaves the machine as it was", async () => {
    await down(PLACE);
    const before = await machineState(MARK);
    const env = { ...process.env, CLUSTER_DIR: PLACE.folder, CLUSTER_PORT: String(PLACE.port) };
    const started = spawn(process.execPath, [join(import.meta.dirname, "cli.ts"), "up", "--nodes", "1"], { env, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    started.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const ended = once(started, "close");
    await until(() => started.exitCode !== null || existsSync(join(PLACE.folder, "pid/kubelet-1")), "its kubelet has started", WAIT_MS);
    started.kill("SIGINT");
    expect(await ended).toEqual([1, null]);
    expect(said).toContain("stopped by SIGINT");
    expect(await machineState(MARK)).toEqual(before);
  });
});
