/**
 * One place per event: log and metric (through `Events`), ledger and subscribers
 * are told together, so that they cannot tell different stories.
 *
 * Telling never waits and never fails the caller: what cannot be written is told as
 * trouble. What must be durable before something happens (intents) is not written here.
 */
import { describeLoss } from "../core/gateway-view.ts";
import type { NewLedgerEntry } from "../core/ledger-entry.ts";
import type { Observation } from "../core/observation.ts";
import type { StatusCause } from "../core/status.ts";
import type { TargetId } from "../core/target.ts";
import { podName, SITE } from "../core/target.ts";
import type { Instant, Ms } from "../core/time.ts";
import { formatDuration } from "../core/time.ts";
import type { BreakerChanged, Commanded, ConnectivityChanged, EventListener, Events, FlappingChanged, Observed, QuarantineChanged, StatusChanged, Troubled, VerdictChanged, WorkerLost } from "../ports/events.ts";
import { eventsTo } from "../ports/events.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ledger } from "../ports/ledger.ts";

/** Ledger entries on their way; beyond it the newest is dropped and told as trouble. */
const MAX_PENDING = 1_000;
const MAX_LISTENERS = 100;

export interface Recorder extends Events {
  subscribe(listener: EventListener): () => void;
  /** A policy has taken back what it held, because its checks are healthy again. */
  lifted(policy: string, checks: readonly string[], at: Instant): void;
  /** An incident is over although nothing turned healthy. */
  incidentEnded(event: { readonly at: Instant; readonly check: string; readonly target: TargetId; readonly summary: string; readonly why: string }): void;
  /** Resolves when every entry on its way has been written or has failed. */
  flush(): Promise<void>;
}

export function createRecorder(parts: { readonly events: Events; readonly ledger: Ledger; readonly clock: Clock }): Recorder {
  const { events, ledger, clock } = parts;
  const listeners = new Set<Events>();
  const pending = new Set<Promise<void>>();

  const tell = (say: (to: Events) => void): void => {
    say(events);
    for (const listener of listeners) say(listener);
  };
  const trouble = (where: Troubled["where"], detail: string): void => tell((to) => to.troubled({ at: clock.now(), where, detail }));
  const write = (entry: Entry): void => {
    if (pending.size >= MAX_PENDING) return trouble("ledger", `${MAX_PENDING} entries wait already; dropped: ${entry.text}`);
    const written = ledger.append({ who: "shopkeeper", actionId: "", details: {}, foldKey: "", ...entry }).then(
      () => undefined,
      (error: unknown) => trouble("ledger", messageOf(error)),
    );
    pending.add(written);
    void written.then(() => pending.delete(written));
  };

  return {
    observed: (event) => {
      tell((to) => to.observed(event));
      ledger.observe(recordOf(event));
    },
    verdictChanged: (event) => {
      tell((to) => to.verdictChanged(event));
      if (!isFirstGoodWord(event)) write(verdictEntry(event));
    },
    statusChanged: (event) => {
      tell((to) => to.statusChanged(event));
      write(statusEntry(event));
    },
    flappingChanged: (event) => {
      tell((to) => to.flappingChanged(event));
      write(flappingEntry(event));
    },
    alerted: (event) => {
      tell((to) => to.alerted(event));
      const { alert, route, delivery } = event;
      write({ at: event.at, kind: "alert", target: alert.target, subject: route, text: `${alert.state}, ${alert.severity}: ${alert.summary}`, details: { key: alert.key, reason: alert.reason, delivery: delivery.kind } });
    },
    breakerChanged: (event) => {
      tell((to) => to.breakerChanged(event));
      write(breakerEntry(event));
    },
    quarantineChanged: (event) => {
      tell((to) => to.quarantineChanged(event));
      write(quarantineEntry(event));
    },
    workerLost: (event) => {
      tell((to) => to.workerLost(event));
      write(workerEntry(event));
    },
    commanded: (event) => {
      tell((to) => to.commanded(event));
      write(commandEntry(event));
    },
    connectivityChanged: (event) => {
      tell((to) => to.connectivityChanged(event));
      write(connectivityEntry(event));
    },
    lifted: (policy, checks, at) => write({ at, kind: "note", target: SITE, subject: policy, text: `${policy} takes back what it held: ${checks.join(" and ")} healthy again` }),
    incidentEnded: ({ at, check, target, summary, why }) => write({ at, kind: "note", target, subject: check, text: `no longer an incident: ${summary}; ${why}` }),
    // The recovery loop and the actor write their own entries, some of them durably before they go on.
    decided: (event) => tell((to) => to.decided(event)),
    acted: (event) => tell((to) => to.acted(event)),
    verified: (event) => tell((to) => to.verified(event)),
    troubled: (event) => tell((to) => to.troubled(event)),
    subscribe: (listener) => {
      if (listeners.size >= MAX_LISTENERS) throw new RangeError(`at most ${MAX_LISTENERS} listeners`);
      const entry = eventsTo(listener);
      listeners.add(entry);
      return () => void listeners.delete(entry);
    },
    flush: async () => {
      while (pending.size > 0) await Promise.all(pending);
    },
  };
}

