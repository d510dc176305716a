/**
 * Commands about regions: `failover`, `failback`, and `drill failover`, which measures from where it is called.
 */
import { Resolver } from "node:dns/promises";
import { isIP } from "node:net";
import type { Command } from "commander";
import type { Ms } from "../core/time.ts";
import { formatDuration, parseDuration } from "../core/time.ts";
import { sleep } from "../ports/clock.ts";
import type { Rehearsal } from "../ports/region-control.ts";
import type { WithApi } from "./online-commands.ts";
import { ExitError, printJson, type Terminal } from "./terminal.ts";

type OrderOptions = { readonly why: string; readonly dryRun?: boolean; readonly json?: boolean };
type FailoverOptions = OrderOptions & { readonly to?: string; readonly adopt?: boolean; readonly ack?: boolean };
type DrillOptions = OrderOptions & { readonly to: string; readonly resolver?: string; readonly within: string };

/** Between two questions to the resolver. */
const ASK_EVERY_MS: Ms = 100;
const ASK_DEADLINE_MS: Ms = 1_000;

export function addRegionCommands(program: Command, terminal: Terminal, withApi: WithApi): void {
  const order = (under: Command, name: string, about: string): Command =>
    under.command(name).description(about).requiredOption("--why <reason>", "the reason, for the ledger").option("--dry-run", "print the exact calls that would be made, make none").option("--json", "stable output for scripts");
  const send = (command: Command, options: OrderOptions, path: string, body: Readonly<Record<string, unknown>>): Promise<void> =>
    withApi(command, async (api) => {
      const answer = (await api.post(`/api/v1/${path}`, { why: options.why, dry_run: options.dryRun === true, ...body })) as { readonly text: string };
      if (options.json === true) printJson(terminal, answer);
      else terminal.out(`${answer.text}\n`);
    });

  order(program, "failover", "lead buyers to a region now; votes, veto and pause do not count, its own health does. Ask the daemon of that region")
    .option("--to <region>", "the region")
    .option("--adopt", "only put this shop's mark beside records that bear none, so that they may be changed from then on")
    .option("--ack", "only say that you have looked: the pause after the last failover is over")
    .action((options: FailoverOptions, command: Command) => {
      const chosen = [options.to !== undefined, options.adopt === true, options.ack === true].filter(Boolean).length;
      if (chosen !== 1) throw new ExitError(2, "one of --to REGION, --adopt and --ack is needed");
      if (options.adopt === true) return send(command, options, "failover/adopt", {});
      return options.ack === true ? send(command, options, "failover/ack", {}) : send(command, options, "failover", { to: options.to });
    });
  order(program, "failback", "lead buyers back to the preferred region; ask the daemon of that region").action((options: OrderOptions, command: Command) => send(command, options, "failback", {}));

  const drill = program.command("drill").description("rehearsals: print what they measured");
  order(drill, "failover", "lead the shadow record to a region, and measure until a resolver says so")
    .requiredOption("--to <region>", "the region")
    .option("--resolver <address>", 'ask this one, such as "127.0.0.1:5353"; default: the system\'s')
    .option("--within <duration>", "the bound that is to hold", "60s")
    .action((options: DrillOptions, command: Command) => drillFailover(terminal, withApi, command, options));
}

/** Exit code 1 where the bound does not hold. */
async function drillFailover(terminal: Terminal, withApi: WithApi, command: Command, options: DrillOptions): Promise<void> {
  const bound = parseDuration(options.within);
  if (bound === undefined) throw new ExitError(2, `--within: a duration such as "60s" was expected, not "${options.within}"`);
  const resolver = resolverAt(options.resolver);
  await withApi(command, async (api) => {
    const began = performance.now();
    const answer = (await api.post("/api/v1/drill/failover", { why: options.why, dry_run: options.dryRun === true, to: options.to })) as Rehearsal | { readonly kind: "would"; readonly text: string };
    if (answer.kind === "would") return options.json === true ? printJson(terminal, answer) : terminal.out(`${answer.text}\n`);
    const seen = await seenAfter(answer, resolver, began + bound, began, terminal);
    const result = { name: answer.name, type: answer.type, from: answer.from, to: answer.to, provider_ms: Math.round(answer.tookMs), seen_ms: seen === null ? null : Math.round(seen), bound_ms: bound };
    if (options.json === true) printJson(terminal, result);
    else terminal.out(textOf(answer, seen, bound));
    const took = answer.value === null ? answer.tookMs : (seen ?? Number.POSITIVE_INFINITY);
    if (took > bound) throw new ExitError(1, `the bound of ${formatDuration(bound)} does not hold`);
  });
}

function textOf({ name, type, from, to, value, tookMs }: Rehearsal, seen: Ms | null, bound: Ms): string {
  const changed = `${name} ${type} leads to ${to}${from === null ? "" : `, from ${from}`}: changed at the provider and read back after ${formatDuration(tookMs)}\n`;
  if (value === null) return `${changed}it is proxied, so resolvers go on with the provider's own addresses: nobody waits for them\n`;
  return changed + (seen === null ? `the resolver did not say ${value} within ${formatDuration(bound)}\n` : `the resolver says ${value} after ${formatDuration(seen)}\n`);
}

/** From `began` until the resolver answers with the new value; null: not before `until`, or resolvers are not asked. */
async function seenAfter({ name, type, value }: Rehearsal, resolver: Resolver, until: number, began: number, terminal: Terminal): Promise<Ms | null> {
  if (value === null) return null;
  const stop = terminal.stopSignal();
  while (performance.now() < until && !stop.aborted) {
    const found = await answersOf(resolver, name, type);
    if (found.some((one) => one.toLowerCase() === value.toLowerCase().replace(/\.$/, ""))) return performance.now() - began;
    await sleep(terminal.clock, ASK_EVERY_MS, stop);
  }
  return null;
}

async function answersOf(resolver: Resolver, name: string, type: string): Promise<readonly string[]> {
  try {
    if (type === "AAAA") return await resolver.resolve6(name);
    return type === "CNAME" ? await resolver.resolveCname(name) : await resolver.resolve4(name);
  } catch {
    return [];
  }
}

function resolverAt(address: string | undefined): Resolver {
  const resolver = new Resolver({ timeout: ASK_DEADLINE_MS, tries: 1 });
  if (address === undefined) return resolver;
  const host = isIP(address) !== 0 ? address : address.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  if (isIP(host) === 0) throw new ExitError(2, `--resolver: an address such as "127.0.0.1:5353" was expected, not "${address}"`);
  resolver.setServers([address]);
  return resolver;
}
