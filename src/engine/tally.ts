/**
 * All looks as they count, and the site's status kept as counts: a look that turns costs the same among thousands as among three.
 */
import type { Bearing, LookStatus, SiteJudgement, SiteStatus, StatusCause } from "../core/status.ts";
import { aggregate, bearingOf, statusOf } from "../core/status.ts";
import type { LookKey } from "../core/target.ts";

export class Tally {
  /** In the order of the configuration. */
  readonly #looks: Map<LookKey, LookStatus>;
  readonly #counts: Record<Bearing, number> = { down: 0, ill: 0, blind: 0, well: 0 };
  /** null: to be found out when somebody asks. */
  #causes: readonly StatusCause[] | null = null;

  constructor(looks: readonly LookStatus[]) {
    this.#looks = new Map(looks.map((look) => [look.key, look]));
    for (const look of this.#looks.values()) this.#count(look, 1);
  }

  get(key: LookKey): LookStatus | undefined {
    return this.#looks.get(key);
  }

  /** A look counts otherwise than before. */
  put(look: LookStatus): void {
    const before = this.#looks.get(look.key);
    if (before !== undefined) this.#count(before, -1);
    this.#looks.set(look.key, look);
    this.#count(look, 1);
    this.#causes = null;
  }

  status(): SiteStatus {
    return statusOf(this.#counts);
  }

  judgement(): SiteJudgement {
    this.#causes ??= aggregate(this.#looks.values()).causes;
    return { status: this.status(), causes: this.#causes, looks: [...this.#looks.values()] };
  }

  #count(look: LookStatus, by: 1 | -1): void {
    const bearing = bearingOf(look);
    if (bearing !== null) this.#counts[bearing] += by;
  }
}
