/**
 * What a leader holds while it leads: state and ledger under its epoch, the watch of the cluster, its rights, and the shift on them.
 */
import type { Ms } from "../core/time.ts";
import { createClaimBook } from "../engine/claim-book.ts";
import { inTime } from "../ports/clock.ts";
import type { ClusterKind, Sight } from "../ports/cluster.ts";
import type { SupersededError } from "../ports/state-store.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import type { ClusterSide } from "./cluster-side.ts";
import type { DaemonParts } from "./ground.ts";
import type { Listeners } from "./listeners.ts";
import { noticeSuperseded } from "./notice-superseded.ts";
import { watchPods, type PodWatch } from "./pod-watch.ts";
import { watchRights, type RightWatch } from "./right-watch.ts";
import type { RegionLookout } from "./region-lookout.ts";
import { startShift, type Shift } from "./shift.ts";
import type { Sitting } from "./sitting.ts";
import { openLeaderStores, type Stores } from "./stores.ts";
import { withEpoch } from "./with-epoch.ts";

/** To see all of a namespace once. */
const SEEN_WITHIN_MS: Ms = 30_000;

export type Leading = { readonly shift: Shift; /** After the shift was closed. */ readonly close: () => Promise<void> };

export type LeadingParts = {
  readonly daemon: DaemonParts;
  readonly access: ClusterAccess;
  readonly epoch: number;
  /** Looks at the regions also while this one stands by; null: the shop has one. */
  readonly lookout: RegionLookout | null;
  /** Still this very leadership, renewed recently enough to change the world. */
  readonly mayAct: () => boolean;
  /** Gives the listeners, which outlive a leadership, to it. */
  readonly seat: (sitting: Sitting) => Listeners;
  /** Another leader of the site has opened its state: nothing can be written any more. Once. */
  readonly superseded: (error: SupersededError) => void;
};

/**
 * Opens all of it at once, since nobody acts before it is there. The first part that fails, and `signal`, end the opening of the others.
 *
 * @throws {SupersededError} when the state was opened under this epoch or a later one.
 */
export async function beginLeading(parts: LeadingParts, signal: AbortSignal): Promise<Leading> {
  const closing: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const step of closing.toReversed()) await step().catch((error: unknown) => parts.daemon.log.error({ event: "trouble", where: "lead" }, error instanceof Error ? error.message : String(error)));
  };
  try {
    const [stores, pods, rights] = await openAll(parts, closing, signal);
    return { shift: await startOn(parts, stores, pods, rights), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openAll(parts: LeadingParts, closing: (() => Promise<void>)[], signal: AbortSignal): Promise<readonly [Stores, PodWatch | null, RightWatch]> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const opening = [
    opened(closing, openStores(parts), (stores) => stores.close()),
    opened(closing, openPods(parts, either), async (pods) => pods?.stop()),
    opened(closing, openRights(parts, either), async (rights) => rights.stop()),
  ] as const;
  await Promise.all(opening).catch(() => failed.abort(new Error("another part could not be opened")));
  // Whatever still opens has to be closed with the others.
  await Promise.allSettled(opening);
  signal.throwIfAborted();
  return Promise.all(opening);
}

async function startOn({ daemon, access, epoch, lookout, mayAct, seat, superseded }: LeadingParts, stores: Stores, pods: PodWatch | null, rights: RightWatch): Promise<Shift> {
  const { config, log } = daemon;
  const state = noticeSuperseded(stores.state, superseded);
  const claims = createClaimBook(state);
  for (const key of await claims.load()) log.error({ event: "trouble", where: "state" }, `stored claims ${key} cannot be understood; they are left where they are`);
  const side: ClusterSide = {
    cluster: access.cluster,
    pods,
    claims,
    mayAct: () => {
      const reason = mayAct() ? (pods?.blindness() ?? null) : "the lease was not renewed in time";
      return reason === null ? { kind: "clear" } : { kind: "blocked", reason };
    },
    missing: (policy) => rights.missing(policy),
    watchFirst: config.cluster?.watchFirst ?? 0,
    listeners: seat,
  };
  return startShift(daemon, { stores: { ...stores, state, ledger: withEpoch(stores.ledger, epoch) }, gateway: null, side, lookout, onLoss: () => undefined }, false);
}

function openStores({ daemon: { config, parts, clock, log }, access, epoch }: LeadingParts): Promise<Stores> {
  const voice = {
    line: (text: string): void => log.info({ event: "ledger", entry: JSON.parse(text) as unknown }, "ledger"),
    problem: (text: string): void => log.error({ event: "trouble" }, text),
  };
  return openLeaderStores({ config, kind: parts.stores, access, clock, voice }, epoch);
}

async function openPods({ daemon: { config, clock, log }, access: { cluster } }: LeadingParts, signal: AbortSignal): Promise<PodWatch | null> {
  if (config.targets.every((target) => target.pods === null)) return null;
  const sighted = (kind: ClusterKind, sight: Sight): void => {
    if (sight.state === "seeing" && sight.cut > 0) log.warn({ event: "cut", kind, cut: sight.cut }, `${sight.cut} ${kind} are beyond what is kept, and not watched`);
    if (sight.state === "blind") log.warn({ event: "blind", kind, code: sight.code }, `${kind} cannot be seen: ${sight.detail}`);
  };
  return inTime(clock, SEEN_WITHIN_MS, (late) => watchPods({ config, clock, cluster, sighted }, AbortSignal.any([late, signal])));
}

/** A recovery whose right is missing only records, and says which. */
function openRights({ daemon: { config, clock, log }, access: { cluster } }: LeadingParts, signal: AbortSignal): Promise<RightWatch> {
  return watchRights(
    {
      config, cluster, clock,
      changed: (right, purpose, allowed) => {
        if (allowed) log.info({ event: "rights", for: purpose }, `the right is there now: ${right}, for ${purpose}`);
        else log.warn({ event: "rights", for: purpose }, `missing right: ${right}, needed for ${purpose}`);
      },
      unknown: (why) => log.warn({ event: "rights" }, `which rights are there cannot be found out, so what was known counts, and else each is tried: ${why}`),
    },
    signal,
  );
}

/** To be closed with the others, also when one of them cannot be opened. */
async function opened<T>(closing: (() => Promise<void>)[], opening: Promise<T>, close: (one: T) => Promise<void>): Promise<T> {
  const one = await opening;
  closing.push(() => close(one));
  return one;
}
