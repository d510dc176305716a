/** What the siblings of a silent pod say of it: asked in the background, so that no look waits for them. */
import { parseReach, type SiblingWord } from "../core/reach.ts";
import type { TargetId } from "../core/target.ts";
import type { Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { Http } from "../ports/http.ts";

export type Sibling = { readonly target: TargetId; /** "10.0.0.4:9470" */ readonly address: string };

export type SiblingWordsOptions = {
  readonly clock: Clock;
  readonly http: Http;
  readonly token: string | null;
  /** Of a pod those that are most likely to answer, the likeliest first. */
  readonly siblings: (target: TargetId) => readonly Sibling[];
};

/** Two that agree are more than one; more would only be more to ask. */
const SAMPLE = 3;
/** A node that goes takes many pods along: beyond this nobody is asked, and the pods are as silent as they are. */
const MOST_AT_ONCE = 32;
const ANSWER_WITHIN: Ms = 900;
const MAX_BODY_BYTES = 1_024;

export class SiblingWords {
  readonly #options: SiblingWordsOptions;
  readonly #words = new Map<TargetId, SiblingWord>();
  readonly #underWay = new Set<TargetId>();

  constructor(options: SiblingWordsOptions) {
    this.#options = options;
  }

  /** @param address of the silent pod, "10.0.0.3:9470". */
  ask(target: TargetId, address: string): void {
    if (this.#options.token === null || this.#underWay.has(target) || this.#underWay.size >= MOST_AT_ONCE) return;
    this.#underWay.add(target);
    void this.#asked(target, address.replace(/:\d+$/, "").replace(/^\[|\]$/g, "")).finally(() => this.#underWay.delete(target));
  }

  /** The newest, however old; null: none yet. */
  of(target: TargetId): SiblingWord | null {
    return this.#words.get(target) ?? null;
  }

  /** It answers, or is no more. */
  forget(target: TargetId): void {
    this.#words.delete(target);
  }

  retain(targets: ReadonlySet<TargetId>): void {
    for (const target of this.#words.keys()) if (!targets.has(target)) this.#words.delete(target);
  }

  async #asked(target: TargetId, host: string): Promise<void> {
    const asked = this.#options.siblings(target).slice(0, SAMPLE);
    const said = await Promise.all(asked.map(async (sibling) => ({ name: sibling.target, reached: await this.#reaches(sibling.address, host) })));
    const told = said.filter(({ reached }) => reached !== null);
    // Nothing was said, so what was said before still holds while it is fresh.
    if (told.length === 0) return;
    this.#words.set(target, { at: this.#options.clock.now(), reachedBy: told.find(({ reached }) => reached === true)?.name ?? null, told: told.length });
  }

  async #reaches(address: string, host: string): Promise<boolean | null> {
    const { http, token } = this.#options;
    const answer = await http.request({
      method: "GET", url: `http://${address}/health/peers/${encodeURIComponent(host)}`, headers: { accept: "application/json", authorization: `Bearer ${token ?? ""}` },
      deadlineMs: ANSWER_WITHIN, maxBodyBytes: MAX_BODY_BYTES, connection: "reuse",
    });
    if (answer.kind === "failed" || answer.status !== 200 || answer.bodyCut) return null;
    try {
      return parseReach(JSON.parse(answer.body));
    } catch {
      return null;
    }
  }
}
