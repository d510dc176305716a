/**
 * `workload`: the pods of a workload as a whole: how many of them are ready, and what CPU they use on average.
 *
 * One pod at full load says nothing of the others; a workload is scaled by its mean, as an autoscaler does it. The CPU is
 * Prometheus' where a query is given, else the metrics API's, else what the sidecars tell; the finding says whose.
 */
import * as z from "zod";
import type { Measured } from "../core/assertion.ts";
import type { Observation } from "../core/observation.ts";
import { httpUrl } from "../config/values.ts";
import type { Http } from "../ports/http.ts";
import type { Look, PreparedProbe } from "../ports/probe.ts";
import type { WorkloadReading } from "../ports/workloads.ts";
import type { Probe, ProbeOrder, ProbePorts } from "./kind.ts";
import { connectionFor, guarded, judgeAll, report, unknown } from "./report.ts";

const MAX_ANSWER_BYTES = 64 * 1024;

const schema = z.object({
  prometheus: httpUrl().optional().describe("Base URL of a Prometheus that knows the CPU better; needs `query`."),
  query: z.string().min(1).max(2_000).optional().describe("PromQL of one number: CPU of the pods on average, in percent of their request."),
});
type Settings = z.output<typeof schema>;

export const workloadProbe: Probe = {
  name: "workload",
  summary: "Looks at the pods of a workload as a whole: how many are ready, and their CPU on average.",
  schema,
  assertions: {
    ready: { value: "percent", severity: "warn", example: "> 50%" },
    cpu_usage: { value: "percent", severity: "warn", example: "< 90%" },
  },
  scope: "workload",
  targetKinds: ["workload"],
  remote: false,
  inactiveWhen: ({ targets }) => (targets.some(({ pods }) => pods !== null) ? null : "no target is the pods of a Service"),
  prepare: (order, ports) => ({ run: (look) => guarded(ports.clock.now, () => lookOnce(order, ports, look)), close: async () => {} }) satisfies PreparedProbe,
};

async function lookOnce(order: ProbeOrder, { workloads, http, clock }: ProbePorts, look: Look): Promise<Observation> {
  const startedAt = clock.now();
  const answer = await workloads?.read(look.target.id, look.signal);
  const at = clock.now();
  const tookMs = at - startedAt;
  if (answer === undefined) return unknown(at, tookMs, "configuration", "there is no cluster here");
  if (answer.kind === "blind") return unknown(at, tookMs, "no_data", answer.why);
  const { prometheus, query } = order.settings as Settings;
  const { reading } = answer;
  const cpu = prometheus === undefined || query === undefined ? cpuOf(reading) : await askPrometheus(http, prometheus, query, look);
  const readyPercent = reading.wanted === 0 ? 100 : (reading.ready * 100) / reading.wanted;
  const measured: Record<string, Measured> = { ready: { kind: "number", value: readyPercent, dimension: "percent" }, cpu_usage: cpu };
  const facts = { ready: readyPercent, wanted: reading.wanted, ...(cpu.kind === "number" ? { cpu_usage: cpu.value } : {}) };
  return report({ at: clock.now(), tookMs: clock.now() - startedAt, findings: judgeAll(order.assertions, measured), facts });
}

function cpuOf({ cpuPercent, cpuSource }: WorkloadReading): Measured {
  return cpuPercent === null ? { kind: "missing", why: cpuSource } : { kind: "number", value: cpuPercent, dimension: "percent", source: cpuSource };
}

/** The instant query of Prometheus' HTTP API: a scalar, or a vector of one. */
async function askPrometheus(http: Http, base: string, query: string, look: Look): Promise<Measured> {
  const answer = await http.request({
    method: "GET", url: `${base}/api/v1/query?query=${encodeURIComponent(query)}`, headers: { accept: "application/json" },
    deadlineMs: look.deadlineMs, maxBodyBytes: MAX_ANSWER_BYTES, connection: connectionFor(look), signal: look.signal,
  });
  if (answer.kind === "failed") return { kind: "missing", why: `Prometheus: ${answer.detail}` };
  if (answer.status !== 200) return { kind: "missing", why: `Prometheus answered ${answer.status}` };
  const value = numberOf(answer.body);
  return value === null ? { kind: "missing", why: "Prometheus' answer to the query is not one number" } : { kind: "number", value, dimension: "percent", source: "Prometheus" };
}

const scalar = z.tuple([z.number(), z.string()]);
const prometheusAnswer = z.object({
  data: z.union([
    z.object({ resultType: z.literal("scalar"), result: scalar }).transform(({ result }) => result),
    z.object({ resultType: z.literal("vector"), result: z.tuple([z.object({ value: scalar })]) }).transform(({ result }) => result[0].value),
  ]),
});

function numberOf(body: string): number | null {
  try {
    const read = prometheusAnswer.safeParse(JSON.parse(body));
    const value = read.success ? Number(read.data.data[1]) : Number.NaN;
    return Number.isFinite(value) ? value : null;
  } catch {
    return null;
  }
}
