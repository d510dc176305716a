/**
 * The observe loop: fires due looks, holds each to a hard deadline, corrects what our
 * own troubles falsified, and passes every observation on. Nothing here judges.
 */
import type { CheckSpec } from "../core/check.ts";
import type { Connectivity } from "../core/connectivity.ts";
import { guardRemote } from "../core/connectivity.ts";
import type { Observation } from "../core/observation.ts";
import type { Pace, Slot } from "../core/schedule.ts";
import { begin, dueAt, finish, firstSlot, hasten } from "../core/schedule.ts";
import type { LookKey, Target, TargetId } from "../core/target.ts";
import { lookKey, SITE } from "../core/target.ts";
import type { Instant } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { PreparedProbe } from "../ports/probe.ts";
import type { Random } from "../ports/random.ts";
import { createAgenda } from "./agenda.ts";
import { lookOnce } from "./look.ts";
import { createLoopWatch } from "./loop-watch.ts";
import { SHARED } from "./propose.ts";
import { createReferences } from "./references.ts";

export type ObserveParts = {
  readonly checks: readonly CheckSpec[];
  /** By check name; one for every active check. */
  readonly probes: ReadonlyMap<string, PreparedProbe>;
  readonly targets: readonly Target[];
  readonly references: readonly PreparedProbe[];
  readonly clock: Clock;
  readonly random: Random;
  /** Judges the observation and says how soon to look again. */
  readonly observed: (check: CheckSpec, target: TargetId, seen: Observation) => Pace;
  readonly connectivityChanged: (state: Connectivity) => void;
};

export interface Observer {
  start(): void;
  /** Aborts what runs; resolves when every look has been let go of. */
  stop(): Promise<void>;
  /** null while the look runs, for inactive checks and after `stop`. */
  nextLookAt(key: LookKey): Instant | null;
  /** Trouble was seen: these come at once, at most once per 2 s each. */
  hasten(keys: readonly LookKey[]): void;
  /**
   * What looks under way would say of this target is about a process that is no more:
   * looks begun before now are dropped, and the next come soon.
   */
  forget(target: TargetId): void;
  connectivity(): Connectivity;
}

type Watched = { readonly check: CheckSpec; readonly target: Target; readonly probe: PreparedProbe };

export function createObserver(parts: ObserveParts): Observer {
  const { clock, random } = parts;
  const watched = watchedLooks(parts);
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();
  /** Probes that outlived their deadline and have not let go yet. */
  const stuck = new Set<LookKey>();
  /** How often each target's past was forgotten. */
  const lives = new Map<TargetId, number>();
  const lifeOf = (target: TargetId): number => lives.get(target) ?? 0;
  const watch = createLoopWatch(clock);
  const references = createReferences({ probes: parts.references, clock, signal: stopping.signal, onChange: parts.connectivityChanged });
  const agenda = createAgenda(clock, (slot) => track(fire(slot)), (tick) => watch.fired(tick));

  const track = (work: Promise<void>): void => {
    running.add(work);
    void work.finally(() => running.delete(work));
  };

  const fire = async (slot: Slot): Promise<void> => {
    const look = watched.get(slot.key);
    if (look === undefined) return;
    const startedAt = clock.now();
    const life = lifeOf(look.target.id);
    agenda.put(begin(slot, startedAt));
    const seen = await see(look, slot, startedAt);
    if (stopping.signal.aborted) return;
    const pace = life !== lifeOf(look.target.id) ? "transition" : parts.observed(look.check, look.target.id, seen);
    const ended = agenda.slot(slot.key);
    if (ended !== undefined) agenda.put(finish(ended, pace, clock.now(), random.next()));
  };

  const see = async ({ check, target, probe }: Watched, slot: Slot, startedAt: Instant): Promise<Observation> => {
    // It would overlap itself: the one before was given up on, and still holds its socket.
    if (stuck.has(slot.key)) return { kind: "unknown", at: startedAt, tookMs: 0, cause: "internal", detail: "the look before this one has not let go yet" };
    const endMeasuring = watch.measuring();
    const look = lookOnce(clock, probe, { target, deadlineMs: check.cadence.timeout, ordinal: slot.ordinal, signal: stopping.signal });
    stuck.add(slot.key);
    track(look.ended.then(() => void stuck.delete(slot.key)));
    const seen = await look.seen;
    const corrected = watch.correct(seen, startedAt);
    endMeasuring();
    if (!check.remote || corrected.kind === "pass" || corrected.kind === "unknown") return corrected;
    return guardRemote(corrected, true, await references.freshSince(startedAt));
  };

  return {
    start: () => {
      references.start();
      const now = clock.now();
      for (const [key, { check }] of watched) agenda.put(firstSlot(key, check.cadence, now));
    },
    stop: async () => {
      stopping.abort();
      agenda.stop();
      references.stop();
      await settled(running, clock);
      watch.stop();
    },
    nextLookAt: (key) => {
      const slot = agenda.slot(key);
      return slot === undefined || stopping.signal.aborted ? null : dueAt(slot);
    },
    hasten: (keys) => {
      if (stopping.signal.aborted) return;
      for (const key of keys) {
        const slot = agenda.slot(key);
        if (slot !== undefined) agenda.put(hasten(slot, clock.now()));
      }
    },
    forget: (target) => void lives.set(target, lifeOf(target) + 1),
    connectivity: () => references.state(),
  };
}

/** How long `stop` waits for probes that ignore their abort signal. */
const LET_GO_MS = 1_000;

async function settled(running: ReadonlySet<Promise<void>>, clock: Clock): Promise<void> {
  await new Promise<void>((resolve) => {
    const cancel = clock.after(LET_GO_MS, resolve);
    void Promise.allSettled(running).then(() => {
      cancel();
      resolve();
    });
  });
}

function watchedLooks({ checks, probes, targets }: ObserveParts): ReadonlyMap<LookKey, Watched> {
  const byId = new Map(targets.map((target) => [target.id, target]));
  const looks = new Map<LookKey, Watched>();
  for (const check of checks) {
    const probe = probes.get(check.name);
    if (check.inactive !== null) continue;
    if (probe === undefined) throw new Error(`check ${check.name} is active but has no probe`);
    for (const id of check.targets) {
      const target = id === SITE ? SHARED : byId.get(id);
      if (target === undefined) throw new Error(`check ${check.name} looks at ${id}, which is no target`);
      looks.set(lookKey(check.name, id), { check, target, probe });
    }
  }
  return looks;
}
