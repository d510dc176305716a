/**
 * Who is told, and once: one alert per incident.
 *
 * An incident of a look opens when its verdict turns bad and nothing explains it, and
 * ends when it is healthy again. It notifies at once and pages when a critical look
 * stays unhealthy for a minute, because most incidents are over by then, recovered. While
 * a dependency may be about to explain it, or was the explanation a moment ago, it waits
 * a little: one outage is told once, and about its cause.
 * Flapping and blindness are incidents of their own. Open incidents are stored, so
 * that a restart of ours neither repeats nor forgets them. One whose look nobody makes any
 * more (the check was removed, disabled, or points elsewhere) can never turn healthy: it is over.
 */
import { alertKey } from "../core/alert-key.ts";
import type { Alert, AlertSeverity } from "../core/alert.ts";
import type { LookStatus } from "../core/status.ts";
import type { LookKey, TargetId } from "../core/target.ts";
import { SITE, splitLookKey } from "../core/target.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { AlertOutbox } from "../ports/alert-outbox.ts";
import type { StateStore } from "../ports/state-store.ts";
import { parseIncident } from "./incident-json.ts";
import type { Incident, IncidentReason } from "./incident-json.ts";
import type { Recorder } from "./record.ts";
import { messageOf } from "./record.ts";

/** A critical look unhealthy for this long pages. */
export const PAGE_AFTER_MS: Ms = 60_000;
/** Longest wait for an explanation that may be coming, or for a look to recover after its explanation is gone. */
export const EXPLAIN_MS: Ms = 30_000;
/** Where open incidents are stored: "incident/REASON/LOOK". */
export const INCIDENT_PREFIX = "incident/";
const MAX_INCIDENTS = 5_000;

export type AlertRoutes = { readonly page: string | null; readonly notify: string | null };

export type IncidentParts = {
  readonly site: string;
  readonly routes: AlertRoutes;
  /** Base of runbook links, without a trailing slash. */
  readonly runbooks: string;
  readonly store: StateStore;
  readonly outbox: AlertOutbox;
  readonly recorder: Recorder;
  /** A person works on it: nothing is sent but the end. */
  readonly acknowledged: (look: LookStatus, now: Instant) => boolean;
  /** Why nobody looks at it any more; null: somebody does. */
  readonly notLooked: (check: string, target: TargetId) => string | null;
};

export type Reviewed = {
  /** Freezes what the verdict would say. */
  readonly flapping: boolean;
  /** A declared dependency may explain the look in a moment. */
  readonly doubted: boolean;
};

export interface Incidents {
  /** Reads what was open when the last process (or configuration) ended, and ends what nobody looks at any more. @throws {StateStoreError} */
  load(now: Instant): Promise<void>;
  /** After each judged look: opens, worsens, pages, resolves. */
  review(look: LookStatus, about: Reviewed, now: Instant): void;
  flapping(look: LookStatus, flapping: boolean, now: Instant): void;
  /** `detail` null: we see again. */
  blind(look: LookStatus, detail: string | null, now: Instant): void;
  network(lostSince: Instant | null, now: Instant): void;
  /** Nobody makes some looks any more: what was open about them is over. */
  settle(now: Instant): void;
  /** The store has begun anew: writes what is open once more. @returns how many, for people. @throws {StateStoreError} */
  rewrite(now: Instant): Promise<string>;
  /** Resolves when everything on its way is stored. */
  flush(): Promise<void>;
}

export function createIncidents(parts: IncidentParts): Incidents {
  return new OpenIncidents(parts);
}

class OpenIncidents implements Incidents {
  readonly #parts: IncidentParts;
  readonly #open = new Map<string, Incident>();
  readonly #saving = new Map<string, Promise<void>>();
  /** Ill looks that wait for an explanation, or had one: since when it is waited, and whether they had. */
  readonly #waiting = new Map<LookKey, { readonly from: Instant; readonly explained: boolean }>();

  constructor(parts: IncidentParts) {
    this.#parts = parts;
  }

