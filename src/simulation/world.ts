/**
 * The simulated world: processes that run or do not, what is wrong with each, and the
 * outside they depend on. It answers requests; it knows nothing of checks or policies.
 */
import type { TargetId } from "../core/target.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { ProcessRef } from "../ports/processes.ts";
import type { Random } from "../ports/random.ts";
import type { ScenarioEvent } from "./scenario.ts";

/** Faults that a process or the outside has for a while. */
export type LastingFault = Exclude<ScenarioEvent, { fault: "exit" | "clock_jump" | "pause" | "acknowledge" | "manual_restart" }>;

export type SimProcess = { readonly ref: ProcessRef; readonly intentId: string; readonly startedAt: Instant; readonly readyAt: Instant };

/** What a request meets. */
export type Reply =
  | { readonly kind: "answer"; readonly status: number; readonly afterMs: Ms; readonly body: string; readonly headers: Readonly<Record<string, string>> }
  | { readonly kind: "refused" }
  | { readonly kind: "no_network" }
  /** Accepted, never answered. */
  | { readonly kind: "silent" };

export type WorldParts = {
  readonly clock: Clock;
  readonly random: Random;
  readonly targets: readonly TargetId[];
  readonly bootMs: Ms;
  /** Texts that a good page holds. */
  readonly pageTexts: readonly string[];
  readonly apiVersion: string;
  readonly exited: (target: TargetId, ref: ProcessRef, detail: string) => void;
  readonly started: (target: TargetId, process: SimProcess) => void;
};

const PAGE_MS: Ms = 80;
const HEALTH_MS: Ms = 12;
const API_MS: Ms = 60;

export class World {
  readonly #parts: WorldParts;
  readonly #processes = new Map<TargetId, SimProcess>();
  /** Each with the processes it has struck: a new process does not have what a restart cures. */
  readonly #faults = new Set<{ readonly fault: LastingFault; readonly struck: ReadonlyMap<TargetId, number> }>();
  readonly #cannotStart = new Set<TargetId>();
  #pids = 1_000;

  constructor(parts: WorldParts) {
    this.#parts = parts;
  }

