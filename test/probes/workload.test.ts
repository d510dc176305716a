import { describe, expect, test } from "vitest";
import type { Http, HttpAnswer, HttpFailure } from "../../src/ports/http.ts";
import type { WorkloadAnswer, WorkloadReading } from "../../src/ports/workloads.ts";
import { workloadProbe } from "../../src/probes/workload.ts";
import { aLook, prepare, type Order } from "./look.ts";

const CHECKS = { ready: "> 50%", cpu_usage: "< 90%" };

function reading(over: Partial<WorkloadReading> = {}): WorkloadAnswer {
  return { kind: "read", reading: { wanted: 4, ready: 3, cpuPercent: 71, cpuSource: "metrics.k8s.io, 4 of 4 pods", ...over } };
}

function run(answer: WorkloadAnswer | null, order: Order = {}, http?: Http) {
  const workloads = answer === null ? null : { read: () => Promise.resolve(answer) };
  return prepare(workloadProbe, { checks: CHECKS, ...order }, { workloads, ...(http === undefined ? {} : { http }) }).run(aLook({ target: { id: "storefront", kind: "workload", workload: "web" } }));
}

describe("a workload as a whole", () => {
  test("passes with what is ready and what it uses, and says who measured it", async () => {
    const seen = await run(reading());
    expect(seen).toMatchObject({ kind: "pass", facts: { ready: 75, wanted: 4, cpu_usage: 71 } });
    expect(seen.findings).toMatchObject([{ assertion: "ready", observed: "75%" }, { assertion: "cpu_usage", observed: "71%", source: "metrics.k8s.io, 4 of 4 pods" }]);
  });

  test.each<[string, Partial<WorkloadReading>]>([
    ["few are ready", { ready: 2 }],
    ["they are busy", { cpuPercent: 95 }],
  ])("warns when %s", async (_what, over) => {
    expect(await run(reading(over))).toMatchObject({ kind: "warn", cause: "assertion" });
  });

  test("of a workload that should have none all are ready", async () => {
    expect(await run(reading({ wanted: 0, ready: 0 }))).toMatchObject({ kind: "pass", facts: { ready: 100 } });
  });

  test("CPU that nobody measures is not made up", async () => {
    const seen = await run(reading({ cpuPercent: null, cpuSource: "NOT_FOUND: no metrics server" }));
    expect(seen.kind === "pass" ? seen.facts : null).toEqual({ ready: 75, wanted: 4 });
  });

  test("knows nothing where it cannot see, or there is no cluster", async () => {
    expect(await run({ kind: "blind", why: "deployments cannot be seen" })).toMatchObject({ kind: "unknown", cause: "no_data", detail: "deployments cannot be seen" });
    expect(await run(null)).toMatchObject({ kind: "unknown", cause: "configuration" });
  });
});

describe("CPU as Prometheus has it", () => {
  const ORDER = { settings: { prometheus: "http://prometheus:9090", query: "avg(cpu) * 100" } };
  const says = (answer: Partial<HttpAnswer> | HttpFailure, asked: string[] = []): Http => ({
    request: async ({ url }) => {
      asked.push(url);
      return "cause" in answer ? answer : { kind: "answer", status: 200, headers: {}, body: "", bodyBytes: 1, bodyCut: false, firstByteMs: 1, tookMs: 1, ...answer };
    },
    close: async () => undefined,
  });

  test.each([
    ["a scalar", '{"status":"success","data":{"resultType":"scalar","result":[1,"82.5"]}}', 82.5],
    ["a vector of one", '{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"64"]}]}}', 64],
  ])("%s is taken instead of all others", async (_what, body, cpu) => {
    const asked: string[] = [];
    expect(await run(reading(), ORDER, says({ body }, asked))).toMatchObject({ facts: { cpu_usage: cpu } });
    expect(asked).toEqual(["http://prometheus:9090/api/v1/query?query=avg(cpu)%20*%20100"]);
  });

  test.each<[string, Partial<HttpAnswer> | HttpFailure]>([
    ["a vector of two", { body: '{"data":{"resultType":"vector","result":[{"value":[1,"1"]},{"value":[1,"2"]}]}}' }],
    ["an empty vector", { body: '{"data":{"resultType":"vector","result":[]}}' }],
    ["no number", { body: '{"data":{"resultType":"scalar","result":[1,"NaN"]}}' }],
    ["no JSON", { body: "<html>" }],
    ["an error", { status: 422 }],
    ["silence", { kind: "failed", cause: "timeout", noNetwork: false, answered: false, detail: "late", tookMs: 5 }],
  ])("%s is no measure, and nothing else is taken for it", async (_what, answer) => {
    const seen = await run(reading(), ORDER, says(answer));
    expect(seen.kind === "unknown" ? null : seen.facts).toEqual({ ready: 75, wanted: 4 });
  });
});
