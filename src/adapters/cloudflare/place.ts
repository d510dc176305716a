/** A place at Cloudflare that leads to a region and bears our mark: a record, a load balancer, a pool. */
import type * as z from "zod";
import type { TrafficEntry } from "../../ports/traffic.ts";
import type { Target } from "./schemas.ts";

/** All that a change of a place is compared with, in an order that does not change: as JSON it is the entry's version. */
export type Facts = {
  /** Cloudflare's words on when it was last changed. */
  readonly modifiedOn: string;
  /** What stands where our mark belongs; "": nothing. */
  readonly comment: string;
};

/** Asks for one thing; the same thing asked for twice within one look is asked once. @throws {TrafficError} */
export type Ask = <Result extends z.ZodType>(target: Target<Result>) => Promise<z.infer<Result>>;

/** One PATCH. */
export type Change<F extends Facts> = {
  readonly target: Target;
  readonly body: Readonly<Record<string, unknown>>;
  /** How the place stands once it is made; its `modifiedOn` is not compared. */
  readonly after: F;
};

export type Place<F extends Facts> = {
  /** The entry's name. */
  readonly name: string;
  readonly facts: z.ZodType<F>;
  /** The regions it can lead to. */
  readonly regions: readonly string[];
  /** The requests of a look, in order. */
  readonly looks: readonly Target[];
  /** @throws {TrafficError} NOT_FOUND, or INVALID where it is not one thing that a change would move whole. */
  look(ask: Ask): Promise<F>;
  /** How it stands after a change; asks for it by its id. */
  lookAgain(ask: Ask, before: F): Promise<F>;
  againTargets(before: F): readonly Target[];
  leadsTo(facts: F): string | null;
  show(facts: F): Pick<TrafficEntry, "value" | "staleForMs">;
  /** In what it is otherwise than configured, one sentence each. */
  drift(facts: F): readonly string[];
  /** @param region null: only the comment changes. @throws {TrafficError} INVALID where it cannot lead there. */
  change(facts: F, region: string | null, comment: string): Change<F>;
  /** A PATCH that changes nothing whoever else changes it meanwhile: of what no switch ever touches. */
  idle(facts: F): Pick<Change<F>, "target" | "body">;
};

export const versionOf = (facts: Facts): string => JSON.stringify(facts);

/** Whether only the time of the last change differs. */
export const standsAs = (facts: Facts, other: Facts): boolean => versionOf({ ...facts, modifiedOn: "" }) === versionOf({ ...other, modifiedOn: "" });
