/**
 * Proves the provider's credentials at the start and once a day: a token that has lost its right is found before it is needed.
 *
 * What fires is kept in the state store, so that a daemon that starts anew neither calls a person twice nor forgets to say that it is over.
 */
import type { Logger } from "pino";
import { alertKey } from "../core/alert-key.ts";
import type { Alert } from "../core/alert.ts";
import type { Instant, Ms } from "../core/time.ts";
import { parseObject } from "../engine/stored-json.ts";
import type { AlertOutbox } from "../ports/alert-outbox.ts";
import type { Clock } from "../ports/clock.ts";
import type { StateStore } from "../ports/state-store.ts";
import { TrafficError, type RightsProof, type Traffic } from "../ports/traffic.ts";

export type ProviderWatchParts = {
  readonly traffic: Traffic;
  readonly clock: Clock;
  readonly log: Logger;
  readonly outbox: AlertOutbox;
  readonly store: StateStore;
  readonly alertRoute: string | null;
  readonly site: string;
  readonly here: string;
  readonly runbooks: string;
};

export const PROVE_EVERY_MS: Ms = 24 * 3_600_000;
/** What could not be asked, or was refused, is asked again. */
export const PROVE_AGAIN_MS: Ms = 15 * 60_000;

export function watchProvider(parts: ProviderWatchParts): { stop(): void } {
  const { traffic, clock, log } = parts;
  const stopping = new AbortController();
  let cancel = (): void => {};
  let firing: Instant | null | undefined;
  const prove = async (): Promise<void> => {
    const proof = await proven(traffic, stopping.signal);
    if (stopping.signal.aborted) return;
    if (proof.kind === "unknown") log.warn({ event: "provider" }, `whether the credentials still have their rights cannot be found out: ${proof.why}`);
    else {
      const wrong = wrongOf(proof);
      for (const finding of proof.findings) log[wrong.includes(finding) ? "error" : "info"]({ event: "provider", ok: proof.ok }, finding);
      if (firing === undefined) firing = await storedFiring(parts);
      // Where that could not be read, a page might be the second one, and the end of one be lost: at the next proof.
      if (firing !== undefined) firing = await page(parts, proof, firing);
    }
    cancel = clock.after(proof.kind === "proof" && proof.ok ? PROVE_EVERY_MS : PROVE_AGAIN_MS, () => void prove());
  };
  void prove();
  return {
    stop: () => {
      stopping.abort(new Error("stopped"));
      cancel();
    },
  };
}

async function proven(traffic: Traffic, signal: AbortSignal): Promise<({ readonly kind: "proof" } & RightsProof) | { readonly kind: "unknown"; readonly why: string }> {
  try {
    return { kind: "proof", ...(await traffic.proveRights(signal)) };
  } catch (error) {
    if (error instanceof TrafficError && error.code !== "UNAVAILABLE" && error.code !== "RATE_LIMITED" && error.code !== "UNCERTAIN") return { kind: "proof", ok: false, findings: [error.message] };
    return { kind: "unknown", why: error instanceof Error ? error.message : String(error) };
  }
}

const wrongOf = ({ ok, findings, wrong }: RightsProof): readonly string[] => (ok ? [] : (wrong ?? findings));

const KEY = "region/provider_rights";

/** What an earlier daemon left; undefined: it cannot be read. */
async function storedFiring({ store, log }: ProviderWatchParts): Promise<Instant | null | undefined> {
  try {
    const row = await store.get(KEY);
    const startedAt = row === null ? null : parseObject(row.value)?.["startedAt"];
    return typeof startedAt === "number" ? startedAt : null;
  } catch (error) {
    log.error({ event: "trouble", where: "state" }, error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

async function keep({ store, log }: ProviderWatchParts, startedAt: Instant | null): Promise<void> {
  const kept = startedAt === null ? store.delete(KEY) : store.put(KEY, JSON.stringify({ startedAt }));
  await kept.catch((error: unknown) => log.error({ event: "trouble", where: "state" }, error instanceof Error ? error.message : String(error)));
}

/** @returns since when it fires; null: it does not. */
async function page(parts: ProviderWatchParts, proof: RightsProof, firing: Instant | null): Promise<Instant | null> {
  const { clock, log, outbox, alertRoute, site, here, runbooks } = parts;
  const { ok } = proof;
  if (ok === (firing === null) || alertRoute === null) return firing;
  const now = clock.now();
  const startedAt = firing ?? now;
  const alert: Alert = {
    key: alertKey(site, `region:${here}:provider_rights`, startedAt), state: ok ? "resolved" : "firing", severity: "page", site, target: `region/${here}`, reason: "provider_rights",
    summary: (ok ? "the provider's credentials have their rights again" : `buyers could not be led to another region, or no failover rehearsed: ${wrongOf(proof).join("; ")}`).slice(0, 1_000),
    startedAt, at: now, runbook: `${runbooks}/provider-rights.md`, details: { region: here },
  };
  await outbox.enqueue(alertRoute, alert).catch((error: unknown) => log.error({ event: "trouble", where: "provider" }, error instanceof Error ? error.message : String(error)));
  await keep(parts, ok ? null : startedAt);
  return ok ? null : startedAt;
}
