/** The singleton against a real API server: who leads, what it sees, and what the others say. Pods are objects whose sidecars answer on loopback. */
import { describe, expect, test } from "vitest";
import type { PodRef } from "../../src/core/cluster.ts";
import { apiScene } from "./api-scene.ts";
import { createApiWorld } from "./api-world.ts";
import { lacking } from "./needs.ts";
import { addressesFor, Singletons, type SingletonsOptions } from "./singletons.ts";
import { toldSidecar, type ToldSidecar } from "./told-sidecars.ts";

const LATE_MS = 60_000;
const TEST_MS = 150_000;

describe.skipIf(lacking("api").length > 0)("singletons on a real API server", () => {
  const world = createApiWorld();

  /** Three pods behind the Service `storefront`, and singletons that may watch them; in a namespace of its own, since tests run side by side. */
  async function shop(count = 3, more: Partial<SingletonsOptions> = {}) {
    await using stack = new AsyncDisposableStack();
    const scene = await apiScene(world);
    stack.defer(() => scene.end());
    const { port, ips } = await addressesFor(count + 1);
    const sidecars: ToldSidecar[] = [];
    stack.defer(async () => void (await Promise.all(sidecars.map((one) => one.stop()))));
    const put = async (name: string, ip: string): Promise<PodRef> => {
      const sidecar = await toldSidecar(ip, port);
      sidecars.push(sidecar);
      return scene.addPod({ name, app: "storefront", ip });
    };
    const refs: PodRef[] = [];
    for (const [index, ip] of ips.slice(0, count).entries()) refs.push(await put(`web-${index + 1}`, ip));
    await scene.addEndpoints("storefront", refs);
    /** One more, behind the Service. */
    const addPod = async (name: string): Promise<void> => scene.addEndpoints("storefront", [await put(name, ips.at(-1) ?? "")], name);
    await scene.addDeployment("storefront");
    const singletons = new Singletons({ kubeconfig: world.api().kubeconfig, namespace: scene.cluster.namespace, sidecarPort: port, ...more });
    stack.defer(() => singletons.stop());
    const kept = stack.move();
    return { scene, sidecars, singletons, addPod, [Symbol.asyncDispose]: () => kept.disposeAsync() };
  }

  test.concurrent("of two one leads and sees all pods through their sidecars; the other passes on what it is asked", { timeout: TEST_MS }, async () => {
    await using watched = await shop();
    const { singletons } = watched;
    const [a, b] = [await singletons.start(), await singletons.start()];
    const leader = await singletons.leader();
    const other = leader === a ? b : a;
    const status = await leader.until((seen) => seen.status === "healthy", LATE_MS);
    expect(status.targets.map(({ id, kind }) => [id, kind])).toEqual([["storefront", "workload"], ["pod/web-1", "pod"], ["pod/web-2", "pod"], ["pod/web-3", "pod"]]);
    expect(new Set(status.looks.filter((look) => look.inactive === null).map((look) => `${look.check}@${look.target}`))).toEqual(
      new Set(["web-1", "web-2", "web-3"].flatMap((name) => ["application", "page", "sidecar"].map((check) => `${check}@pod/${name}`)).concat("workload@storefront")),
    );
    expect((await other.status()).targets.length).toBe(4);
    expect([await leader.metric("shopkeeper_leader"), await other.metric("shopkeeper_leader")]).toEqual([1, 0]);
  });

  test.concurrent("a pod that its sidecar calls ill is ill; one whose sidecar is silent is out of reach, unless a sibling reaches it", { timeout: TEST_MS }, async () => {
    await using watched = await shop(4);
    const { sidecars, singletons } = watched;
    const one = await singletons.start();
    await one.until((seen) => seen.status === "healthy", LATE_MS);
    const [first, second, third, fourth] = sidecars;
    if (first === undefined || second === undefined || third === undefined || fourth === undefined) throw new Error("no sidecars");
    first.verdict = "unhealthy";
    third.reaches = [fourth.ip];
    await Promise.all([second.stop(), fourth.stop()]);
    const verdict = (seen: Awaited<ReturnType<typeof one.status>>, key: string): string | undefined => seen.looks.find((look) => look.key === key)?.verdict;
    const seen = await one.until((now) => verdict(now, "application@pod/web-1") === "unhealthy" && verdict(now, "sidecar@pod/web-2") === "unhealthy", LATE_MS);
    expect(seen.looks.find((look) => look.key === "application@pod/web-1")?.last).toMatchObject({ kind: "fail", cause: "status", detail: "application is told to be unhealthy" });
    expect([verdict(seen, "page@pod/web-1"), verdict(seen, "application@pod/web-2"), verdict(seen, "application@pod/web-3")]).toEqual(["healthy", "healthy", "healthy"]);
    expect(seen.looks.find((look) => look.key === "application@pod/web-2")?.last).toMatchObject({ kind: "unknown" });
    const spared = seen.looks.find((look) => look.key === "sidecar@pod/web-4");
    expect([spared?.verdict, spared?.last]).toMatchObject(["healthy", { kind: "unknown", cause: "no_data", detail: expect.stringContaining("its sibling pod/web-3 reaches it") }]);
  });

  test.concurrent("pods that go are no more looked at, and new ones are once they were ready", { timeout: TEST_MS }, async () => {
    await using watched = await shop();
    const { scene, singletons } = watched;
    const one = await singletons.start();
    await one.until((seen) => seen.status === "healthy", LATE_MS);
    await scene.removePod("web-1");
    const seen = await one.until((now) => now.targets.length === 3, LATE_MS);
    expect(seen.targets.map(({ id }) => id)).toEqual(["storefront", "pod/web-2", "pod/web-3"]);
    expect(seen.looks.some((look) => look.target === "pod/web-1")).toBe(false);
  });

  const RESTART = "name: pod_restart\ntrigger: application fails 3 consecutive times\naction: restart_pod\nmode: act\ncooldown: 2s\nverify_within: 20s\nescalation: { after: 5 failed restarts, within: 1h, alert: on_call }\n";
  const ACTING = { files: { "policies/pod_restart.yaml": RESTART }, settings: "guards: { kubelet: 1s }" };

  test.concurrent("a pod that answers wrong is evicted, its replacement is what is verified, and both stand at the object", { timeout: TEST_MS }, async () => {
    await using watched = await shop(3, ACTING);
    const { scene, sidecars, singletons, addPod } = watched;
    const one = await singletons.start();
    await one.until((seen) => seen.status === "healthy", LATE_MS);
    const [ill] = sidecars;
    if (ill === undefined) throw new Error("no sidecars");
    ill.verdict = "unhealthy";
    const acted = await one.until((seen) => seen.openIntents.some(({ phase }) => phase === "awaiting_verification"), LATE_MS);
    expect(acted.openIntents).toMatchObject([{ policy: "pod_restart", remedy: "restart_pod", target: "pod/web-1", phase: "awaiting_verification" }]);
    expect((await scene.cluster.pod("web-1", AbortSignal.timeout(5_000)))?.deletingAt).not.toBeNull();
    await addPod("web-4");
    const after = await one.until((seen) => seen.openIntents.length === 0 && seen.status === "healthy", LATE_MS);
    expect(after.targets.map(({ id }) => id)).toEqual(["storefront", "pod/web-2", "pod/web-3", "pod/web-4"]);
    const entries = (await one.ledger()).filter(({ target }) => target === "pod/web-1");
    expect(entries.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["intent", "outcome", "verified"]));
    expect(entries.every(({ details }) => details["epoch"] === 1)).toBe(true);
    expect((await scene.notesOn("web-1")).length).toBeGreaterThan(0);
  });

  test.concurrent("a disruption budget that forbids it is waited for, and the ledger says so", { timeout: TEST_MS }, async () => {
    await using watched = await shop(3, ACTING);
    const { scene, sidecars, singletons } = watched;
    await scene.addBudget("storefront", "storefront", 0);
    const one = await singletons.start();
    await one.until((seen) => seen.status === "healthy", LATE_MS);
    const [ill] = sidecars;
    if (ill === undefined) throw new Error("no sidecars");
    ill.verdict = "unhealthy";
    const held = await one.until((seen) => seen.policies.some((policy) => policy.lastHold?.guard === "disruption"), LATE_MS);
    expect(held.openIntents).toEqual([]);
    expect((await scene.cluster.pod("web-1", AbortSignal.timeout(5_000)))?.deletingAt).toBeNull();
  });

  test.concurrent("half of four pods fail the same check: nobody is evicted, and the ledger says why", { timeout: TEST_MS }, async () => {
    await using watched = await shop(4, ACTING);
    const { scene, sidecars, singletons } = watched;
    const one = await singletons.start();
    await one.until((seen) => seen.status === "healthy", LATE_MS);
    for (const ill of sidecars.slice(0, 2)) ill.verdict = "unhealthy";
    await one.until((seen) => seen.policies.some((policy) => policy.lastHold?.guard === "blame" || policy.lastHold?.guard === "storm"), LATE_MS);
    await one.until((seen) => seen.looks.filter((look) => look.check === "application" && look.verdict === "unhealthy").length === 2, LATE_MS);
    expect((await scene.cluster.pods({ selector: "app=storefront" }, AbortSignal.timeout(5_000))).pods.filter(({ deletingAt }) => deletingAt !== null)).toEqual([]);
    expect((await one.ledger()).filter(({ text }) => text.includes("shared cause")).length).toBeGreaterThan(0);
  });

  test.concurrent("a leader that is killed is replaced, and its successor knows what it ordered", { timeout: TEST_MS }, async () => {
    await using watched = await shop();
    const { singletons } = watched;
    const [a, b] = [await singletons.start(), await singletons.start()];
    const leader = await singletons.leader();
    await leader.until((seen) => seen.status === "healthy", LATE_MS);
    await leader.pause("all", "ada looks herself");
    const other = leader === a ? b : a;
    await leader.kill();
    const seen = await other.until((now) => now.status === "healthy", LATE_MS);
    expect(await other.metric("shopkeeper_leader")).toBe(1);
    expect(seen.pauses.map(({ why }) => why)).toEqual(["ada looks herself"]);
  });

  test.concurrent("one whose state another leader has opened leads anew, above it, and says so", { timeout: TEST_MS }, async () => {
    await using watched = await shop(1);
    const { scene, singletons } = watched;
    const one = await singletons.start();
    await one.until((seen) => seen.status === "healthy", LATE_MS);
    await one.pause("all", "ada looks herself");
    const { status } = await world.api().ask("PATCH", `/api/v1/namespaces/${scene.cluster.namespace}/configmaps/shopkeeper-state`, { metadata: { annotations: { "shopkeeper.dev/epoch": "50" } } });
    expect(status).toBe(200);
    await one.pause("target:storefront", "ada looks closer").catch(() => undefined);
    await one.wrote(/epoch 51/, AbortSignal.timeout(LATE_MS));
    const seen = await one.until((now) => now.status === "healthy", LATE_MS);
    expect(seen.pauses.map(({ why }) => why)).toEqual(["ada looks herself"]);
    expect(one.lines("trouble").map((line) => String(line["msg"]))).toContainEqual(expect.stringContaining("a newer leader writes the state, of epoch 50"));
  });

  test.concurrent("one that is asked to end gives the lease back, so that the next need not wait for its expiry", { timeout: TEST_MS }, async () => {
    await using watched = await shop(1);
    const { singletons } = watched;
    const first = await singletons.start();
    await first.until((seen) => seen.status === "healthy", LATE_MS);
    expect(await first.terminate()).toBe(0);
    const second = await singletons.start();
    await second.until((seen) => seen.status === "healthy", LATE_MS);
    expect(second.lines("leader").map((line) => line["epoch"])).toEqual([2]);
  });
});
