/** Runs one kind of look with real ports, as a check's file would have it. */
import { createEventLoopLoad } from "../../src/adapters/event-loop-load.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { createTcpConnect } from "../../src/adapters/tcp-connect.ts";
import { createLeanHttp } from "../../src/adapters/lean-http.ts";
import { parseAssertion } from "../../src/core/assertion.ts";
import type { Assertion, WrittenAssertion } from "../../src/core/assertion.ts";
import type { Finding, Observation } from "../../src/core/observation.ts";
import type { Look, PreparedProbe } from "../../src/ports/probe.ts";
import type { TargetUsageAnswer } from "../../src/ports/target-usage.ts";
import type { Probe, ProbePorts, ProbeSite } from "../../src/probes/kind.ts";

const clock = createSystemClock();

export type Order = {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly checks?: Readonly<Record<string, WrittenAssertion>>;
  readonly endpoint?: string;
};
export type World = Partial<Omit<ProbePorts, "site">> & { readonly url?: string; readonly site?: Partial<ProbeSite> };

/** The ports a look gets: real ones, except for what `world` replaces. */
export function portsOf({ url, site, ...others }: World): ProbePorts {
  return {
    clock,
    http: createLeanHttp({ clock }),
    tcp: createTcpConnect(clock),
    redis: null,
    usage: { read: async (): Promise<TargetUsageAnswer> => ({ kind: "none", detail: "nothing measures it" }) },
    load: createEventLoopLoad(),
    sidecars: null,
    workloads: null,
    ...others,
    site: { url: () => url ?? null, storefront: null, errorMarks: [], ...site },
  };
}

/** A prepared probe; settings go through the kind's own schema first, as the configuration does it. */
export function prepare(kind: Probe, { settings = {}, checks = {}, endpoint }: Order, world: World): PreparedProbe {
  const order = { settings: kind.schema.parse(settings), assertions: assertionsOf(checks), endpoint: endpoint ?? null };
  return kind.prepare(order, portsOf(world));
}

export function aLook(changes: Partial<Look> = {}): Look {
  return {
    target: { id: "app", kind: "process", workload: "app" },
    deadlineMs: 5_000,
    ordinal: 0,
    signal: new AbortController().signal,
    ...changes,
  };
}

/** Prepares, looks once, closes. */
export async function lookOnce(kind: Probe, order: Order, world: World, changes: Partial<Look> = {}): Promise<Observation> {
  const probe = prepare(kind, order, world);
  const seen = await probe.run(aLook(changes));
  await probe.close();
  return seen;
}

/** The finding of one assertion. */
export function findingOf(seen: Observation, assertion: string): Finding | undefined {
  return seen.findings?.find((finding) => finding.assertion === assertion);
}

function assertionsOf(checks: Readonly<Record<string, WrittenAssertion>>): readonly Assertion[] {
  return Object.entries(checks).map(([name, written]) => {
    const parsed = parseAssertion(name, written);
    if (!parsed.ok) throw new Error(`${name}: expected ${parsed.problem.expected}`);
    return parsed.value;
  });
}
