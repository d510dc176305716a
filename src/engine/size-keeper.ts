/**
 * Holds every workload at the size that is claimed for it, and lowers it again when claims end.
 *
 * Who else writes the field is not fought: what was written over ours is left to them, said once, with
 * the owner and the field, until another size is claimed. Behind the fence: only who leads writes.
 */
import type { WorkloadClaims } from "../core/claims.ts";
import { BASE, claimedSize, inForce, sizeStep } from "../core/claims.ts";
import type { Ms } from "../core/time.ts";
import type { ClaimBook } from "../ports/claim-book.ts";
import type { Clock } from "../ports/clock.ts";
import type { Cluster } from "../ports/cluster.ts";
import { FIELD_MANAGER } from "../ports/cluster.ts";
import type { Troubled } from "../ports/events.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { WorkloadSize } from "../ports/workload-size.ts";
import { fieldOf, readSize, writeSize } from "../ports/workload-size.ts";
import type { FenceAnswer } from "./carry-out.ts";

/** As often as an autoscaler's own controller looks. */
export const KEEP_EVERY_MS: Ms = 15_000;

export type SizeKeeperParts = {
  readonly cluster: Cluster;
  readonly claims: ClaimBook;
  readonly clock: Clock;
  readonly ledger: Pick<Ledger, "append">;
  /** May we write at this very moment? Asked before every write. */
  readonly mayAct: (signal: AbortSignal) => Promise<FenceAnswer>;
  readonly troubled: (where: Troubled["where"], detail: string) => void;
};

export interface SizeKeeper {
  /** A round now, and one every 15 s. */
  start(): void;
  /** Looks at every claimed workload once. Never rejects; one round at a time. */
  round(): Promise<void>;
  /** No further rounds; resolves when the running one has ended. */
  stop(): Promise<void>;
}

export function createSizeKeeper(parts: SizeKeeperParts): SizeKeeper {
  return new KeepingSizes(parts);
}

class KeepingSizes implements SizeKeeper {
  readonly #parts: SizeKeeperParts;
  readonly #stopping = new AbortController();
  /** The last trouble told of each workload, so that it is told once. */
  readonly #told = new Map<string, string>();
  #round: Promise<void> | null = null;
  #cancel: (() => void) | null = null;

  constructor(parts: SizeKeeperParts) {
    this.#parts = parts;
  }

