/**
 * Questions to the lists of a roster, answered from an index.
 *
 * Hundreds of proposals ask the same list of thousands of pods in one step. An index is made when its list is first
 * asked, and lives as long as the list does. A list is never changed in place: another roster is another list.
 */
import type { CheckSpec } from "./check.ts";
import type { LookKey, Target, TargetId } from "./target.ts";
import { lookKey } from "./target.ts";

type TargetIndex = { readonly byId: ReadonlyMap<TargetId, Target>; readonly replicas: ReadonlyMap<string, readonly Target[]> };

export type PlacedLook = { readonly key: LookKey; readonly target: TargetId };

const indexes = new WeakMap<readonly Target[], TargetIndex>();
const sets = new WeakMap<readonly TargetId[], ReadonlySet<TargetId>>();
const looks = new WeakMap<CheckSpec, readonly PlacedLook[]>();

const NONE: readonly Target[] = [];

/** The target of that name; undefined when there is none. */
export function targetIn(targets: readonly Target[], id: TargetId): Target | undefined {
  return indexOf(targets).byId.get(id);
}

/** What a workload consists of, the workload as a whole not among it; in the order of the list. */
export function replicasIn(targets: readonly Target[], workload: string): readonly Target[] {
  return indexOf(targets).replicas.get(workload) ?? NONE;
}

/** Whether a target is one of those, as `CheckSpec.targets` has them. */
export function isAmong(ids: readonly TargetId[], id: TargetId): boolean {
  return remembered(sets, ids, () => new Set(ids)).has(id);
}

/** The looks of a check, in the order of its targets. Their keys are made once: most of what a pass over all looks costs is making keys. */
export function looksOf(check: CheckSpec): readonly PlacedLook[] {
  return remembered(looks, check, () => check.targets.map((target) => ({ key: lookKey(check.name, target), target })));
}

function indexOf(targets: readonly Target[]): TargetIndex {
  return remembered(indexes, targets, () => {
    const parts = targets.filter(({ kind }) => kind !== "workload");
    return { byId: new Map(targets.map((target) => [target.id, target])), replicas: Map.groupBy(parts, ({ workload }) => workload) };
  });
}

function remembered<K extends WeakKey, V>(known: WeakMap<K, V>, key: K, make: () => V): V {
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = make();
  known.set(key, made);
  return made;
}
