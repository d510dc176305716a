/**
 * The observe loop: fires due looks, each seen as sight.ts has it, and passes every
 * observation on. Nothing here judges.
 */
import type { CheckSpec } from "../core/check.ts";
import type { Connectivity } from "../core/connectivity.ts";
import type { Observation } from "../core/observation.ts";
import type { RosterChange } from "../core/roster.ts";
import type { Pace, Slot } from "../core/schedule.ts";
import { begin, dueAt, finish, firstSlot, hasten } from "../core/schedule.ts";
import type { LookKey, Target, TargetId } from "../core/target.ts";
import { lookKey, splitLookKey } from "../core/target.ts";
import type { Instant } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { PreparedProbe } from "../ports/probe.ts";
import type { Random } from "../ports/random.ts";
import { createAgenda } from "./agenda.ts";
import type { Roll } from "./roll.ts";
import { Sight } from "./sight.ts";

export type ObserveParts = {
  readonly roll: Roll;
  /** By check name; one for every active check. */
  readonly probes: ReadonlyMap<string, PreparedProbe>;
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
  /** The roster has changed: looks that are gone end, new ones begin. */
  enrol(change: Pick<RosterChange, "gone" | "come">): void;
  connectivity(): Connectivity;
}

/** How long `stop` waits for probes that ignore their abort signal. */
const LET_GO_MS = 1_000;

type Watched = { readonly check: CheckSpec; readonly target: Target; readonly probe: PreparedProbe };

export function createObserver(parts: ObserveParts): Observer {
  const { clock, random } = parts;
  const watched = new Map(watchedLooks(parts));
  let started = false;
  const stopping = new AbortController();
  const sight = new Sight({ clock, references: parts.references, overdue: "fail", connectivityChanged: parts.connectivityChanged });
  /** Looks whose probe has not let go yet; some outlive their deadline. */
  const held = new Set<LookKey>();
  /** Told once nothing is held any more. */
  let allLetGo: (() => void) | null = null;
  /** How often each target's past was forgotten. */
  const lives = new Map<TargetId, number>();
  const lifeOf = (target: TargetId): number => lives.get(target) ?? 0;
  const agenda = createAgenda(clock, (slot) => void fire(slot), (tick) => sight.fired(tick));

  const letGo = (key: LookKey): void => {
    held.delete(key);
    if (held.size === 0) allLetGo?.();
  };

  const fire = async (slot: Slot): Promise<void> => {
    const look = watched.get(slot.key);
    if (look === undefined) return;
    const { check, target } = look;
    const startedAt = clock.now();
    const life = lifeOf(target.id);
    agenda.put(begin(slot, startedAt));
    const seen = await sight.counted(check.remote, () => see(look, slot, startedAt));
    // Stopped, or nobody's any more, or another one's: a pod that came back under the same name.
    if (stopping.signal.aborted || watched.get(slot.key)?.target !== target) return;
    const pace = life !== lifeOf(target.id) ? "transition" : parts.observed(check, target.id, seen);
    const ended = agenda.slot(slot.key);
    if (ended !== undefined) agenda.put(finish(ended, pace, clock.now(), random.next()));
  };

  const see = ({ check, target, probe }: Watched, { key, ordinal }: Slot, startedAt: Instant): Promise<Observation> => {
    // It would overlap itself: the one before was given up on, and still holds its socket.
    if (held.has(key)) return Promise.resolve({ kind: "unknown", at: startedAt, tookMs: 0, cause: "internal", detail: "the look before this one has not let go yet" });
    held.add(key);
    return sight.looker.look(probe, { target, deadlineMs: check.cadence.timeout, ordinal }, () => letGo(key));
  };

  /** What is read of one pod is read at once, so that its looks can share what they read. */
  const plan = ([key, { check, target }]: readonly [LookKey, Watched]): void => agenda.put(firstSlot(key, check.cadence, clock.now(), target.kind === "pod" ? target.id : key));

  const nothingHeld = (): Promise<void> =>
    new Promise((resolve) => {
      if (held.size === 0) return resolve();
      const cancel = clock.after(LET_GO_MS, resolve);
      allLetGo = () => {
        cancel();
        resolve();
      };
    });

  return {
    start: () => {
      started = true;
      sight.start();
      for (const look of watched) plan(look);
    },
    stop: async () => {
      stopping.abort();
      agenda.stop();
      sight.stop();
      await nothingHeld();
    },
    nextLookAt: (key) => {
      const slot = agenda.slot(key);
      return slot === undefined || stopping.signal.aborted ? null : dueAt(slot);
    },
    hasten: (keys) => {
      if (stopping.signal.aborted) return;
      for (const key of keys) {
        const slot = agenda.slot(key);
        const sooner = slot === undefined ? undefined : hasten(slot, clock.now());
        // In a storm most were hastened a moment ago.
        if (sooner !== undefined && sooner !== slot) agenda.put(sooner);
      }
    },
    enrol: ({ gone, come }) => {
      for (const key of gone) {
        watched.delete(key);
        agenda.remove(key);
        lives.delete(splitLookKey(key).target);
      }
      const all = watchedLooks(parts);
      for (const key of come) {
        const look = all.get(key);
        if (look === undefined) continue;
        watched.set(key, look);
        if (started && !stopping.signal.aborted) plan([key, look]);
      }
    },
    forget: (target) => void lives.set(target, lifeOf(target) + 1),
    connectivity: () => sight.connectivity(),
  };
}

function watchedLooks({ roll, probes }: Pick<ObserveParts, "roll" | "probes">): ReadonlyMap<LookKey, Watched> {
  const looks = new Map<LookKey, Watched>();
  for (const check of roll.checks) {
    const probe = probes.get(check.name);
    if (check.inactive !== null) continue;
    if (probe === undefined) throw new Error(`check ${check.name} is active but has no probe`);
    for (const id of check.targets) {
      const target = roll.target(id);
      if (target === null) throw new Error(`check ${check.name} looks at ${id}, which is no target`);
      looks.set(lookKey(check.name, id), { check, target, probe });
    }
  }
  return looks;
}