  /** The processes that ran before anybody looked. */
  begin(): void {
    for (const target of this.#parts.targets) this.#processes.set(target, this.#fresh("", this.#parts.clock.now() - 3_600_000));
  }

  targets(): readonly TargetId[] {
    return this.#parts.targets;
  }

  process(target: TargetId): SimProcess | null {
    return this.#processes.get(target) ?? null;
  }

  start(target: TargetId, intentId: string): ProcessRef {
    const { clock } = this.#parts;
    const process = this.#fresh(intentId, clock.now());
    this.#processes.set(target, process);
    this.#parts.started(target, process);
    const after = this.#cannotStart.has(target) ? 50 : this.#crashesAfter(target);
    if (after !== null) clock.after(after, () => this.#exitIf(target, process.ref, "exited with code 1"));
    return process.ref;
  }

  /** Ends a target's process; nothing when none runs. */
  exit(target: TargetId, detail: string): void {
    const process = this.#processes.get(target);
    if (process === undefined) return;
    this.#processes.delete(target);
    this.#parts.exited(target, process.ref, detail);
  }

  forbidStart(target: TargetId): void {
    this.#cannotStart.add(target);
  }

  /** A fault begins. Returns a function that ends it. */
  strike(fault: LastingFault): () => void {
    const targets = "target" in fault ? this.#expand(fault.target) : [];
    const struck = new Map(targets.map((target) => [target, this.#processes.get(target)?.ref.pid ?? 0]));
    const entry = { fault, struck };
    this.#faults.add(entry);
    if (fault.fault === "crash_loop") for (const target of targets) this.exit(target, "exited with code 1");
    return () => void this.#faults.delete(entry);
  }

  networkGone(): boolean {
    return this.#has("network_gone") !== undefined;
  }

  /** What a health route answers. */
  health(target: TargetId): Reply {
    const usage = this.#faultOf(target, "usage");
    const figures = { memory_usage: usage?.memory ?? 41, cpu_usage: usage?.cpu ?? 23 };
    return this.#reply(target, HEALTH_MS, () => json(200, HEALTH_MS, { status: "ok", ...figures }));
  }

  /** What any page answers. */
  page(target: TargetId): Reply {
    return this.#reply(target, PAGE_MS, () => {
      // Hydrogen takes a throttled answer for a product that is not there.
      if (this.#has("storefront_api_throttled") !== undefined) return html(404, PAGE_MS, "<!doctype html><html><body>Not Found</body></html>");
      // A page is rendered from the API's answer, so without it there is none.
      const broken = this.#faultOf(target, "broken_pages") !== undefined || this.#has("storefront_api_down") !== undefined || this.networkGone();
      if (broken) return html(500, PAGE_MS, "<!doctype html><html><body>Unexpected Server Error</body></html>");
      return html(200, PAGE_MS, `<!doctype html><html><body>${this.#parts.pageTexts.join("\n")}</body></html>`);
    });
  }

  storefrontApi(): Reply {
    if (this.networkGone()) return { kind: "no_network" };
    if (this.#has("storefront_api_down") !== undefined) return json(503, API_MS, { errors: [{ message: "Service Unavailable" }] });
    if (this.#has("storefront_api_throttled") !== undefined) return json(200, API_MS, { errors: [{ message: "Throttled", extensions: { code: "THROTTLED" } }] });
    const slow = this.#has("storefront_api_slow");
    return json(200, API_MS + (slow?.by ?? 0), { data: { shop: { name: "Simulated" } } }, { "x-shopify-api-version": this.#parts.apiVersion });
  }

  #reply(target: TargetId, usualMs: Ms, usual: () => Reply): Reply {
    const process = this.#processes.get(target);
    if (process === undefined || this.#parts.clock.now() < process.readyAt) return { kind: "refused" };
    if (this.#faultOf(target, "hang") !== undefined) return { kind: "silent" };
    const status = this.#faultOf(target, "status");
    const flaky = this.#faultOf(target, "flaky");
    const failed = status?.code ?? (flaky !== undefined && this.#parts.random.next() * 100 < flaky.share ? 500 : null);
    const reply = failed === null ? usual() : html(failed, usualMs, "<!doctype html><html><body>Error</body></html>");
    const slow = this.#faultOf(target, "slow");
    return reply.kind === "answer" && slow !== undefined ? { ...reply, afterMs: reply.afterMs + slow.by } : reply;
  }

  #has<K extends LastingFault["fault"]>(kind: K): Extract<LastingFault, { fault: K }> | undefined {
    for (const { fault } of this.#faults) if (isKind(fault, kind)) return fault;
    return undefined;
  }

  #faultOf<K extends LastingFault["fault"]>(target: TargetId, kind: K): Extract<LastingFault, { fault: K }> | undefined {
    const pid = this.#processes.get(target)?.ref.pid;
    for (const { fault, struck } of this.#faults) {
      if (!isKind(fault, kind) || !struck.has(target)) continue;
      const cured = "cured_by_restart" in fault && fault.cured_by_restart && struck.get(target) !== pid;
      if (!cured) return fault;
    }
    return undefined;
  }

  #crashesAfter(target: TargetId): Ms | null {
    return this.#faultOf(target, "crash_loop")?.after ?? null;
  }

  #exitIf(target: TargetId, ref: ProcessRef, detail: string): void {
    const still = this.#crashesAfter(target) !== null || this.#cannotStart.has(target);
    if (still && this.#processes.get(target)?.ref.pid === ref.pid) this.exit(target, detail);
  }

  #fresh(intentId: string, startedAt: Instant): SimProcess {
    this.#pids += 1;
    return { ref: { pid: this.#pids, startTime: String(startedAt) }, intentId, startedAt, readyAt: startedAt + this.#parts.bootMs };
  }

  #expand(target: string | readonly string[]): readonly TargetId[] {
    const names = typeof target === "string" ? [target] : target;
    return names.includes("all") ? this.#parts.targets : names;
  }
}

function isKind<K extends LastingFault["fault"]>(fault: LastingFault, kind: K): fault is Extract<LastingFault, { fault: K }> {
  return fault.fault === kind;
}

function json(status: number, afterMs: Ms, body: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return { kind: "answer", status, afterMs, body: JSON.stringify(body), headers: { "content-type": "application/json", ...headers } };
}

function html(status: number, afterMs: Ms, body: string): Reply {
  return { kind: "answer", status, afterMs, body, headers: { "content-type": "text/html" } };
}
