/**
 * Every decision in the ledger, with its reason, once: a hold that is repeated every
 * two seconds is one entry with a count.
 */
import type { NewLedgerEntry } from "../core/ledger-entry.ts";
import type { Decision } from "../core/proposal.ts";
import type { Scene } from "../core/scene.ts";
import type { HoldView } from "../core/snapshot.ts";
import type { TargetId } from "../core/target.ts";
import type { Instant } from "../core/time.ts";
import type { Decided } from "../ports/events.ts";
import type { Ledger } from "../ports/ledger.ts";

export interface DecisionLog {
  /** The answers to all proposals of one step, made in `scene`; what is missing is not proposed any more. Never waits. */
  record(decisions: readonly Decision[], scene: StepScene): void;
  holds(): readonly HoldView[];
  flush(): Promise<void>;
}

/** What is read of the scene the decisions were made in. */
type StepScene = Pick<Scene, "now" | "openActions">;

type Parts = { readonly ledger: Ledger; readonly decided: (event: Decided) => void; readonly troubled: (detail: string) => void };

/** Entries on their way; beyond it the newest is dropped and told as trouble. */
const MAX_PENDING = 1_000;

export function createDecisionLog({ ledger, decided, troubled }: Parts): DecisionLog {
  let holds = new Map<string, HoldView>();
  /** The ledger folds into the newest hold of a target only, so only that one is counted on. */
  const newest = new Map<TargetId, string>();
  const pending = new Set<Promise<void>>();

  const write = (entry: NewLedgerEntry): void => {
    if (pending.size >= MAX_PENDING) return troubled(`${MAX_PENDING} entries wait already; dropped: ${entry.text}`);
    const written = ledger.append(entry).then(
      () => undefined,
      (error: unknown) => troubled(error instanceof Error ? error.message : String(error)),
    );
    pending.add(written);
    void written.finally(() => pending.delete(written));
  };

  return {
    record: (decisions, scene) => {
      const at = scene.now;
      const now = new Map<string, HoldView>();
      for (const decision of decisions) {
        if (isAnswered(decision, scene)) continue;
        const { policy, target } = decision.proposal;
        const before = holds.get(`${policy}|${target}`);
        const repeated = decision.kind === "hold" && before?.guard === decision.guard;
        const entry = entryOf(decision, at);
        if (decision.kind === "hold") now.set(`${policy}|${target}`, { policy, target, guard: decision.guard, reason: decision.reason, at: repeated ? before.at : at, until: decision.until });
        decided({ at, decision, repeated });
        if (repeated && newest.get(target) !== entry.foldKey) continue;
        if (decision.kind === "hold") newest.set(target, entry.foldKey);
        write(entry);
      }
      holds = now;
      const held = new Set([...now.values()].map((hold) => hold.target));
      for (const target of newest.keys()) if (!held.has(target)) newest.delete(target);
    },
    holds: () => [...holds.values()],
    flush: async () => {
      while (pending.size > 0) await Promise.all(pending);
    },
  };
}

/** The action that this proposal led to is under way: that was its answer. */
function isAnswered(decision: Decision, scene: StepScene): boolean {
  const { target, workload, cause } = decision.proposal;
  if (decision.kind !== "hold" || decision.guard !== "in_flight") return false;
  return scene.openActions.some((open) => open.target === target && open.workload === workload && open.cause === cause);
}

function entryOf(decision: Decision, at: Instant): NewLedgerEntry {
  const { proposal } = decision;
  const common = { at, target: proposal.target, subject: proposal.policy, who: "shopkeeper", actionId: "" };
  const about = { action: proposal.action, remedy: proposal.remedy, cause: proposal.cause, evidence: proposal.evidence, since: proposal.since };
  switch (decision.kind) {
    case "act":
      return { ...common, kind: "decision", text: `${proposal.action}, attempt ${decision.attempt}: ${proposal.why}`, details: { ...about, attempt: decision.attempt }, foldKey: "" };
    case "hold":
      return {
        ...common, kind: "hold", text: `${proposal.action} held (${decision.guard}): ${decision.reason}`,
        // An incident's holds are counted together; the next incident is news.
        details: { ...about, guard: decision.guard, until: decision.until, why: proposal.why }, foldKey: `${proposal.policy}|${proposal.cause}|${decision.guard}`,
      };
    case "escalate":
      return { ...common, kind: "escalation", text: `${decision.alert} is called: ${decision.reason}. ${proposal.why}`, details: { ...about, guard: decision.guard, route: decision.alert }, foldKey: "" };
  }
}
