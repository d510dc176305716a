/**
 * The region loop of one daemon: looks at all regions, answers what others ask, and while it leads its region decides
 * whether to take over.
 *
 * Whoever composes it calls `step` every `lookEvery`. Both daemons of a region look, so that a new leader does not begin
 * with closed eyes; only the one that leads decides. So the watch is given: it outlives a leadership, and goes on looking
 * by itself where no loop steps.
 */
import { blockedUntil } from "../../core/region/block.ts";
import { fitnessOf, type OwnState } from "../../core/region/fitness.ts";
import { verdictOf, verdictSince } from "../../core/region/outside.ts";
import type { RegionName } from "../../core/region/region.ts";
import { specOf } from "../../core/region/region.ts";
import type { RegionsView } from "../../core/region/view.ts";
import { toldMarks, vetoes, type Heard, type RegionReport } from "../../core/region/report.ts";
import type { ManualOrder, RegionDecision } from "../../core/region/scene.ts";
import type { Ballot, Vote } from "../../core/region/vote.ts";
import type { Instant } from "../../core/time.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { StateStore } from "../../ports/state-store.ts";
import { StateStoreError } from "../../ports/state-store.ts";
import { startRound, type Round } from "./in-time.ts";
import { RegionShift, type Acknowledged, type Commanded, type Facts, type ShiftParts } from "./region-shift.ts";
import { describeStanding, RegionTeller, textOf, type RegionListener } from "./region-told.ts";
import type { RegionWatch } from "./watch.ts";

export type RegionLoopParts = Omit<ShiftParts, "store" | "teller"> & {
  /** With what it has seen so far. */
  readonly watch: RegionWatch;
  readonly ledger: Ledger;
  /** The own region as its checks, its cluster and its verifier know it now. */
  readonly own: () => OwnState;
  /** For log and metric, once per event. */
  readonly told: RegionListener;
};

export class RegionLoop {
  readonly #parts: RegionLoopParts;
  readonly #watch: RegionWatch;
  readonly #teller: RegionTeller;
  readonly #heard = new Map<RegionName, Heard>();
  #sellingSince: Instant | null = null;
  #fitSince: Instant | null = null;
  #shift: RegionShift | null = null;
  #decision: RegionDecision | null = null;
  #stepping = false;

  constructor(parts: RegionLoopParts) {
    this.#parts = parts;
    const { me, clock, ledger, told } = parts;
    this.#watch = parts.watch;
    this.#teller = new RegionTeller({ me, ledger, clock, told });
  }

  /** It leads its region from now on; `store` is the region's, opened for this leadership. */
  begin(store: StateStore): void {
    const { watch: _watch, ledger: _ledger, own: _own, told: _told, ...parts } = this.#parts;
    this.#shift = new RegionShift({ ...parts, store, teller: this.#teller });
  }

  /** It leads no more. What is under way ends by itself, and is the next leader's question. */
  end(): void {
    this.#shift = null;
  }

  leads(): boolean {
    return this.#shift !== null;
  }

