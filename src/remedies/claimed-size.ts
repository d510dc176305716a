/**
 * A size by claims: the claim is stored first, then the size is written at once and read
 * back. Whatever happens in between, engine/size-keeper.ts holds the size while the claim lasts, and lowers it after.
 */
import { claimedSize, inForce, type Claim } from "../core/claims.ts";
import type { Intent } from "../core/intent.ts";
import type { Precondition, Wait } from "../core/proposal.ts";
import type { Target } from "../core/target.ts";
import { SITE } from "../core/target.ts";
import type { Instant, Ms } from "../core/time.ts";
import { formatDuration } from "../core/time.ts";
import type { ClaimBook } from "../ports/claim-book.ts";
import type { Clock } from "../ports/clock.ts";
import type { Cluster } from "../ports/cluster.ts";
import type { Prepared, ReadBack } from "../ports/remedy.ts";
import { ActionError } from "../ports/remedy.ts";
import type { HeldSize, WorkloadSize } from "../ports/workload-size.ts";
import { readSize, writeSize } from "../ports/workload-size.ts";
import { notBegun, ofWrite } from "./cluster-answers.ts";
import type { RemedyPorts } from "./remedy-entry.ts";

const ASK_AGAIN_MS: Ms = 10_000;

export type Sizing = { readonly cluster: Cluster; readonly claims: ClaimBook; readonly clock: Clock };

/** null: nothing here could be given another size. */
export function sizingOf({ cluster, claims, clock }: RemedyPorts): Sizing | null {
  return cluster === null || claims === null ? null : { cluster, claims, clock };
}

/** The workload of the target; for the site as a whole, the one that the policy names; null: it names none. */
export function workloadOf(target: Target, params: { readonly workload?: string | undefined }): string | null {
  return target.id === SITE ? (params.workload ?? null) : target.workload;
}

export function preconditionOf({ of, name, size }: HeldSize): Precondition {
  return { kind: "size", of, name, size };
}

/** Another size takes nothing away. `wait` may find that it is not to be made now. */
export async function prepareSize({ cluster, clock }: Sizing, workload: string | null, signal: AbortSignal, wait: (found: WorkloadSize, now: Instant) => Wait | null): Promise<Prepared> {
  if (workload === null) return impossible("the trigger names no target, and the policy no params.workload", null);
  const found = await readSize(cluster, workload, signal);
  if (found === null) return impossible(`there is no Deployment ${workload}`, clock.now() + ASK_AGAIN_MS);
  const waits = found.deployment.wanted === 0 ? stopped(workload) : wait(found, clock.now());
  return { precondition: preconditionOf(found), destructive: false, gone: false, ...(waits === null ? {} : { wait: waits }) };
}

function impossible(reason: string, until: Instant | null): Prepared {
  return { precondition: { kind: "none" }, destructive: false, gone: false, wait: { guard: "unavailable", reason, until } };
}

function stopped(workload: string): Wait {
  return { guard: "unavailable", reason: `${workload} is scaled to nothing: somebody stopped it`, until: null };
}

/** Reads the size as the fence has just seen it. @throws {ActionError} REFUSED */
export async function sizeFor(intent: Intent, { cluster }: Sizing, workload: string | null, signal: AbortSignal): Promise<WorkloadSize> {
  const { precondition } = intent.proposal;
  if (workload === null) throw new ActionError("REFUSED", "the policy names no workload");
  const found = await readSize(cluster, workload, signal).catch(notBegun);
  if (found === null) throw new ActionError("REFUSED", `there is no Deployment ${workload} any more`);
  const same = precondition.kind === "size" && precondition.of === found.of && precondition.name === found.name && precondition.size === found.size;
  if (!same) throw new ActionError("REFUSED", `the size of ${workload} was changed meanwhile: ${found.size} by the ${found.of} ${found.name}`);
  return found;
}

/** Stores the claim and makes the size what is claimed. @throws {ActionError} */
export async function claimSize(sizing: Sizing, found: WorkloadSize, made: Claim, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
  const { claims, clock } = sizing;
  const workload = found.deployment.name;
  const before = inForce(claims.get(workload)?.claims ?? [], clock.now()).find(({ holder }) => holder === made.holder) ?? null;
  const kept = await claims.claim(workload, made, found, clock.now());
  const to = claimedSize(kept.claims, found.max ?? Infinity, clock.now()).size;
  const effect = { workload, of: found.of, name: found.name, from: found.size, to, claimed: made.size, for: lasts(made, clock.now()) };
  if (to <= found.size) return effect;
  await raise(sizing, found, { to, holder: made.holder, before }, signal);
  await claims.wrote(workload, to);
  const after = await readSize(sizing.cluster, workload, signal).catch(() => null);
  return { ...effect, readBack: after?.size ?? null };
}

/** To the second: a claim is made a moment after it was decided on. */
function lasts({ until }: Claim, now: Instant): string {
  return until === null ? "until it is withdrawn" : formatDuration(Math.round((until - now) / 1_000) * 1_000);
}

/** What was refused claims no more than before: else it would be done all the same, later. */
async function raise({ cluster, claims, clock }: Sizing, found: WorkloadSize, { to, holder, before }: { readonly to: number; readonly holder: string; readonly before: Claim | null }, signal: AbortSignal): Promise<void> {
  const workload = found.deployment.name;
  const right = found.of === "autoscaler" ? "patch horizontalpodautoscalers" : "patch deployments/scale";
  try {
    const change = await writeSize(cluster, found, to, signal).catch(ofWrite(right));
    if (change.kind === "gone") throw new ActionError("REFUSED", `there is no ${found.of} ${found.name} any more`);
    // The keeper may have been quicker.
    if (change.kind === "moved" && change.found !== to) throw new ActionError("REFUSED", `the size of ${workload} was changed meanwhile: ${change.found}`);
  } catch (error) {
    if (error instanceof ActionError && error.code === "REFUSED") await (before === null ? claims.withdraw(workload, holder) : claims.claim(workload, before, found, clock.now()));
    throw error;
  }
}

/** Where the claim stands, the size follows: the keeper sees to it. */
export function readClaim({ claims }: Sizing, workload: string | null, holder: string, until: Instant): ReadBack {
  const made = claims.get(workload ?? "")?.claims.find((one) => one.holder === holder && one.until === until);
  return made === undefined ? { kind: "not_landed" } : { kind: "landed", effect: { workload, claimed: made.size, until } };
}
