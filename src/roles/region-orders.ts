/** A person's orders on regions, each written to the ledger with who gave it and why. */
import { FIRST_EPOCH } from "../core/region/block.ts";
import type { RegionMark } from "../core/region/mark.ts";
import { rankOf, type RegionName, type RegionPlan } from "../core/region/region.ts";
import type { RegionLoop } from "../engine/region/region-loop.ts";
import { textOf } from "../engine/region/region-told.ts";
import { inTime, type Clock } from "../ports/clock.ts";
import type { Order, OrderResult, RefusalCode } from "../ports/control.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { RegionControl, RehearsalResult } from "../ports/region-control.ts";
import { TRAFFIC_DEADLINE_MS, TrafficError, type ProviderCall, type Traffic, type TrafficEntry } from "../ports/traffic.ts";
import type { OpenTraffic } from "./traffic.ts";

export type RegionOrderParts = {
  readonly loop: RegionLoop;
  readonly opened: OpenTraffic;
  readonly plan: RegionPlan;
  readonly here: RegionName;
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** What went wrong beside the order itself; for the log. */
  readonly problem: (text: string) => void;
};

/** For one order: what is under way has to end first. */
const ORDER_MS = 3 * TRAFFIC_DEADLINE_MS;

export function regionControl(parts: RegionOrderParts): RegionControl {
  const { loop, plan, here } = parts;
  const preferred = plan.regions[0]?.name ?? here;
  return {
    view: () => loop.view(),
    failover: (order) => failover(parts, order, order.to ?? preferred),
    adopt: (order) => adopt(parts, order),
    acknowledge: (order) => acknowledge(parts, order),
    rehearse: (order) => rehearse(parts, order),
  };
}

const refused = (code: RefusalCode, text: string): Extract<OrderResult, { kind: "refused" }> => ({ kind: "refused", code, text });
const NOT_LEADING = refused("FAILED", "this daemon does not lead its region at the moment: ask again");

async function failover(parts: RegionOrderParts, order: Order, to: RegionName): Promise<OrderResult> {
  const { loop, plan, here, clock } = parts;
  if (rankOf(plan, to) === -1) return refused("UNKNOWN_TARGET", `there is no region ${to}; there are: ${plan.regions.map(({ name }) => name).join(", ")}`);
  if (to !== here) return refused("HELD", `buyers are led to ${to} by its own daemon, which knows whether it can serve them, and this one is of ${here}: ask that one (--server)`);
  const commanded = await inTime(clock, ORDER_MS, (signal) => loop.command({ id: "", to, by: order.who }, signal, order.dryRun));
  if (commanded === null) return NOT_LEADING;
  const { decision, calls, ended } = commanded;
  const text = textOf(decision);
  if (order.dryRun && decision.kind === "flip") return { kind: "would", text: [`would ${text}`, ...calls.map(callText)].join("\n") };
  await record(parts, order, "failover", ended === null ? text : `${text}: ${ended.outcome}: ${ended.text}`);
  if (decision.kind === "stay") return refused("NOTHING_TO_DO", decision.why);
  if (decision.kind !== "flip") return refused("HELD", text);
  if (loop.view().leadsTo === to) return { kind: "done", text: `${text}: ${ended?.text ?? "done"}`, actionId: "" };
  return refused("FAILED", `${text}: ${ended?.outcome ?? "uncertain"}: ${ended?.text ?? "it cannot be read that it landed"}; what stands at the provider: ${loop.view().standing}`);
}

async function acknowledge(parts: RegionOrderParts, order: Order): Promise<OrderResult> {
  const found = await inTime(parts.clock, ORDER_MS, (signal) => parts.loop.acknowledge(signal, order.dryRun));
  if (found === "not_leading") return NOT_LEADING;
  if (found.kind === "unread") return refused("FAILED", found.why);
  if (found.kind === "nothing") return refused("NOTHING_TO_DO", `${parts.here} has nothing that nobody has looked at`);
  const { lifts, pages } = found;
  const said = [
    ...(lifts === null ? [] : [`the next failover to ${parts.here} need not wait for the pause after the one to ${lifts.region}, epoch ${lifts.epoch}`]),
    ...(pages === 0 ? [] : [`${pages === 1 ? "the page" : `${pages} pages`} of what ${parts.here} did ${pages === 1 ? "is" : "are"} over`]),
  ].join("; ");
  if (order.dryRun) return { kind: "would", text: `would see to it that ${said}` };
  await record(parts, order, "ack", said);
  return { kind: "done", text: said, actionId: "" };
}

