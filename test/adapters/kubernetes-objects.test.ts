/** The API server's words in ours; objects as watches give them, with dates as text. */
import { describe, expect, test } from "vitest";
import { blockedByBudget, clusterError } from "../../src/adapters/kubernetes/failures.ts";
import { ownersOf } from "../../src/adapters/kubernetes/field-owners.ts";
import { mergeEntries, parseEntries, printEntries } from "../../src/adapters/ledger-merge.ts";
import { podOf, usageOf } from "../../src/adapters/kubernetes/pods.ts";
import { bytesOf, milliOf } from "../../src/adapters/kubernetes/quantity.ts";
import { mergeSlices, sliceOf } from "../../src/adapters/kubernetes/workloads.ts";
import type { LedgerEntry } from "../../src/core/ledger-entry.ts";

describe("quantities", () => {
  test.each([
    ["250m", 250], ["1", 1_000], ["1.5", 1_500], ["123456789n", 123.456789], ["5u", 0.005], ["2e3", 2_000_000], ["0", 0],
  ])("CPU %s is %d thousandths of a core", (text, milli) => {
    expect(milliOf(text)).toBeCloseTo(milli, 6);
  });
  test.each([["64Mi", 67_108_864], ["1Gi", 1_073_741_824], ["128974848", 128_974_848], ["129M", 129_000_000], ["1.5Ki", 1_536]])("%s is %d bytes", (text, bytes) => {
    expect(bytesOf(text)).toBe(bytes);
  });
  test.each([[undefined], [""], ["much"], ["1Zi"], ["m"]])("%s is none", (text) => {
    expect(milliOf(text)).toBeNull();
  });
});