/** What an observation says, in one clause for people. */
export function describeSeen(seen: Observation): string {
  switch (seen.kind) {
    case "pass":
      return `passed in ${formatDuration(seen.tookMs)}`;
    case "warn":
      return `warned (${seen.cause}): ${seen.detail}`;
    case "fail":
      return `failed (${seen.cause}): ${seen.detail}`;
    case "unknown":
      return `could not look (${seen.cause}): ${seen.detail}`;
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A ledger entry whose plain parts are filled in by `write`. */
type Entry = Pick<NewLedgerEntry, "at" | "kind" | "target" | "subject" | "text"> & Partial<NewLedgerEntry>;

function recordOf({ check, target, seen }: Observed): { readonly at: Instant; readonly check: string; readonly target: string; readonly kind: Observation["kind"]; readonly tookMs: Ms } {
  return { at: seen.at, check, target, kind: seen.kind, tookMs: seen.tookMs };
}

/** Of a pod that has come, or that a new leader has come to see, and that is well: thousands of those would push everything else out of the ring. */
function isFirstGoodWord({ from, to, target }: VerdictChanged): boolean {
  return podName(target) !== null && from === "unknown" && to === "healthy";
}

function verdictEntry(event: VerdictChanged): Entry {
  const covered = event.suppressedBy === null ? "" : `; explained by ${event.suppressedBy}`;
  return {
    at: event.at,
    kind: "verdict",
    target: event.target,
    subject: event.check,
    text: `${event.check} is ${event.to} (was ${event.from}): last look ${describeSeen(event.seen)}${covered}`,
    details: { from: event.from, to: event.to, since: event.since, cause: event.seen.kind === "pass" ? "" : event.seen.cause, suppressedBy: event.suppressedBy ?? "" },
  };
}

function statusEntry(event: StatusChanged): Entry {
  const because = event.causes.length === 0 ? "" : `: ${event.causes.slice(0, 5).map(describeCause).join(", ")}`;
  return {
    at: event.at,
    kind: "status",
    target: SITE,
    subject: "",
    text: `the site is ${event.to} (was ${event.from})${because}`,
    details: { from: event.from, to: event.to, causes: event.causes.slice(0, 20).map((cause) => cause.key) },
  };
}

function describeCause({ check, target, verdict }: StatusCause): string {
  return `${check} of ${target} is ${verdict}`;
}

function flappingEntry(event: FlappingChanged): Entry {
  const text = event.flapping
    ? `${event.check} flaps (${Math.round(event.percent)}% change over the last looks): actions on it are frozen`
    : `${event.check} has stopped flapping`;
  return { at: event.at, kind: "note", target: event.target, subject: event.check, text, details: { flapping: event.flapping, percent: event.percent } };
}

function breakerEntry({ at, breaker, why }: BreakerChanged): Entry {
  const held = breaker.hold === null ? "" : ` (held ${breaker.hold.position} by ${breaker.hold.by})`;
  return {
    at,
    kind: "breaker",
    target: SITE,
    subject: breaker.name,
    text: `${breaker.name} is ${breaker.effective}${held}: ${why}`,
    details: { effective: breaker.effective, own: breaker.own },
  };
}

function quarantineEntry({ at, target, requestClass, quarantined, why }: QuarantineChanged): Entry {
  return { at, kind: "quarantine", target, subject: requestClass, text: `"${requestClass}" is ${quarantined ? "not forwarded for now" : "forwarded again"}: ${why}`, details: { quarantined } };
}

/** A worker that is lost again and again in the same way is one entry with a count. */
function workerEntry({ at, worker, loss, detail }: WorkerLost): Entry {
  return {
    at,
    kind: "worker_lost",
    target: SITE,
    subject: "gateway",
    text: `a worker of the gateway ${describeLoss(loss)} and is replaced: ${detail}`,
    details: { loss, worker },
    foldKey: `${loss}|${detail}`,
  };
}

function commandEntry(event: Commanded): Entry {
  return { at: event.at, kind: "manual", target: event.target, subject: event.command, text: event.text, who: event.who };
}

function connectivityEntry({ at, lostSince }: ConnectivityChanged): Entry {
  const text = lostSince === null ? "our own network is back" : "no reference host answers: our own network is gone, so remote checks are unknown";
  return { at, kind: "note", target: SITE, subject: "connectivity", text, details: { lostSince: lostSince ?? 0 } };
}