  async load(now: Instant): Promise<void> {
    for (const row of await this.#parts.store.list(INCIDENT_PREFIX, MAX_INCIDENTS)) {
      const incident = parseIncident(row.value);
      if (incident === null) this.#parts.recorder.troubled({ at: now, where: "state", detail: `stored incident ${row.key} cannot be understood; it is left where it is` });
      else this.#open.set(row.key.slice(INCIDENT_PREFIX.length), incident);
    }
    this.settle(now);
  }

  settle(now: Instant): void {
    for (const [id, incident] of [...this.#open]) this.#endUnlooked(id, incident, now);
    for (const key of this.#waiting.keys()) {
      const { check, target } = splitLookKey(key);
      if (this.#parts.notLooked(check, target) !== null) this.#waiting.delete(key);
    }
  }

  review(look: LookStatus, { flapping, doubted }: Reviewed, now: Instant): void {
    // The usual look: nothing is open, nothing waits.
    if (look.verdict === "healthy" && this.#open.size === 0 && this.#waiting.size === 0) return;
    const id = idOf("check_unhealthy", look.key);
    if (look.verdict === "healthy") {
      this.#waiting.delete(look.key);
      return this.#resolve(id, now);
    }
    if (look.suppressedBy !== null) return void this.#waiting.set(look.key, { from: now, explained: true });
    if (look.verdict === "unknown" || flapping) return;
    const startedAt = this.#open.get(id)?.startedAt ?? look.since;
    const wait = this.#waiting.get(look.key) ?? (doubted && !this.#open.has(id) ? { from: now, explained: false } : undefined);
    if (wait !== undefined) this.#waiting.set(look.key, wait);
    if (wait !== undefined && now - wait.from < EXPLAIN_MS && (doubted || wait.explained)) return;
    // The time it was explained does not count against it.
    const countsFrom = wait?.explained === true ? Math.max(startedAt, wait.from) : startedAt;
    const page = look.critical && look.verdict === "unhealthy" && now - countsFrom >= PAGE_AFTER_MS;
    const summary = `${look.check} of ${look.target} is ${look.verdict}`;
    this.#raise(id, about(look, "check_unhealthy", startedAt, page ? "page" : "notify", summary), now, this.#parts.acknowledged(look, now));
  }

  flapping(look: LookStatus, flapping: boolean, now: Instant): void {
    const id = idOf("check_flapping", look.key);
    if (!flapping) return this.#resolve(id, now);
    this.#raise(id, about(look, "check_flapping", now, "notify", `${look.check} of ${look.target} flaps: actions on it are frozen`), now, this.#parts.acknowledged(look, now));
  }

  blind(look: LookStatus, detail: string | null, now: Instant): void {
    const id = idOf("cannot_see", look.key);
    if (detail === null) return this.#resolve(id, now);
    this.#raise(id, about(look, "cannot_see", now, "notify", `${look.check} of ${look.target} cannot be looked at: ${detail}`), now, this.#parts.acknowledged(look, now));
  }

  network(lostSince: Instant | null, now: Instant): void {
    const id = idOf("no_network", SITE);
    if (lostSince === null) return this.#resolve(id, now);
    const incident: Incident = { reason: "no_network", check: "connectivity", target: SITE, startedAt: lostSince, severity: "notify", summary: "no reference host answers from here: remote checks cannot see", told: [] };
    this.#raise(id, incident, now, false);
  }

  async rewrite(now: Instant): Promise<string> {
    // Asked for in its turn: by then one may be over.
    const again = (id: string) => async () => {
      const incident = this.#open.get(id);
      if (incident !== undefined) await this.#parts.store.put(INCIDENT_PREFIX + id, JSON.stringify(incident));
    };
    await Promise.all([...this.#open.keys()].map((id) => this.#inOrder(id, again(id), now)));
    return `open incidents: ${this.#open.size}`;
  }

  async flush(): Promise<void> {
    while (this.#saving.size > 0) await Promise.all(this.#saving.values());
  }

  #raise(id: string, incident: Incident, now: Instant, quiet: boolean): void {
    const before = this.#open.get(id);
    const merged = before === undefined ? incident : { ...before, severity: incident.severity, summary: incident.summary };
    const news = !quiet && !merged.told.includes(merged.severity);
    if (before !== undefined && !news) return;
    if (before === undefined && this.#open.size >= MAX_INCIDENTS) return this.#parts.recorder.troubled({ at: now, where: "alerts", detail: `${MAX_INCIDENTS} incidents are open already` });
    const next = news ? { ...merged, told: [...merged.told, merged.severity] } : merged;
    this.#open.set(id, next);
    void this.#inOrder(id, () => this.#parts.store.put(INCIDENT_PREFIX + id, JSON.stringify(next)), now);
    if (news) this.#tell(next, "firing", now);
  }

  #resolve(id: string, now: Instant, why: string | null = null): void {
    const incident = this.#open.get(id);
    if (incident === undefined) return;
    this.#open.delete(id);
    void this.#inOrder(id, () => this.#parts.store.delete(INCIDENT_PREFIX + id), now);
    this.#tell(incident, "resolved", now, why);
  }

  /** Its own line in the ledger: no verdict says that it is over, and perhaps nobody was told of it. */
  #endUnlooked(id: string, { reason, check, target, summary }: Incident, now: Instant): void {
    const why = reason === "no_network" ? null : this.#parts.notLooked(check, target);
    if (why === null) return;
    this.#parts.recorder.incidentEnded({ at: now, check, target, summary, why });
    this.#resolve(id, now, why);
  }

  #tell(incident: Incident, state: Alert["state"], now: Instant, why: string | null = null): void {
    const common = alertOf(incident, this.#parts, state, now, why);
    for (const severity of state === "firing" ? [incident.severity] : incident.told) this.#send({ ...common, severity });
  }

  #send(alert: Alert): void {
    const { routes, recorder, outbox } = this.#parts;
    const route = alert.severity === "page" ? (routes.page ?? routes.notify) : routes.notify;
    if (route === null) return;
    recorder.alerted({ at: alert.at, route, alert, delivery: { kind: "queued" } });
    void this.#inOrder(`alert ${alert.key}`, () => outbox.enqueue(route, alert), alert.at);
  }

  /** Writes of one key keep their order. A failure is told, and rejects for whoever waits. */
  #inOrder(id: string, write: () => Promise<unknown>, now: Instant): Promise<unknown> {
    const written = (this.#saving.get(id) ?? Promise.resolve()).then(write);
    const done = written.then(
      () => undefined,
      (error: unknown) => this.#parts.recorder.troubled({ at: now, where: "state", detail: messageOf(error) }),
    );
    this.#saving.set(id, done);
    void done.then(() => {
      if (this.#saving.get(id) === done) this.#saving.delete(id);
    });
    return written;
  }
}

function about(look: LookStatus, reason: IncidentReason, startedAt: Instant, severity: AlertSeverity, summary: string): Incident {
  return { reason, check: look.check, target: look.target, startedAt, severity, summary, told: [] };
}

function idOf(reason: IncidentReason, key: LookKey): string {
  return `${reason}/${key}`;
}

/** @param why it is over although nothing turned healthy; null: what it was about is well again. */
function alertOf(incident: Incident, { site, runbooks }: Pick<IncidentParts, "site" | "runbooks">, state: Alert["state"], at: Instant, why: string | null): Omit<Alert, "severity"> {
  const { reason, check, target, startedAt, summary } = incident;
  const subject = reason === "check_unhealthy" ? `${check}@${target}` : `${reason}:${check}@${target}`;
  return {
    key: alertKey(site, subject, startedAt),
    state,
    site,
    target,
    reason,
    summary: state === "resolved" ? `over: ${summary}${why === null ? "" : `; ${why}`}` : summary,
    startedAt,
    at,
    runbook: `${runbooks}/${reason.replaceAll("_", "-")}.md`,
    details: { check },
  };
}
