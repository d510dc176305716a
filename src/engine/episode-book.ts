/**
 * The marks of running episodes, in memory and in the state store.
 *
 * A mark is written when something must not be lost (it began, a person was called,
 * a person acted) and otherwise at most once a minute, so that a failing check does
 * not cost a durable write every two seconds.
 */
import type { EpisodeMark, PastAction } from "../core/episode.ts";
import { episodeKey, escalatedBy, failedAttempts, fired, isOver, rearmed, withAttempts } from "../core/episode.ts";
import { alertKey } from "../core/alert-key.ts";
import type { EpisodeView } from "../core/snapshot.ts";
import type { TargetId } from "../core/target.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { StateStore } from "../ports/state-store.ts";
import type { Call, StoredEpisode } from "./episode-json.ts";
import { parseEpisode } from "./episode-json.ts";

const PREFIX = "episode/";
const WRITE_EVERY: Ms = 60_000;
/** Running episodes kept; beyond it the one that fired longest ago is forgotten. */
const MAX_EPISODES = 1_000;
/** Calls of one episode whose end is told; each needs a person's act in between. */
const MAX_CALLS = 20;

export class EpisodeBook {
  readonly #store: StateStore;
  readonly #episodes = new Map<string, StoredEpisode>();
  readonly #writtenAt = new Map<string, Instant>();

  constructor(store: StateStore) {
    this.#store = store;
  }

  /** @returns stored keys that could not be understood. @throws {StateStoreError} */
  async load(): Promise<readonly string[]> {
    const bad: string[] = [];
    for (const row of await this.#store.list(PREFIX, MAX_EPISODES)) {
      const stored = parseEpisode(row.value);
      if (stored === null) bad.push(row.key);
      else this.#episodes.set(episodeKey(stored.mark.workload, stored.mark.cause), stored);
    }
    return bad;
  }

  marks(): readonly EpisodeMark[] {
    return [...this.#episodes.values()].map((stored) => stored.mark);
  }

  get(workload: string, cause: string): EpisodeMark | undefined {
    return this.#episodes.get(episodeKey(workload, cause))?.mark;
  }

  /** The trigger fires for this workload and cause. */
  async fired(workload: string, cause: string, now: Instant, relapse: Ms): Promise<void> {
    const key = episodeKey(workload, cause);
    const stored = this.#episodes.get(key);
    const mark = fired(stored?.mark, workload, cause, now, relapse);
    const fresh = mark.openedAt !== stored?.mark.openedAt;
    this.#episodes.set(key, { mark, alerts: fresh ? [] : (stored?.alerts ?? []) });
    if (fresh || now - (this.#writtenAt.get(key) ?? 0) >= WRITE_EVERY) await this.#write(key, now);
    if (this.#episodes.size > MAX_EPISODES) await this.#forgetOldest();
  }

  async escalated(mark: EpisodeMark, call: Call, target: TargetId, at: Instant): Promise<void> {
    const key = episodeKey(mark.workload, mark.cause);
    const stored = this.#episodes.get(key);
    if (stored === undefined) return;
    const others = stored.alerts.filter((other) => other.guard !== call.guard || other.route !== call.route || other.beganAt !== call.beganAt || other.target !== call.target);
    this.#episodes.set(key, { mark: escalatedBy(stored.mark, call.guard, target, at), alerts: [...others, call].slice(-MAX_CALLS) });
    await this.#write(key, at);
  }

  /** A person acted on a target of this workload: its ladders are climbed from the foot again. */
  async rearm(workload: string, target: TargetId, at: Instant): Promise<void> {
    for (const [key, stored] of this.#episodes) {
      if (stored.mark.workload !== workload) continue;
      const mark = rearmed(stored.mark, target, at);
      if (mark === stored.mark) continue;
      this.#episodes.set(key, { ...stored, mark });
      await this.#write(key, at);
    }
  }

  over(now: Instant, relapse: Ms): readonly StoredEpisode[] {
    return [...this.#episodes.values()].filter((stored) => isOver(stored.mark, now, relapse));
  }

  async forget(mark: EpisodeMark): Promise<void> {
    const key = episodeKey(mark.workload, mark.cause);
    await this.#store.delete(storeKey(key));
    this.#episodes.delete(key);
    this.#writtenAt.delete(key);
  }

  views(actions: readonly PastAction[]): readonly EpisodeView[] {
    return this.marks().map((mark) => {
      const episode = withAttempts(mark, actions);
      const calls = Object.values(mark.escalated);
      const last = episode.attempts.at(-1);
      return {
        workload: mark.workload,
        cause: mark.cause,
        attempts: episode.attempts.length,
        failed: failedAttempts(episode, "", Infinity, mark.lastFiringAt),
        startedAt: mark.openedAt,
        lastAttemptAt: last?.at ?? null,
        escalatedAt: calls.length === 0 ? null : Math.max(...calls),
      };
    });
  }

  async #write(key: string, now: Instant): Promise<void> {
    const stored = this.#episodes.get(key);
    if (stored === undefined) return;
    await this.#store.put(storeKey(key), JSON.stringify(stored));
    this.#writtenAt.set(key, now);
  }

  async #forgetOldest(): Promise<void> {
    const oldest = this.marks().toSorted((a, b) => a.lastFiringAt - b.lastFiringAt)[0];
    if (oldest !== undefined) await this.forget(oldest);
  }
}

/** A cause may be a whole trigger's text, longer than a key may be. */
function storeKey(key: string): string {
  return PREFIX + alertKey("", key, 0);
}
