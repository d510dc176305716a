/** `tcp`: connects to an address; may send a text and wait for one. */
import * as z from "zod";
import { judge } from "../core/assertion.ts";
import type { Observation } from "../core/observation.ts";
import { isLoopbackHost } from "../config/loopback.ts";
import { reveal } from "../config/secret.ts";
import { hostPort, textOrSecret } from "../config/values.ts";
import type { Look, PreparedProbe } from "../ports/probe.ts";
import type { Probe, ProbeOrder, ProbePorts } from "./kind.ts";
import { demand, guarded, judgeLatency, report, reportTrouble } from "./report.ts";

const MAX_BYTES = 65_536;

const schema = z.object({
  address: hostPort().describe('Host and port, "db.internal:5432".'),
  tls: z.boolean().prefault(false).describe("Speak TLS first, with the system's authorities."),
  send: textOrSecret({ min: 0, max: 4_096 }).optional().describe("Sent once connected."),
  expect: z.string().min(1).max(4_096).optional().describe("Text awaited in what the server says."),
});
type Settings = z.output<typeof schema>;

export const tcpProbe: Probe = {
  name: "tcp",
  summary: "Connects to a TCP port; may say something and wait for a text.",
  schema,
  assertions: {
    tcp: { value: "word", words: ["connected"], severity: "fail", example: "connected" },
    response_time: { value: "duration", severity: "warn", example: "< 100ms" },
  },
  scope: "site",
  remote: (_site, settings) => !isLoopbackHost((settings as Settings).address.host),
  inactiveWhen: () => null,
  prepare: (order, ports) => {
    return { run: (look) => guarded(ports.clock.now, () => lookOnce(order, ports, look)), close: async () => {} } satisfies PreparedProbe;
  },
};

async function lookOnce({ settings, assertions }: ProbeOrder, { tcp, clock, load }: ProbePorts, look: Look): Promise<Observation> {
  const { address, tls, send, expect } = settings as Settings;
  const busyBefore = load.busyMs();
  const answer = await tcp.look({
    ...address,
    tls,
    send: send === undefined ? null : reveal(send),
    expect: expect ?? null,
    deadlineMs: look.deadlineMs,
    maxBytes: MAX_BYTES,
    signal: look.signal,
  });
  const at = clock.now();
  if (answer.kind === "failed") return reportTrouble(answer, look, at, [demand("tcp", false, answer.cause, "connected")]);
  const { tookMs } = answer;
  const findings = assertions.map((assertion) =>
    assertion.name === "response_time" ? judgeLatency(assertion, tookMs, load.busyMs() - busyBefore) : judge(assertion, { kind: "text", text: "connected" }),
  );
  return report({ at, tookMs, findings, facts: { response_time: Math.round(tookMs * 100) / 100 } });
}
