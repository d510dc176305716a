/** `process`: memory and CPU of a target's process, systemd unit or cgroup, without asking the application. */
import * as z from "zod";
import type { Observation } from "../core/observation.ts";
import type { Look, PreparedProbe } from "../ports/probe.ts";
import type { Probe, ProbeOrder, ProbePorts } from "./kind.ts";
import { guarded, judgeAll, report, unknown } from "./report.ts";
import { UsageRates, factsOf, memory, readWithin } from "./usage-percent.ts";

export const processProbe: Probe = {
  name: "process",
  summary: "Reads memory and CPU of a target's process, unit or cgroup.",
  schema: z.object({}),
  assertions: {
    memory_usage: { value: "percent", severity: "warn", example: "< 80%" },
    cpu_usage: { value: "percent", severity: "warn", example: "< 90%" },
  },
  scope: "target",
  remote: false,
  inactiveWhen: ({ targets }) =>
    targets.some(({ process, unit, cgroup }) => process !== null || unit !== null || cgroup !== null) ? null : "no target has a process, unit or cgroup",
  prepare: (order, ports) => {
    const rates = new UsageRates();
    return { run: (look) => guarded(ports.clock.now, () => lookOnce(order, ports, rates, look)), close: async () => {} } satisfies PreparedProbe;
  },
};

async function lookOnce({ assertions }: ProbeOrder, { usage, clock }: ProbePorts, rates: UsageRates, look: Look): Promise<Observation> {
  const startedAt = clock.now();
  const answer = await readWithin(usage, clock, look);
  const at = clock.now();
  const tookMs = at - startedAt;
  switch (answer.kind) {
    case "none":
      return unknown(at, tookMs, "no_data", answer.detail);
    case "gone":
      return { kind: "fail", at, tookMs, cause: "exited", detail: answer.detail, findings: [], facts: {} };
    case "usage": {
      const measured = { memory_usage: memory(answer.usage), cpu_usage: rates.cpu(look.target.id, answer.usage, at) };
      return report({ at, tookMs, findings: judgeAll(assertions, measured), facts: factsOf(measured) });
    }
  }
}
