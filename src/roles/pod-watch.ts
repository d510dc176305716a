/**
 * The pods of the configured Services as the engine's targets, kept as the cluster has them.
 */
import type { Config } from "../config/config.ts";
import { musterPods, withPods, type PodGroup, type PodMember, type PodSightings } from "../core/pod-roster.ts";
import type { Pod } from "../core/cluster.ts";
import type { Roster } from "../core/roster.ts";
import type { TargetId } from "../core/target.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { Cluster, ClusterKind, ClusterWatch, Sight } from "../ports/cluster.ts";

export type PodWatchParts = {
  readonly config: Config;
  readonly clock: Clock;
  readonly cluster: Cluster;
  /** A kind of object is seen no more, or again. */
  readonly sighted: (kind: ClusterKind, sight: Sight) => void;
};

export interface PodWatch {
  /** As it is now; the same object until it changes. */
  roster(): Roster;
  /** From now on told of each change. */
  follow(changed: (roster: Roster) => void): void;
  /** Where the sidecar of a pod answers: "10.0.0.3:9470"; null: it has none, or is no more. */
  sidecar(target: TargetId): string | null;
  /** Of a configured target; empty for what is not pods. */
  membersOf(target: TargetId): readonly Pod[];
  /** The pods of the same workload, the pod itself too; empty: it is none of ours. */
  siblingsOf(target: TargetId): readonly TargetId[];
  /** When a pod began, as far as is known; null: it is none of ours. */
  bornAt(target: TargetId): Instant | null;
  /** When the kubelet was seen to restart its application, oldest first. */
  restartedAt(target: TargetId): readonly Instant[];
  /** The application of a pod: "http://10.0.0.3:3000"; null: it is no pod of ours. */
  application(target: TargetId): string | null;
  readonly picture: ClusterWatch;
  /** Why nothing should be done by what is seen; null: pods and where they stand are seen. */
  blindness(): string | null;
  stop(): Promise<void>;
}

/** Changes come in bursts: a rollout writes each pod a dozen times. */
const SETTLE_MS: Ms = 250;
/** What nobody has confirmed for this long may be long past. */
const STALE_MS: Ms = 120_000;

/** Opens the watch; resolves once everything was seen. @throws {Error} when `signal` aborts before. */
export async function watchPods(parts: PodWatchParts, signal: AbortSignal): Promise<PodWatch> {
  const watch = new MusteringWatch(parts);
  if (await watch.picture.seen(signal)) {
    watch.muster();
    return watch;
  }
  await watch.stop();
  throw new Error("the namespace was not seen in time");
}

class MusteringWatch implements PodWatch {
  readonly picture: ClusterWatch;
  readonly #parts: PodWatchParts;
  readonly #groups: readonly PodGroup[];
  readonly #ofWhole: ReadonlySet<string>;
  readonly #configured: Roster;
  readonly #sightings = new Map<TargetId, PodSightings>();
  #members: ReadonlyMap<TargetId, { readonly group: PodGroup; readonly member: PodMember }> = new Map();
  #roster: Roster;
  #shape = "";
  #changed: (roster: Roster) => void = () => {};
  #cancelSettle: (() => void) | null = null;
  #cancelNext: () => void = () => {};
  #stopped = false;