  /**
   * One round of looks, and a decision where this daemon leads. A call while one is still under way does nothing.
   * @returns what was decided; null: it does not lead, or could not decide.
   */
  async step(signal: AbortSignal): Promise<RegionDecision | null> {
    if (this.#stepping || signal.aborted) return null;
    this.#stepping = true;
    try {
      await this.#look(signal);
      if (signal.aborted) return null;
      this.#followOwn();
      this.#decision = await this.#decide(signal);
      return this.#decision;
    } finally {
      this.#stepping = false;
    }
  }

  /** What this observer sees, and whose veto it hears, for whoever asks. */
  answer(ballot: Pick<Ballot, "nonce" | "about">): readonly Vote[] {
    return this.#watch.answer(ballot).map((vote) => ({ ...vote, vetoed: vetoes(this.#heard.get(vote.about) ?? null) }));
  }

  /** What this daemon says of its own region, for `/health/region`. */
  report(): RegionReport {
    const { me, own, clock } = this.#parts;
    const state = this.#shift?.state();
    const memory = state?.memory ?? null;
    return {
      ...own(),
      ...(state?.incident ? { parity: state.incident.parity } : {}),
      region: me,
      outside: this.#outside(),
      mark: memory === null ? null : { region: memory.region, epoch: memory.epoch, seenForMs: clock.now() - memory.since },
    };
  }

  /** For people. */
  view(): RegionsView {
    const { plan, me, clock, onlyRecords, traffic } = this.#parts;
    const now = clock.now();
    const standing = this.#shift?.standing() ?? { kind: "unread" as const };
    return {
      here: me,
      leadsTo: standing.kind === "ours" ? standing.leadsTo : null,
      standing: describeStanding(standing),
      epoch: standing.kind === "ours" ? standing.right.epoch : null,
      blockedUntil: this.#blockedUntil(now),
      provider: traffic.kind,
      onlyRecords: onlyRecords(),
      decision: this.#decision === null ? "" : textOf(this.#decision),
      entries: (this.#shift?.entries() ?? []).map(({ name, leadsTo, value }) => ({ name, leadsTo, value })),
      regions: plan.regions.map(({ name, floor }) => {
        const view = this.#watch.views().get(name);
        const said = name === me ? this.report() : (this.#heard.get(name)?.report ?? null);
        return {
          name,
          floor,
          sees: view === undefined ? "unknown" : verdictOf(view, now, plan.rules),
          since: view === undefined ? now : verdictSince(view),
          detail: view?.detail ?? "",
          says: said === null ? null : { status: said.status, selling: said.selling, ready: said.ready, givesUp: said.givesUp, parity: said.parity },
        };
      }),
      observers: this.#shift?.roll().present ?? [],
    };
  }

  /** @returns null where this daemon does not lead its region. */
  async command(order: ManualOrder, signal: AbortSignal, dryRun = false): Promise<Commanded | null> {
    return this.#shift === null ? null : this.#shift.command(order, this.#facts(), signal, dryRun);
  }

  /** Lifts the block after the flip that stands; see RegionShift. @returns "not_leading" where this daemon does not lead its region. */
  async acknowledge(signal: AbortSignal, dryRun = false): Promise<Acknowledged | "not_leading"> {
    return this.#shift === null ? "not_leading" : this.#shift.acknowledge(signal, dryRun);
  }

  /** Resolves once no act is under way. */
  async settled(): Promise<void> {
    await this.#shift?.settled();
  }

  async #decide(signal: AbortSignal): Promise<RegionDecision | null> {
    const shift = this.#shift;
    if (shift === null) return null;
    try {
      return await shift.step(() => this.#facts(), signal);
    } catch (error) {
      this.#teller.troubled("state", error instanceof Error ? error.message : String(error));
      const code = error instanceof StateStoreError ? error.code : null;
      if (code === "CORRUPT") shift.reload();
      if (code === "SUPERSEDED" && this.#shift === shift) this.#shift = null;
      return null;
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { clock, plan } = this.#parts;
    const round = startRound(clock, plan.rules.lookDeadline, signal);
    try {
      await Promise.all([this.#watch.round(round), this.#hear(round)]);
    } finally {
      round.end();
    }
  }

  async #hear(round: Round): Promise<void> {
    const { plan, me, eyes, clock } = this.#parts;
    const hear = async (name: RegionName): Promise<void> => {
      const report = await round.orElse(eyes.report(name, round.signal), () => null);
      this.#heard.set(name, report === null || report.region !== name ? null : { report, at: clock.now() });
    };
    await Promise.all(plan.regions.filter(({ name }) => name !== me).map(({ name }) => hear(name)));
  }

  #followOwn(): void {
    const { own, clock, plan, me } = this.#parts;
    const state = own();
    const now = clock.now();
    this.#sellingSince = state.selling ? (this.#sellingSince ?? now) : null;
    const spec = specOf(plan, me);
    const fit = spec !== undefined && fitnessOf(spec, state, { outside: this.#outside(), parity: state.parity, wholeDown: false }).fit;
    this.#fitSince = fit ? (this.#fitSince ?? now) : null;
  }

  #blockedUntil(now: Instant): Instant | null {
    const { memory = null, acknowledged = 0 } = this.#shift?.state() ?? {};
    return memory === null ? null : blockedUntil(memory, toldMarks(this.#heard), acknowledged, now, this.#parts.plan.rules);
  }

  #outside(): RegionReport["outside"] {
    const { me, clock, plan } = this.#parts;
    const view = this.#watch.views().get(me);
    return view === undefined ? "unknown" : verdictOf(view, clock.now(), plan.rules);
  }

  #facts(): Facts {
    return { views: this.#watch.views(), heard: this.#heard, own: this.#parts.own(), sellingSince: this.#sellingSince, fitSince: this.#fitSince };
  }
}
