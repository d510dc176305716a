/** `redis`: a PING to the site's Redis. */
import * as z from "zod";
import { judge } from "../core/assertion.ts";
import type { Observation } from "../core/observation.ts";
import { isLoopback } from "../config/loopback.ts";
import type { Look, PreparedProbe } from "../ports/probe.ts";
import type { Probe, ProbeOrder, ProbePorts } from "./kind.ts";
import { demand, guarded, judgeLatency, report, reportTrouble, unknown } from "./report.ts";

export const redisProbe: Probe = {
  name: "redis",
  summary: "Sends PING to the site's Redis.",
  schema: z.object({}),
  assertions: {
    redis: { value: "word", words: ["connected"], severity: "fail", example: "connected" },
    response_time: { value: "duration", severity: "warn", example: "< 50ms" },
  },
  scope: "site",
  remote: ({ redis }) => redis !== null && !isLoopback(redis.url),
  inactiveWhen: ({ redis }) => (redis === null ? "no redis is configured" : null),
  prepare: (order, ports) => {
    return { run: (look) => guarded(ports.clock.now, () => lookOnce(order, ports, look)), close: async () => {} } satisfies PreparedProbe;
  },
};

async function lookOnce({ assertions }: ProbeOrder, { redis, clock, load }: ProbePorts, look: Look): Promise<Observation> {
  if (redis === null) return unknown(clock.now(), 0, "configuration", "no redis is configured");
  const busyBefore = load.busyMs();
  const answer = await redis.ping(look.deadlineMs, look.signal);
  const at = clock.now();
  if (answer.kind === "failed") {
    return reportTrouble(answer, look, at, [demand("redis", false, answer.cause, "connected")]);
  }
  const { tookMs } = answer;
  const findings = assertions.map((assertion) =>
    assertion.name === "response_time" ? judgeLatency(assertion, tookMs, load.busyMs() - busyBefore) : judge(assertion, { kind: "text", text: "connected" }),
  );
  return report({ at, tookMs, findings, facts: { response_time: Math.round(tookMs * 100) / 100 } });
}