  constructor(parts: PodWatchParts) {
    const { config, cluster } = parts;
    this.#parts = parts;
    this.#groups = groupsOf(config);
    this.#ofWhole = new Set(config.checks.filter((check) => check.ofWhole).map((check) => check.name));
    this.#configured = rosterOf(config);
    this.#roster = withPods(this.#configured, this.#groups.map((group) => [group, []]), this.#ofWhole);
    this.picture = cluster.watch({ changed: (kind) => this.#touched(kind), sighted: parts.sighted });
  }

  roster(): Roster {
    return this.#roster;
  }

  follow(changed: (roster: Roster) => void): void {
    this.#changed = changed;
  }

  sidecar(target: TargetId): string | null {
    const found = this.#members.get(target);
    const port = found === undefined ? null : this.#podsOf(found.group)?.sidecarPort;
    return found === undefined || port == null ? null : `${hostOf(found.member.ip)}:${port}`;
  }

  membersOf(target: TargetId): readonly Pod[] {
    return [...this.#members.values()].flatMap(({ group, member }) => (group.id === target ? [member.pod] : []));
  }

  siblingsOf(target: TargetId): readonly TargetId[] {
    const group = this.#members.get(target)?.group.id;
    return [...this.#members].flatMap(([id, found]) => (found.group.id === group ? [id] : []));
  }

  bornAt(target: TargetId): Instant | null {
    return this.#members.get(target)?.member.bornAt ?? null;
  }

  restartedAt(target: TargetId): readonly Instant[] {
    return this.#members.get(target)?.member.restartedAt ?? [];
  }

  application(target: TargetId): string | null {
    const found = this.#members.get(target);
    const pods = found === undefined ? null : this.#podsOf(found.group);
    return found === undefined || pods === null ? null : `http://${hostOf(found.member.ip)}:${pods.port}`;
  }

  blindness(): string | null {
    for (const kind of ["pods", "endpoints"] as const) {
      const sight = this.picture.sight(kind);
      if (sight.state === "blind") return `${kind} cannot be seen: ${sight.detail}`;
      if (sight.state === "starting") return `${kind} were not seen yet`;
      if (this.picture.staleForMs(kind) > STALE_MS) return `what is known of ${kind} was confirmed by nobody for ${Math.round(this.picture.staleForMs(kind) / 1_000)}s`;
    }
    return null;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelSettle?.();
    this.#cancelNext();
    await this.picture.stop();
  }

  muster(): void {
    const { clock } = this.#parts;
    const now = clock.now();
    const mustered = this.#groups.map((group) => {
      const muster = musterPods(group, this.picture.pods(), this.picture.endpoints(group.service), this.#sightings.get(group.id) ?? null, now);
      this.#sightings.set(group.id, muster.sightings);
      return { group, muster };
    });
    this.#members = new Map(mustered.flatMap(({ group, muster }) => muster.members.map((member) => [member.target.id, { group, member }] as const)));
    const due = mustered.flatMap(({ muster }) => muster.nextAt ?? []);
    this.#cancelNext();
    if (due.length > 0 && !this.#stopped) this.#cancelNext = clock.after(Math.min(...due) - now, () => this.muster());
    const shape = JSON.stringify(mustered.map(({ muster }) => muster.members.map(({ target, pod }) => [pod.uid, target])));
    if (shape === this.#shape) return;
    this.#shape = shape;
    this.#roster = withPods(this.#configured, mustered.map(({ group, muster }) => [group, muster.members]), this.#ofWhole);
    this.#changed(this.#roster);
  }

  #touched(kind: ClusterKind): void {
    if (this.#stopped || (kind !== "pods" && kind !== "endpoints")) return;
    this.#cancelSettle ??= this.#parts.clock.after(SETTLE_MS, () => {
      this.#cancelSettle = null;
      this.muster();
    });
  }

  #podsOf({ id }: PodGroup): NonNullable<Config["targets"][number]["pods"]> | null {
    return this.#parts.config.targets.find((target) => target.id === id)?.pods ?? null;
  }
}

/** The roster as it stands in the files. */
export function rosterOf({ targets, checks }: Pick<Config, "targets" | "checks">): Roster {
  return { targets, checks, startupGrace: new Map(targets.map((target) => [target.id, target.startupGrace])) };
}

function groupsOf({ targets }: Config): readonly PodGroup[] {
  return targets.flatMap(({ id, workload, region, pods, startupGrace }) => (pods === null ? [] : [{ id, workload, service: pods.service, startupGrace, ...(region === undefined ? {} : { region }) }]));
}

/** An IPv6 address in a URL stands in brackets. */
function hostOf(ip: string): string {
  return ip.includes(":") ? `[${ip}]` : ip;
}