  start(): void {
    if (this.#stopping.signal.aborted) return;
    this.#cancel?.();
    this.#cancel = this.#parts.clock.after(KEEP_EVERY_MS, () => this.start());
    void this.round();
  }

  round(): Promise<void> {
    this.#round ??= this.#keepAll().finally(() => {
      this.#round = null;
    });
    return this.#round;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#cancel?.();
    await this.#round;
  }

  async #keepAll(): Promise<void> {
    const known = this.#parts.claims.all();
    for (const workload of this.#told.keys()) if (!known.some((kept) => kept.workload === workload)) this.#told.delete(workload);
    // Who does not lead knows the claims of some time ago.
    if (known.length === 0 || !(await this.#mayAct())) return;
    for (const { workload } of known) {
      if (this.#stopping.signal.aborted) return;
      try {
        await this.#keep(workload);
        this.#told.delete(workload);
      } catch (error) {
        this.#tell(workload, error instanceof Error ? error.message : String(error));
      }
    }
  }

  /** A fence that cannot say is no clear one. */
  async #mayAct(): Promise<boolean> {
    const answer = await this.#parts.mayAct(this.#stopping.signal).catch(() => null);
    return answer?.kind === "clear";
  }

  #tell(workload: string, problem: string): void {
    if (this.#told.get(workload) === problem || this.#stopping.signal.aborted) return;
    this.#told.set(workload, problem);
    this.#parts.troubled("cluster", `the size of ${workload} cannot be kept: ${problem}`);
  }

  async #keep(workload: string): Promise<void> {
    const { cluster, claims, clock } = this.#parts;
    const found = await readSize(cluster, workload, this.#stopping.signal);
    // Read after it, so that a claim made meanwhile counts.
    const kept = claims.get(workload);
    if (kept === null) return;
    const claimed = inForce(kept.claims, clock.now()).find(({ holder }) => holder !== BASE);
    if (found === null) return claimed === undefined ? claims.forget(workload) : undefined;
    if (kept.of !== found.of || kept.name !== found.name) {
      // Another object sizes it now: what it says is its base.
      if (claimed === undefined) return claims.forget(workload);
      await claims.claim(workload, claimed, found, clock.now());
      return this.#step(await this.#again(workload), found);
    }
    await this.#step(kept, found);
  }

  async #again(workload: string): Promise<WorkloadClaims> {
    const kept = this.#parts.claims.get(workload);
    if (kept === null) throw new Error("its claims were withdrawn");
    return kept;
  }

  async #step(kept: WorkloadClaims, found: WorkloadSize): Promise<void> {
    const { claims, clock } = this.#parts;
    const step = sizeStep(kept, found, clock.now());
    switch (step.kind) {
      case "keep":
        return;
      case "reached":
        return claims.wrote(kept.workload, step.size);
      case "over":
        return claims.forget(kept.workload);
      case "write":
        return this.#write(kept, found, step.to);
      case "overwritten":
        return this.#overwritten(kept, found, step.wanted);
    }
  }

  async #write(kept: WorkloadClaims, found: WorkloadSize, to: number): Promise<void> {
    const { cluster, claims } = this.#parts;
    if (!(await this.#mayAct())) return;
    const change = await writeSize(cluster, found, to, this.#stopping.signal);
    // Moved or gone: the next round looks again.
    if (change.kind !== "done") return;
    await claims.wrote(kept.workload, to);
    await this.#say(kept, found, `${to > found.size ? "raised" : "lowered"} from ${found.size} to ${to}: ${this.#why(kept, found)}`, "SizeKept");
  }

  #why(kept: WorkloadClaims, { max }: WorkloadSize): string {
    const { by } = claimedSize(kept.claims, max ?? Infinity, this.#parts.clock.now());
    return by === null ? "nobody claims more" : `${by.holder} claims ${by.size} (${by.why})`;
  }

  async #overwritten(kept: WorkloadClaims, found: WorkloadSize, wanted: number): Promise<void> {
    const { cluster, claims, troubled } = this.#parts;
    const { kind, path } = fieldOf(found);
    const owner = (await cluster.fieldOwners(kind, found.name, path, this.#stopping.signal)).at(-1);
    if (owner === undefined || owner.manager === FIELD_MANAGER) return this.#write(kept, found, wanted);
    await claims.leave(kept.workload, { wanted, manager: owner.manager });
    const text = `${owner.manager} wrote ${path.join(".")} of the ${found.of} ${found.name} over: ${found.size} instead of ${wanted}. It is left to it until another size is claimed; leave the field out of what it applies, or have it ignore what the manager ${FIELD_MANAGER} writes`;
    troubled("cluster", text);
    await this.#say(kept, found, text, "SizeWrittenOver");
  }

  /** In the ledger and at the object. That it cannot be written does not matter to the size. */
  async #say(kept: WorkloadClaims, found: WorkloadSize, text: string, reason: string): Promise<void> {
    const { cluster, clock, ledger, troubled } = this.#parts;
    const { by } = claimedSize(kept.claims, found.max ?? Infinity, clock.now());
    const problem = (error: unknown): string => (error instanceof Error ? error.message : String(error));
    await ledger
      .append({ at: clock.now(), kind: "note", target: kept.workload, subject: by?.holder ?? BASE, text: `${kept.workload}: ${text}`, who: "shopkeeper", actionId: "", details: { of: found.of, name: found.name, found: found.size }, foldKey: "" })
      .catch((error: unknown) => troubled("ledger", problem(error)));
    const about = found.autoscaler === null ? ({ kind: "Deployment", ...pick(found.deployment) } as const) : ({ kind: "HorizontalPodAutoscaler", ...pick(found.autoscaler) } as const);
    await cluster
      .note({ about, type: reason === "SizeKept" ? "Normal" : "Warning", reason, action: "Scale", text }, this.#stopping.signal)
      .catch((error: unknown) => troubled("cluster", `a note could not be left: ${problem(error)}`));
  }
}

function pick({ name, uid }: { readonly name: string; readonly uid: string }): { readonly name: string; readonly uid: string } {
  return { name, uid };
}