/** Entries without a mark, and without somebody's words in its place. */
async function adopt(parts: RegionOrderParts, order: Order): Promise<OrderResult> {
  const { opened, plan, clock } = parts;
  try {
    const entries = await inTime(clock, ORDER_MS, (signal) => opened.traffic.read(signal));
    const shadow = opened.shadow === null ? [] : await inTime(clock, ORDER_MS, (signal) => (opened.shadow as Traffic).read(signal));
    const bare = [...entries.map((entry) => ({ entry, at: opened.traffic })), ...shadow.map((entry) => ({ entry, at: opened.shadow as Traffic }))].filter(({ entry }) => entry.mark === null);
    const strange = entries.filter(({ mark }) => mark !== null && mark.site !== plan.site).map(({ name, mark }) => `${name} is marked as site ${mark?.site}'s`);
    const flaws = [...strange, ...bare.flatMap(({ entry }) => flawOf(entry))];
    if (bare.length === 0 && flaws.length === 0) return refused("NOTHING_TO_DO", "every entry bears this shop's mark already");
    if (flaws.length > 0) return refused("HELD", flaws.join("; "));
    const text = bare.map(({ entry }) => `${entry.name}, which leads to ${entry.leadsTo ?? ""}`).join("; ");
    if (order.dryRun) return { kind: "would", text: `would put the mark of ${plan.site} beside ${text}` };
    // Beside an entry that bears a mark already a lower one would be a late write.
    const epoch = Math.max(FIRST_EPOCH, ...entries.map(({ mark }) => mark?.epoch ?? 0));
    for (const { entry, at } of bare) {
      const outcome = await inTime(clock, ORDER_MS, (signal) => at.adopt(entry, markOf(parts, entry.leadsTo ?? "", at === opened.traffic ? epoch : FIRST_EPOCH), signal));
      if (outcome.kind !== "switched") return refused("FAILED", `${entry.name} was ${outcome.kind} meanwhile: it now holds ${outcome.found.value}`);
    }
    await record(parts, order, "adopt", `marked ${text}`);
    return { kind: "done", text: `marked ${text}`, actionId: "" };
  } catch (error) {
    return refused("FAILED", messageOf(error));
  }
}

function flawOf(entry: TrafficEntry): readonly string[] {
  if (entry.steered !== undefined) return [`${entry.name} is decided by the provider's own health checks, and needs no mark`];
  if (entry.foreign !== null) return [`${entry.name} bears somebody's words: ${entry.foreign}`];
  return entry.leadsTo === null ? [`${entry.name} leads to no region of the configuration: ${entry.value}`] : [];
}

/** On the shadow entry alone: nobody resolves it, so the block between two flips does not count there. */
async function rehearse(parts: RegionOrderParts, { to, ...order }: Order & { readonly to: RegionName }): Promise<RehearsalResult> {
  const { opened, plan, clock } = parts;
  const shadow = opened.shadow;
  if (shadow === null) return refused("NOTHING_TO_DO", "no shadow record is configured: failover.cloudflare.shadow, or the one of your provider");
  if (rankOf(plan, to) === -1) return refused("UNKNOWN_TARGET", `there is no region ${to}; there are: ${plan.regions.map(({ name }) => name).join(", ")}`);
  try {
    const [entry] = await inTime(clock, ORDER_MS, (signal) => shadow.read(signal));
    if (entry === undefined) return refused("FAILED", "the provider has no shadow entry");
    if (entry.leadsTo === to) return refused("NOTHING_TO_DO", `${entry.name} leads to ${to} already`);
    const ordered = { entry, to, mark: markOf(parts, to, (entry.mark?.epoch ?? 0) + 1) };
    if (order.dryRun) return { kind: "would", text: [`would lead ${entry.name} to ${to}`, ...shadow.calls(ordered).map(callText)].join("\n") };
    const began = clock.now();
    const outcome = await inTime(clock, ORDER_MS, (signal) => shadow.switch(ordered, signal));
    if (outcome.kind !== "switched") return refused("FAILED", `${entry.name} was ${outcome.kind}: it now holds ${outcome.found.value}`);
    const tookMs = clock.now() - began;
    await record(parts, order, "drill", `rehearsed: ${entry.name} leads to ${to} after ${Math.round(tookMs)} ms`);
    const written = opened.shadowRecord;
    return { kind: "done", name: written?.name ?? entry.name, type: written?.type ?? "", from: entry.leadsTo, to, value: written === null || written.proxied ? null : (written.values[to] ?? null), tookMs };
  } catch (error) {
    return refused("FAILED", messageOf(error));
  }
}

function markOf({ plan, clock }: RegionOrderParts, region: RegionName, epoch: number): RegionMark {
  return { site: plan.site, region, epoch, flippedAt: Math.max(0, Math.floor(clock.wall() / 1_000)) };
}

async function record({ ledger, clock, here, problem }: RegionOrderParts, { who, why }: Order, command: string, text: string): Promise<void> {
  // Not being able to write it must not undo what was done.
  await ledger.append({ at: clock.now(), kind: "manual", target: `region/${here}`, subject: command, text: `${text}: ${why}`, who, actionId: "", details: {}, foldKey: "" }).catch((error: unknown) => problem(`${who}'s order (${command}) could not be written to the ledger: ${messageOf(error)}`));
}

const callText = ({ method, url, body }: ProviderCall): string => `${method} ${url}${body === null ? "" : ` ${body}`}`;

function messageOf(error: unknown): string {
  if (error instanceof TrafficError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
