/**
 * State was lost: the store was found damaged, set aside, and begun anew.
 *
 * Found at the start, nobody knows any more what was under way, what people had ordered, or what was to be
 * told. Found in use, memory still knows the orders and the incidents: they are written into the new store.
 * Either way a person is called. Told first and forgotten afterwards: a crash between tells it again, under the same key.
 */
import { alertKey } from "../core/alert-key.ts";
import type { Alert } from "../core/alert.ts";
import { SITE } from "../core/target.ts";
import type { Instant } from "../core/time.ts";
import type { AlertOutbox } from "../ports/alert-outbox.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { StateLoss, StateStore } from "../ports/state-store.ts";
import { LOSS_PREFIX } from "../ports/state-store.ts";
import { appendOnce } from "./outcomes.ts";
import { parseObject } from "./stored-json.ts";

export type LossParts = {
  readonly site: string;
  readonly store: StateStore;
  readonly outbox: AlertOutbox;
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** null: the ledger only. */
  readonly route: string | null;
  /** Base of runbook links, without a trailing slash. */
  readonly runbooks: string;
  /**
   * Writes what memory knows into the new store. @returns what that was, for people; null: memory knows
   * nothing of before, since nothing was loaded yet. @throws {StateStoreError}
   */
  readonly keep: () => Promise<string | null>;
};

/** Tells what has not been told yet. @throws what the stores throw; what was told by then is told no second time */
export async function tellLosses(parts: LossParts): Promise<void> {
  const { site, store, outbox, ledger, clock, route, runbooks } = parts;
  for (const { key, value } of await store.list(LOSS_PREFIX)) {
    const loss = await withKept(key, parseLoss(value), parts);
    if (route !== null) await outbox.enqueue(route, alertOf(loss, { site, runbooks, at: clock.now() }));
    await appendOnce(ledger, {
      at: clock.now(), kind: "note", target: SITE, subject: "state", text: describe(loss), who: "shopkeeper", actionId: "", details: detailsOf(loss), foldKey: "",
    }, loss.at);
    await store.delete(key);
  }
}

/** That it was kept is stored before it is told: whoever tells it again after a crash says the same. */
async function withKept(key: string, loss: StateLoss, { store, keep }: LossParts): Promise<StateLoss> {
  if (loss.kept !== undefined) return loss;
  const kept = await keep();
  if (kept === null) return loss;
  await store.put(key, JSON.stringify({ ...loss, kept }));
  return { ...loss, kept };
}

function describe({ keptAs, problem, kept }: StateLoss): string {
  const what = `state was lost: it was found damaged (${problem}), is kept as ${keptAs}, and was begun anew.`;
  if (kept === undefined) return `${what} Actions that were under way, pauses, acknowledgements, promoted modes and the ledger of before are not known`;
  return `${what} What was still in memory was kept (${kept}). The ledger of before, alerts that waited to be sent, and what actions that were under way had recorded are not known`;
}

function detailsOf({ keptAs, problem, kept }: StateLoss): Readonly<Record<string, string>> {
  return { keptAs, problem, ...(kept === undefined ? {} : { kept }) };
}

function alertOf(loss: StateLoss, { site, runbooks, at }: { readonly site: string; readonly runbooks: string; readonly at: Instant }): Alert {
  return {
    // It ends when a person has looked.
    key: alertKey(site, "state_lost", loss.at),
    state: "firing",
    severity: "page",
    site,
    target: SITE,
    reason: "state_lost",
    summary: describe(loss),
    startedAt: loss.at,
    at,
    runbook: `${runbooks}/state-lost.md`,
    details: detailsOf(loss),
  };
}

/** That something was lost is told even where it cannot be read what. */
function parseLoss(text: string): StateLoss {
  const { at, keptAs, problem, kept } = parseObject(text) ?? {};
  return {
    at: typeof at === "number" ? at : 0,
    keptAs: typeof keptAs === "string" ? keptAs : "an unknown file",
    problem: typeof problem === "string" ? problem : "unknown",
    ...(typeof kept === "string" ? { kept } : {}),
  };
}
