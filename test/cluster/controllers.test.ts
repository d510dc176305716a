/**
 * The recoveries of a cluster beside Kubernetes' own controllers: autoscaler, Deployment, ReplicaSet, eviction and
 * disruption budget, CPU as metrics-server measures it, and the loss of a region. Each shop in a namespace of its own, side by side.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Snapshot } from "../../src/core/snapshot.ts";
import { down, up, type Place } from "./cluster.ts";
import type { ControlPlane } from "./control-plane.ts";
import { apiStandIn } from "./controllers/api-stand-in.ts";
import { BURNING_PERCENT, loadImage, order } from "./controllers/real-pods.ts";
import { openRealShopfront } from "./controllers/real-region.ts";
import { openShop } from "./controllers/shop.ts";
import { toldFleet } from "./controllers/told-fleet.ts";
import { lacking } from "./needs.ts";
import { builtProgram } from "./programs.ts";
import { waitUntil } from "./storefront/waiting.ts";
import { toolReading } from "./tool.ts";
import { startTwoRegions } from "./two-regions.ts";

const PLACE: Place = { folder: join(tmpdir(), "shopkeeper-cluster-controllers"), port: 17_843 };
const START_MS = 180_000;
/** Of a row: a claim lasts one or two minutes, and the cores are shared. */
const ROW_MS = 300_000;
const SOON_MS = 60_000;
const LATE_MS = 150_000;

const say = (text: string): void => void process.stdout.write(`   ${text}\n`);

const WORKLOAD = "name: workload\nprobe: workload\ninterval: 2s\ntimeout: 1500ms\ncritical: false\nchecks: { ready: \"> 50%\", cpu_usage: \"< 150%\" }\n";
const SCALE = "name: auto_scale_up\ntrigger: cpu_usage > 70% for 20 seconds\naction: scale_up\nmode: act\ncooldown: 1m\nparams: { max: 5, for: 1m }\n";
const SCALING = { "checks/workload.yaml": WORKLOAD, "policies/auto_scale_up.yaml": SCALE };
const RESTART = "name: pod_restart\ntrigger: application fails 3 consecutive times\naction: restart_pod\nmode: act\ncooldown: 2s\nverify_within: 8s\nescalation: { after: 5 failed restarts, within: 1h, alert: on_call }\n";
const RESTARTING = { "policies/pod_restart.yaml": RESTART };

const SHORTENED = [
  "a lease of 3 s, a new leader acts after 2 s, pods have 2 s to start; looks every second, of the workload every 2 s",
  "CPU over 70 % for 20 s, not 2 minutes; its claim lasts 1 minute, not 30; cool-down of scaling 1 minute, of restarts 2 s; a restart is verified within 8 s",
  "the autoscaler's controller looks every 2 s, and lowers after 10 s; metrics every 10 s",
];

const utilization = (percent: number): object => ({ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: percent } } });
/** Of an adapter that is not there. */
const UNSERVED = { type: "Pods", pods: { metric: { name: "requests_per_second" }, target: { type: "AverageValue", averageValue: "10" } } };

const holdOf = (seen: Snapshot, policy: string) => seen.policies.find(({ name }) => name === policy)?.lastHold ?? null;
/** Where the check of the workload has its CPU from. */
const cpuOf = (seen: Snapshot): string => JSON.stringify(seen.looks.find(({ key }) => key === "workload@storefront")?.last ?? null);

const percentOf = (seen: Snapshot): number => {
  const last = seen.looks.find(({ key }) => key === "workload@storefront")?.last;
  return last !== undefined && last !== null && last.kind !== "unknown" ? Math.round(last.facts?.["cpu_usage"] ?? NaN) : NaN;
};

