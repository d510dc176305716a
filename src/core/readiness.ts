/**
 * Can this instance serve buyers, and should they be sent here?
 *
 * Not while nothing listens, and not when the application is down and there is no copy to serve instead.
 * With copies it depends on whose fault it is: a pod whose siblings are well leaves their Service, for
 * they sell and copies do not; one whose siblings are as ill stays, for copies are better than nothing.
 * A new one fills its first pages before it says for the first time that it is ready.
 */
import type { SiblingsState } from "./siblings.ts";
import { hasLeft } from "./siblings.ts";
import type { SiteStatus } from "./status.ts";
import type { Instant, Ms } from "./time.ts";

/** Can this pod serve buyers now, and if not, why. */
export type Readiness = { readonly ready: boolean; readonly reason: string };

/** The first filling of the warm list: how many of its pages are stored, of how many. */
export type FirstFill = { readonly stored: number; readonly listed: number };

export type FirstFillView = {
  /** When the application was first known to answer; null: not yet. */
  readonly upAt: Instant | null;
  /** null: not done yet. */
  readonly fill: FirstFill | null;
};

/** The first pages are waited for no longer than this, from the application's first answer. */
export const FIRST_FILL_WITHIN: Ms = 20_000;

export type ReadinessFacts = {
  readonly now: Instant;
  /** null: it has not started yet. */
  readonly startedAt: Instant | null;
  readonly status: SiteStatus;
  /** null: no gateway runs here, so the application itself is what is ready. */
  readonly gateway: { readonly copies: number; readonly firstFill: FirstFillView } | null;
  /** What the siblings said; null: none are asked. */
  readonly siblings: SiblingsState | null;
  /** It was ready before: nothing is waited for any more. */
  readonly wasReady: boolean;
};

export function readinessOf({ now, startedAt, status, gateway, siblings, wasReady }: ReadinessFacts): Readiness {
  if (startedAt === null) return { ready: false, reason: "starting" };
  const well = status !== "unhealthy";
  if (gateway === null) return { ready: well, reason: `the site is ${status}` };
  const { copies, firstFill } = gateway;
  const waits = wasReady ? null : waitsFor(firstFill, startedAt, now);
  // An application that has just come up is still unhealthy when the first of its pages is stored.
  if (waits !== null && (well || copies > 0)) return { ready: false, reason: waits };
  if (!well) return whileUnhealthy(copies, siblings);
  if (!wasReady && isUnproven(firstFill, status) && now - (firstFill.upAt ?? startedAt) < FIRST_FILL_WITHIN) return { ready: false, reason: "no page could be stored, and its checks have not decided yet" };
  return { ready: true, reason: `the gateway listens and the site is ${status}${missing(firstFill, now)}` };
}

function whileUnhealthy(copies: number, siblings: SiblingsState | null): Readiness {
  if (copies === 0) return { ready: false, reason: "the site is unhealthy and there is no stored page to serve" };
  const served = `the site is unhealthy; ${copies} stored pages are served`;
  if (siblings === null) return { ready: true, reason: served };
  if (hasLeft(siblings)) return { ready: false, reason: `the site is unhealthy by this pod's own fault: ${siblings.why}` };
  return { ready: true, reason: siblings.why === "" ? served : `${served}: ${siblings.why}` };
}

/** What a new instance waits for; null: nothing. */
function waitsFor({ upAt, fill }: FirstFillView, startedAt: Instant, now: Instant): string | null {
  if (fill !== null) return null;
  // Who cannot tell for so long whether it answers does not turn buyers away for it.
  if (now - (upAt ?? startedAt) >= FIRST_FILL_WITHIN) return null;
  return upAt === null ? "the application has not answered yet" : "the first pages are being stored";
}

/** It answers, but nobody has seen a good page of it: a release that is broken behind a good health route looks like this. */
function isUnproven({ fill }: FirstFillView, status: SiteStatus): boolean {
  return status === "unknown" && (fill === null || fill.stored === 0);
}

/** What is said of the first pages once nothing waits for them. */
function missing({ upAt, fill }: FirstFillView, now: Instant): string {
  if (fill !== null) return fill.stored >= fill.listed ? "" : `; of the first ${fill.listed} pages ${fill.stored} could be stored`;
  return upAt === null || now - upAt < FIRST_FILL_WITHIN ? "" : `; the first pages are not all stored after ${FIRST_FILL_WITHIN / 1_000} s`;
}
