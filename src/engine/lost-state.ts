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
import type { Instant, Ms } from "../core/time.ts";
import type { AlertOutbox } from "../ports/alert-outbox.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { StateLoss, StateStore } from "../ports/state-store.ts";
import { LOSS_PREFIX } from "../ports/state-store.ts";
import { appendOnce } from "./outcomes.ts";
import { messageOf } from "./record.ts";
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
  /** Whoever remembers what stood in the store: writes it into the new one, and returns what it was, for people. @throws {StateStoreError} */
  readonly memory: readonly { rewrite(now: Instant): Promise<string> }[];
  /** Memory knows all of what stood there. Before, what it knows is kept as well, but not claimed. */
  readonly loaded: () => boolean;
};

/** A loss that could not be told is tried again after this long, doubling to the other. */
const RETRY_FROM_MS: Ms = 5_000;
const RETRY_TO_MS: Ms = 300_000;

export interface Losses {
  /** Tells what has not been told yet, one call after the other. What could not be told is tried again by the clock. Never rejects. */
  tell(): Promise<void>;
  /** Tells no more: what is left, the next one tells. Resolves when what runs has ended. */
  stop(): Promise<void>;
}

export function createLosses(parts: LossParts & { readonly troubled: (detail: string) => void }): Losses {
  let last: Promise<void> = Promise.resolve();
  /** Losses found before all was loaded: also when they are told later, nothing is known of what stood there. */
  const unknown = new Set<string>();
  let failures = 0;
  let cancel = (): void => {};
  let stopped = false;

  const round = async (): Promise<void> => {
    if (stopped) return;
    cancel();
    try {
      await tellLosses(parts, unknown);
      failures = 0;
    } catch (error) {
      parts.troubled(`that state was lost could not be told: ${messageOf(error)}`);
      if (!stopped) cancel = parts.clock.after(Math.min(RETRY_FROM_MS * 2 ** failures++, RETRY_TO_MS), () => void tell());
    }
  };
  const tell = (): Promise<void> => {
    last = last.then(round);
    return last;
  };
  return {
    tell,
    stop: () => {
      stopped = true;
      cancel();
      return last;
    },
  };
}

/** @throws what the stores throw; what was told by then is told no second time */
async function tellLosses(parts: LossParts, unknown: Set<string>): Promise<void> {
  const { site, store, outbox, ledger, clock, route, runbooks } = parts;
  for (const { key, value } of await store.list(LOSS_PREFIX)) {
    const loss = await withKept(key, parseLoss(value), parts, unknown);
    if (route !== null) await outbox.enqueue(route, alertOf(loss, { site, runbooks, at: clock.now() }));
    await appendOnce(ledger, {
      at: clock.now(), kind: "note", target: SITE, subject: "state", text: describe(loss), who: "shopkeeper", actionId: "", details: detailsOf(loss), foldKey: "",
    }, loss.at);
    await store.delete(key);
    unknown.delete(key);
  }
}

/** That it was kept is stored before it is told: whoever tells it again after a crash says the same. */
async function withKept(key: string, loss: StateLoss, { store, memory, loaded, clock }: LossParts, unknown: Set<string>): Promise<StateLoss> {
  if (loss.kept !== undefined) return loss;
  if (!loaded()) unknown.add(key);
  const parts: string[] = [];
  for (const each of memory) parts.push(await each.rewrite(clock.now()));
  if (unknown.has(key)) return loss;
  const kept = parts.join(", ");
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