describe.skipIf(lacking("whole").length > 0)("beside Kubernetes' own controllers", () => {
  let plane: ControlPlane;

  beforeAll(async () => {
    // Of a run that was killed.
    await down(PLACE);
    plane = await up(PLACE, { nodes: 1, fakeNodes: 1, addons: true }, process.env);
    await loadImage(PLACE);
    for (const text of SHORTENED) say(text);
  }, START_MS);
  afterAll(() => down(PLACE));

  test.concurrent("while the Storefront API is down nobody is restarted and no pod is taken away, though the autoscaler would; after it the size is let go", { timeout: ROW_MS }, async () => {
    await using api = await apiStandIn();
    await using shop = await openShop({
      plane, namespace: "api-down", replicas: 2, burning: true, autoscaler: { minReplicas: 1, maxReplicas: 2, metrics: [utilization(50)] },
      files: {
        ...RESTARTING,
        "checks/application.yaml": 'name: application\nprobe: http\nendpoint: /health\ninterval: 1s\nfast: 500ms\ndown: 1s\ntimeout: 800ms\ndepends_on: [shopify_api]\nchecks: { http_status: "200 OK" }\n',
        "checks/shopify_api.yaml": 'name: shopify_api\nprobe: storefront_api\ninterval: 1s\nfast: 500ms\ndown: 1s\ntimeout: 800ms\nchecks: { storefront_api: "reachable" }\n',
      },
      settings: `storefront: { origin: "${api.url}" }`,
    });
    const pods = await shop.ready(2);
    await shop.singleton.until(({ status }) => status === "healthy", SOON_MS);
    api.isDown = true;
    for (const { ip } of pods) await order(ip, "ill");
    await waitUntil(async () => (await shop.size()).min === 2, "the size is claimed for the outage", SOON_MS);
    for (const { ip } of pods) await order(ip, "rest");
    // It would go below, and says what keeps it.
    await waitUntil(async () => (await shop.size()).conditions["ScalingLimited"] === "True TooFewReplicas", "the autoscaler wants fewer", LATE_MS);
    expect((await shop.ready(2)).map(({ uid }) => uid)).toEqual(pods.map(({ uid }) => uid));
    expect(holdOf(await shop.singleton.status(), "pod_restart")?.reason).toContain("shopify_api");
    expect(shop.evicted()).toEqual([]);
    api.isDown = false;
    for (const { ip } of pods) await order(ip, "well");
    await waitUntil(async () => (await shop.size()).min === 1, "the claim has ended", LATE_MS);
    await shop.ready(1);
    await waitUntil(async () => (await shop.told("lowered from 2 to 1")).length > 0, "the ledger says so", SOON_MS);
    expect(await shop.told("the Storefront API cannot be reached, and pods hold the copies")).toHaveLength(1);
    expect(shop.evicted()).toEqual([]);
  });

  test.concurrent("an autoscaler that cannot measure is raised by a claim while the CPU is high, more pods come, and its minimum returns when the claim ends", { timeout: ROW_MS }, async () => {
    await using shop = await openShop({ plane, namespace: "stuck", replicas: 1, autoscaler: { minReplicas: 1, maxReplicas: 3, metrics: [UNSERVED] }, files: SCALING });
    const [pod] = await shop.ready(1);
    await order(pod?.ip ?? "", "burn");
    await waitUntil(async () => (await shop.size()).conditions["ScalingActive"]?.startsWith("False") === true, "the autoscaler says that it cannot measure", SOON_MS);
    await waitUntil(async () => (await shop.size()).min === 2, "the minimum is raised", LATE_MS);
    const seen = await shop.singleton.status();
    expect(cpuOf(seen)).toContain("metrics.k8s.io, 1 of 1 pods");
    await shop.ready(2);
    await waitUntil(async () => (await shop.size()).min === 1, "the claim has ended", LATE_MS);
    await waitUntil(async () => (await shop.told("lowered from 2 to 1")).length > 0, "the ledger says so", SOON_MS);
    expect(shop.writes("horizontalpodautoscalers")).toMatchObject([{ verb: "patch" }, { verb: "patch" }]);
  });

  test.concurrent("what another manager applies over a claim is left to it, and said once with its name and the field", { timeout: ROW_MS }, async () => {
    await using fleet = await toldFleet();
    await using shop = await openShop({ plane, namespace: "applied-over", replicas: 2, fakePort: fleet.port, autoscaler: { minReplicas: 1, maxReplicas: 5, metrics: [utilization(70)] }, files: SCALING });
    fleet.cpuPercent = 90;
    await waitUntil(async () => (await shop.size()).min === 3, "the minimum is raised", LATE_MS);
    await shop.ready(3);
    const manifest = { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", metadata: { name: "storefront", namespace: shop.namespace }, spec: { minReplicas: 1, maxReplicas: 5, scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "storefront" }, metrics: [utilization(70)] } };
    await toolReading(JSON.stringify(manifest), builtProgram("kubectl", process.env), "--kubeconfig", plane.kubeconfig, "apply", "--server-side", "--force-conflicts", "--field-manager=argocd-controller", "-f", "-");
    const OVER = "argocd-controller wrote spec.minReplicas of the autoscaler storefront over: 1 instead of 3";
    await waitUntil(async () => (await shop.told(OVER)).length > 0, "it is said", SOON_MS);
    await shop.singleton.until((seen) => holdOf(seen, "auto_scale_up")?.reason.includes("left to it") === true, SOON_MS);
    fleet.cpuPercent = 20;
    // Nothing is written at its end either.
    await waitUntil(async () => !(await claimsOf(shop.namespace)).includes("scale_up:auto_scale_up"), "the claim has ended", LATE_MS);
    expect(await shop.told(OVER)).toHaveLength(1);
    expect((await shop.notes("HorizontalPodAutoscaler")).filter((note) => note.includes(OVER))).toHaveLength(1);
    expect((await shop.size()).min).toBe(1);
    expect(shop.writes("horizontalpodautoscalers")).toHaveLength(1);
  });

  /** As they are stored. */
  const claimsOf = async (namespace: string): Promise<string> => JSON.stringify((await plane.ask("GET", `/api/v1/namespaces/${namespace}/configmaps/shopkeeper-state`)).body);

  test.concurrent("a pod whose replacements are all ill is given up after five, and a person is called", { timeout: ROW_MS }, async () => {
    await using fleet = await toldFleet();
    await using shop = await openShop({ plane, namespace: "ladder", replicas: 3, fakePort: fleet.port, minAvailable: 2, files: RESTARTING });
    const [, second, third] = await shop.ready(3);
    await shop.singleton.until(({ status }) => status === "healthy", SOON_MS);
    const well = new Set([second?.ip, third?.ip]);
    fleet.isIll = (ip) => !well.has(ip);
    const given = await shop.singleton.until((seen) => holdOf(seen, "pod_restart")?.guard === "ladder", LATE_MS);
    expect(given.episodes).toMatchObject([{ workload: "storefront", escalatedAt: expect.any(Number) }]);
    const entries = await shop.singleton.ledger();
    const calls = entries.filter(({ kind }) => kind === "escalation");
    expect(calls).toMatchObject([{ text: expect.stringContaining("on_call is called: 5 failed attempts within 1h") }]);
    const evicted = shop.evicted();
    // With what became of each attempt, should they be more or fewer.
    const attempts = entries.filter(({ kind }) => !["verdict", "hold"].includes(kind)).map(({ kind, text }) => `${kind}: ${text}`);
    expect({ attempts, evicted: evicted.length }).toEqual({ attempts, evicted: 5 });
    expect(new Set(evicted.map(({ uid }) => uid)).size).toBe(5);
    const standing = (await shop.ready(3)).map(({ uid }) => uid);
    expect(standing).toEqual(expect.arrayContaining([second?.uid, third?.uid]));
  });

  test.concurrent("an autoscaler that works is left alone, and the ledger says why", { timeout: ROW_MS }, async () => {
    await using shop = await openShop({ plane, namespace: "working", replicas: 1, autoscaler: { minReplicas: 1, maxReplicas: 2, metrics: [utilization(95)] }, files: SCALING });
    const [pod] = await shop.ready(1);
    await order(pod?.ip ?? "", "burn");
    const seen = await shop.singleton.until((now) => holdOf(now, "auto_scale_up")?.reason.includes("works: it has the 1 replicas it wants") === true, LATE_MS);
    expect(holdOf(seen, "auto_scale_up")?.guard).toBe("autoscaler");
    expect(cpuOf(seen)).toContain("metrics.k8s.io, 1 of 1 pods");
    expect(await shop.size()).toMatchObject({ min: 1, replicas: 1, conditions: { ScalingActive: "True ValidMetricFound" } });
    expect((await shop.told("the autoscaler storefront works")).length).toBeGreaterThan(0);
    expect(shop.writes("horizontalpodautoscalers")).toEqual([]);
    say(`metrics-server measured ${percentOf(seen)} % of its request of a pod that burns ${BURNING_PERCENT} % of it`);
  });

  test.concurrent("a poisoned pod waits for its disruption budget, then is evicted, and its ReplicaSet's replacement is verified", { timeout: ROW_MS }, async () => {
    await using fleet = await toldFleet();
    await using shop = await openShop({ plane, namespace: "poisoned", replicas: 3, fakePort: fleet.port, minAvailable: 3, files: RESTARTING });
    const [first, ...others] = await shop.ready(3);
    await shop.singleton.until(({ status }) => status === "healthy", SOON_MS);
    const poisoned = first?.ip;
    fleet.isIll = (ip) => ip === poisoned;
    await shop.singleton.until((seen) => holdOf(seen, "pod_restart")?.guard === "disruption", SOON_MS);
    expect(shop.evicted()).toEqual([]);
    await shop.setMinAvailable(2);
    await waitUntil(() => shop.evicted().length > 0, "it is evicted", SOON_MS);
    // The next one may get its address.
    fleet.isIll = () => false;
    await shop.singleton.until((seen) => seen.openIntents.length === 0 && seen.status === "healthy" && seen.targets.length === 4, SOON_MS);
    expect(shop.evicted()).toMatchObject([{ pod: first?.name, uid: first?.uid }]);
    const entries = (await shop.singleton.ledger()).filter(({ target }) => target === `pod/${first?.name}`);
    expect(entries.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["intent", "outcome", "verified"]));
    const after = (await shop.ready(3)).map(({ uid }) => uid);
    expect(after).toEqual(expect.arrayContaining(others.map(({ uid }) => uid)));
    expect(after).not.toContain(first?.uid);
  });

  test.concurrent("both of two pods ill: one is restarted to see whether it helps, and as it does not, the other stays", { timeout: ROW_MS }, async () => {
    await using fleet = await toldFleet();
    await using shop = await openShop({ plane, namespace: "canary", replicas: 2, fakePort: fleet.port, minAvailable: 1, files: RESTARTING });
    const before = await shop.ready(2);
    await shop.singleton.until(({ status }) => status === "healthy", SOON_MS);
    fleet.isIll = () => true;
    await shop.singleton.until((seen) => holdOf(seen, "pod_restart")?.reason.includes("did not help") === true, LATE_MS);
    expect(shop.evicted()).toHaveLength(1);
    expect((await shop.told("restarting the canary")).length).toBeGreaterThan(0);
    const evicted = shop.evicted()[0]?.uid;
    expect((await shop.ready(2)).map(({ uid }) => uid)).toContain(before.find(({ uid }) => uid !== evicted)?.uid);
  });

  test.concurrent("half of four pods ill: nobody is restarted, and the ledger says why", { timeout: ROW_MS }, async () => {
    await using fleet = await toldFleet();
    await using shop = await openShop({ plane, namespace: "half", replicas: 4, fakePort: fleet.port, minAvailable: 3, files: RESTARTING });
    const before = await shop.ready(4);
    await shop.singleton.until(({ status }) => status === "healthy", SOON_MS);
    const ill = new Set(before.slice(0, 2).map(({ ip }) => ip));
    fleet.isIll = (ip) => ill.has(ip);
    await waitUntil(async () => (await shop.told("shared cause: 2 of 4 targets of storefront fail application")).length > 0, "the ledger says why", SOON_MS);
    expect(shop.evicted()).toEqual([]);
    expect((await shop.ready(4)).map(({ uid }) => uid)).toEqual(before.map(({ uid }) => uid));
  });

  test.concurrent("a region whose pods are all gone gives itself up, and the other one leads buyers to itself", { timeout: ROW_MS }, async () => {
    await using shop = await startTwoRegions((name) => openRealShopfront(plane, name, name === "eu" ? "203.0.113.7" : "198.51.100.9"));
    const { eu, us } = shop;
    await eu.front.vanish();
    const { regions } = await us.leader.until((seen) => seen.regions?.leadsTo === "us" && seen.regions.regions[0]?.says?.givesUp != null, SOON_MS);
    expect(regions?.regions[0]).toMatchObject({ name: "eu", sees: "down", says: { ready: 0, givesUp: "it has no instance left" } });
    await waitUntil(async () => (await Promise.all([eu.leader, eu.other].map((one) => one.answer("health", "/health/region")))).every(({ status }) => status === 503), "both of its pair say so to whoever steers by them", SOON_MS);
    expect([shop.record(), shop.writes()]).toEqual(["us, us epoch 2", ["us, us epoch 2"]]);
  });
});