describe("pods", () => {
  // As a watch gives them: the client's types promise dates, the wire has text.
  const read = (raw: object) => podOf(raw);

  test("of which nothing is known yet are pending nowhere, not ready, and nobody's", () => {
    expect(read({ metadata: { name: "p", uid: "u" } })).toMatchObject({ phase: "Unknown", ready: false, node: null, zone: null, ip: null, workload: null, startedAt: null, deletingAt: null, containers: [] });
  });
  test("that are being deleted may still say that they are ready", () => {
    const pod = read({ metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" }, status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] } });
    expect(pod).toMatchObject({ ready: true, deletingAt: Date.UTC(2026, 0, 1) });
  });
  test.each([
    [{ kind: "ReplicaSet", name: "web-7f9c" }, { "pod-template-hash": "7f9c" }, { kind: "Deployment", name: "web" }],
    [{ kind: "ReplicaSet", name: "web-7f9c" }, {}, { kind: "ReplicaSet", name: "web-7f9c" }],
    [{ kind: "StatefulSet", name: "db" }, {}, { kind: "StatefulSet", name: "db" }],
    [{ kind: "Rollout", name: "web" }, {}, { kind: "other", name: "web" }],
  ])("owned by %j with labels %j belong to %j", (owner, labels, expected) => {
    expect(read({ metadata: { labels, ownerReferences: [{ ...owner, controller: true }] } }).workload).toEqual(expected);
  });
  test("count native sidecars and no other init containers, and say why a container waits", () => {
    const { containers } = read({
      spec: { initContainers: [{ name: "migrate" }, { name: "shopkeeper", restartPolicy: "Always", resources: { requests: { cpu: "50m" } } }], containers: [{ name: "app" }] },
      status: {
        initContainerStatuses: [{ name: "shopkeeper", ready: true, restartCount: 0 }],
        containerStatuses: [{ name: "app", ready: false, restartCount: 5, state: { waiting: { reason: "CrashLoopBackOff" } }, lastState: { terminated: { exitCode: 137, reason: "Error", finishedAt: "2026-01-01T00:00:00Z" } } }],
      },
    });
    expect(containers).toEqual([
      { name: "shopkeeper", sidecar: true, main: false, ready: true, restarts: 0, waitingFor: "", lastTermination: null, cpuRequestMilli: 50 },
      { name: "app", sidecar: false, main: true, ready: false, restarts: 5, waitingFor: "CrashLoopBackOff", lastTermination: { reason: "Error", exitCode: 137, at: Date.UTC(2026, 0, 1) }, cpuRequestMilli: null },
    ]);
  });
  test.each([["the first one", {}, "app"], ["the one that is named", { "kubectl.kubernetes.io/default-container": "web" }, "web"], ["the first one where another name is nobody's", { "kubectl.kubernetes.io/default-container": "gone" }, "app"]])("have one container that is the application: %s", (_what, annotations, expected) => {
    const { containers } = read({ metadata: { annotations }, spec: { initContainers: [{ name: "shopkeeper", restartPolicy: "Always" }], containers: [{ name: "app" }, { name: "web" }] } });
    expect(containers.filter(({ main }) => main).map(({ name }) => name)).toEqual([expected]);
  });
  test("half measured are not measured", () => {
    const item = (...cpus: (string | undefined)[]) => ({ metadata: { name: "p" }, timestamp: "2026-01-01T00:00:00Z", containers: cpus.map((cpu) => ({ usage: { cpu, memory: "1Ki" } })) });
    expect(usageOf(item("100m", "50m"))).toMatchObject({ pod: "p", cpuMilli: 150, memoryBytes: 2_048 });
    expect(usageOf(item("100m", undefined))).toBeNull();
    expect(usageOf(null)).toBeNull();
  });
});

describe("slices", () => {
  const slice = (name: string, address: string, conditions: object) =>
    sliceOf({ metadata: { name, labels: { "kubernetes.io/service-name": "shop" } }, addressType: "IPv4", endpoints: [{ addresses: [address], conditions, nodeName: "n", zone: "z", targetRef: { kind: "Pod", name: "p", uid: "u" } }] });

  test("of two address families are one endpoint", () => {
    expect(mergeSlices([slice("a", "10.0.0.1", { ready: true }), slice("b", "fd00::1", { ready: true })])).toEqual([
      { pod: { name: "p", uid: "u" }, addresses: ["10.0.0.1", "fd00::1"], ready: true, serving: true, terminating: false, node: "n", zone: "z" },
    ]);
  });
  test("that disagree end with the endpoint that goes", () => {
    expect(mergeSlices([slice("a", "10.0.0.1", { ready: true }), slice("b", "fd00::1", { ready: false, serving: true, terminating: true })])).toMatchObject([{ ready: false, serving: true, terminating: true }]);
  });
  test("that say nothing of readiness mean ready", () => {
    expect(mergeSlices([slice("a", "10.0.0.1", {})])).toMatchObject([{ ready: true, serving: true, terminating: false }]);
  });
});

describe("owners of a field", () => {
  const managed = [
    { manager: "kubectl-apply", operation: "Apply", time: "2026-01-02T00:00:00Z", fieldsV1: { "f:spec": { "f:minReplicas": {}, "f:maxReplicas": {} } } },
    { manager: "shopkeeper", operation: "Update", time: "2026-01-01T00:00:00Z", fieldsV1: { "f:spec": { "f:minReplicas": {} } } },
    { manager: "controller", operation: "Update", subresource: "status", fieldsV1: { "f:spec": { "f:minReplicas": {} } } },
  ] as unknown as Parameters<typeof ownersOf>[0];

  test("are all who wrote it and agree, oldest first, and never a status", () => {
    expect(ownersOf(managed, ["spec", "minReplicas"]).map(({ manager }) => manager)).toEqual(["shopkeeper", "kubectl-apply"]);
    expect(ownersOf(managed, ["spec", "maxReplicas"])).toEqual([{ manager: "kubectl-apply", operation: "Apply", at: Date.UTC(2026, 0, 2) }]);
    expect(ownersOf(managed, ["spec", "paused"])).toEqual([]);
  });
});

describe("errors", () => {
  const refusal = (code: number, body: object): unknown => Object.assign(new Error("HTTP"), { code, body: JSON.stringify(body) });

  test.each([[401, "FORBIDDEN"], [403, "FORBIDDEN"], [404, "NOT_FOUND"], [409, "CONFLICT"], [410, "UNAVAILABLE"], [413, "INVALID"], [422, "INVALID"], [429, "TOO_MANY"], [500, "UNAVAILABLE"], [503, "UNAVAILABLE"], [504, "UNAVAILABLE"]])("HTTP %d is %s", (status, code) => {
    expect(clusterError("evict pod web-1", refusal(status, { message: "why" }))).toMatchObject({ code, message: expect.stringMatching(/^evict pod web-1: /) });
  });
  test("of the network may have landed, and say what happened beneath", () => {
    const error = new TypeError("fetch failed", { cause: Object.assign(new Error("connect ECONNREFUSED 10.0.0.1:443"), { code: "ECONNREFUSED" }) });
    expect(clusterError("list pods", error)).toMatchObject({ code: "UNAVAILABLE", message: "list pods: fetch failed: connect ECONNREFUSED 10.0.0.1:443" });
  });
  test("a 429 that is no budget's is the server's own wish", () => {
    expect(blockedByBudget(clusterError("evict", refusal(429, { message: "too many requests" })))).toBeNull();
    expect(blockedByBudget(clusterError("evict", refusal(429, { message: "Cannot evict", details: { causes: [{ reason: "DisruptionBudget", message: "The budget needs 2" }] } })))).toBe("Cannot evict The budget needs 2");
  });
  test("long words are cut", () => {
    expect(clusterError("x", refusal(422, { message: "y".repeat(5_000) })).message).toHaveLength(400);
  });
});

describe("a ledger of two writers", () => {
  const entry = (seq: number, text: string, count = 1): LedgerEntry => ({ seq, text, count, at: 1, lastAt: count, kind: "note", target: "app", subject: "", who: "shopkeeper", actionId: "", details: {}, foldKey: "" });

  test("of which only we wrote is what we have", () => {
    expect(mergeEntries([entry(1, "a")], [entry(1, "a", 3), entry(2, "b")], 1)).toEqual({ entries: [entry(1, "a", 3), entry(2, "b")], shift: 0 });
  });
  test("has the other's entries first, ours numbered after them, and the greater count of both", () => {
    const stored = [entry(1, "a", 2), entry(2, "theirs")];
    expect(mergeEntries(stored, [entry(1, "a", 5), entry(2, "ours"), entry(3, "ours too")], 1)).toEqual({ entries: [entry(1, "a", 5), entry(2, "theirs"), entry(3, "ours"), entry(4, "ours too")], shift: 1 });
  });
  test("does not take what our own write left there, whose answer never came, for another's", () => {
    const ours = [entry(1, "a"), entry(2, "b", 4), entry(3, "c")];
    expect(mergeEntries([entry(1, "a"), entry(2, "b")], ours, 1)).toEqual({ entries: ours, shift: 0 });
    expect(mergeEntries([entry(1, "a"), entry(2, "b"), entry(3, "theirs")], ours, 1)).toEqual({ entries: [entry(1, "a"), entry(2, "b", 4), entry(3, "theirs"), entry(4, "c")], shift: 1 });
  });
  test("is printed within its bound, the newest kept, and read back without what is none", () => {
    const entries = [entry(1, "old"), entry(2, "new")];
    expect(parseEntries(printEntries(entries, 10_000))).toEqual(entries);
    expect(parseEntries(printEntries(entries, 200))).toEqual([entry(2, "new")]);
    expect(parseEntries('{"seq":1}\nnot json\n\nnull')).toEqual([]);
  });
});
