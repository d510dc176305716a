/**
 * Commands that talk to a running daemon: `status`, `why`, `ledger`, `ack`, `pause`, `resume`, `restart`.
 */
import type { Command } from "commander";
import type { LedgerEntry } from "../core/ledger-entry.ts";
import type { Snapshot, WhyView } from "../core/snapshot.ts";
import { parseDuration } from "../core/time.ts";
import { sleep } from "../ports/clock.ts";
import type { Api } from "./api.ts";
import { ledgerText, statusText, whyText } from "./show-status.ts";
import { ExitError, printJson, type Terminal } from "./terminal.ts";

/** Runs one command against the daemon and closes the connection after it. */
export type WithApi = (command: Command, run: (api: Api) => Promise<void>) => Promise<void>;

const FOLLOW_EVERY_MS = 1_000;

export function addReadingCommands(program: Command, terminal: Terminal, withApi: WithApi): void {
  program
    .command("status")
    .description("the site's state: checks, breakers, policies, what is under way")
    .option("--json", "stable output for scripts")
    .action(async (options: { json?: boolean }, command: Command) => {
      await withApi(command, async (api) => {
        const snapshot = (await api.get("/api/v1/status")) as Snapshot;
        if (options.json === true) printJson(terminal, snapshot);
        else terminal.out(statusText(snapshot, terminal.paint));
      });
    });
  program
    .command("why")
    .argument("<target>", 'a target, or "site"')
    .description("why a target is as it is, and what happens next")
    .option("--json", "stable output for scripts")
    .action(async (target: string, options: { json?: boolean }, command: Command) => {
      await withApi(command, async (api) => {
        const view = (await api.get(`/api/v1/why/${encodeURIComponent(target)}`)) as WhyView;
        if (options.json === true) printJson(terminal, view);
        else terminal.out(whyText(view, terminal.paint));
      });
    });
  program
    .command("ledger")
    .description("decisions, actions and why-nots, oldest first")
    .option("--since <duration>", 'how far back, such as "24h"', "24h")
    .option("--target <target>", "only this target")
    .option("--kind <kind>", "only entries of this kind: decision, hold, intent, outcome, …")
    .option("--follow", "stay and print what is added")
    .option("--json", "stable output for scripts; with --follow one document a line")
    .action((options: LedgerOptions, command: Command) => withApi(command, (api) => ledger(api, options, terminal)));
}

type LedgerOptions = { readonly since: string; readonly target?: string; readonly kind?: string; readonly follow?: boolean; readonly json?: boolean };

async function ledger(api: Api, options: LedgerOptions, terminal: Terminal): Promise<void> {
  const since = terminal.clock.now() - durationOption("--since", options.since);
  const filters = new URLSearchParams({ since: String(Math.max(0, Math.floor(since))), limit: "10000" });
  if (options.target !== undefined) filters.set("target", options.target);
  if (options.kind !== undefined) filters.set("kind", options.kind);
  const fetchAfter = async (seq: number): Promise<readonly LedgerEntry[]> => {
    if (seq > 0) filters.set("after", String(seq));
    return ((await api.get(`/api/v1/ledger?${filters.toString()}`)) as { entries: LedgerEntry[] }).entries;
  };
  let entries = await fetchAfter(0);
  if (options.follow !== true) {
    if (options.json === true) printJson(terminal, { entries });
    else terminal.out(entries.length === 0 ? "nothing in the ledger for that time\n" : ledgerText(entries, terminal.paint));
    return;
  }
  const stop = terminal.stopSignal();
  let last = 0;
  let away = false;
  while (!stop.aborted) {
    terminal.out(options.json === true ? entries.map((entry) => `${JSON.stringify(entry)}\n`).join("") : ledgerText(entries, terminal.paint));
    last = entries.at(-1)?.seq ?? last;
    await sleep(terminal.clock, FOLLOW_EVERY_MS, stop);
    if (stop.aborted) return;
    try {
      entries = await fetchAfter(last);
      away = false;
    } catch (error) {
      // A daemon that restarts or takes another configuration comes back: whoever follows waits for it.
      if (!(error instanceof ExitError)) throw error;
      if (!away) terminal.err(`${error.message}\n`);
      away = true;
      entries = [];
    }
  }
}

export function addOrderCommands(program: Command, terminal: Terminal, withApi: WithApi): void {
  const order = (name: string, about: string): Command =>
    program
      .command(name)
      .description(about)
      .requiredOption("--why <reason>", "the reason, for the ledger")
      .option("--dry-run", "say what would happen, do nothing")
      .option("--json", "stable output for scripts");
  const send = (command: Command, options: OrderOptions, path: string, body: Readonly<Record<string, unknown>>): Promise<void> =>
    withApi(command, async (api) => {
      const answer = (await api.post(`/api/v1/${path}`, { why: options.why, dry_run: options.dryRun === true, ...body })) as { readonly text: string };
      if (options.json === true) printJson(terminal, answer);
      else terminal.out(`${answer.text}\n`);
    });

  order("ack", "say that you have seen it: alerts for it stop until it is healthy again")
    .argument("<target>", "the target")
    .option("--check <check>", "only this check of it")
    .option("--for <duration>", 'at most this long, such as "2h"')
    .action((target: string, options: OrderOptions & { check?: string; for?: string }, command: Command) =>
      send(command, options, "ack", { target, ...given("check", options.check), ...given("for", checkedDuration("--for", options.for)) }),
    );
  order("pause", "no recovery actions for a while")
    .argument("<scope>", "all, policy:NAME or target:NAME")
    .option("--for <duration>", 'how long, such as "30m"; until resumed when left out')
    .action((scope: string, options: OrderOptions & { for?: string }, command: Command) => send(command, options, "pause", { scope, ...given("for", checkedDuration("--for", options.for)) }));
  order("resume", "end a pause")
    .argument("<scope>", "all, policy:NAME or target:NAME")
    .action((scope: string, options: OrderOptions, command: Command) => send(command, options, "resume", { scope }));
  order("restart", "restart a target now; cool-downs and modes do not count, safety does")
    .argument("<target>", "the target")
    .action((target: string, options: OrderOptions, command: Command) => send(command, options, "restart", { target }));
}

type OrderOptions = { readonly why: string; readonly dryRun?: boolean; readonly json?: boolean };

function given(key: string, value: string | undefined): Readonly<Record<string, string>> {
  return value === undefined ? {} : { [key]: value };
}

function checkedDuration(option: string, text: string | undefined): string | undefined {
  if (text !== undefined) durationOption(option, text);
  return text;
}

function durationOption(option: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new ExitError(2, `${option}: a duration such as "30m" or "24h" was expected, not "${text}"`);
  return ms;
}
