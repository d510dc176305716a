/**
 * Takes back what policies hold only for as long as the trouble lasts, once it is over.
 */
import { isAction, resolveAction } from "../core/action.ts";
import { leaves } from "../core/look-window.ts";
import { looksOf } from "../core/roster-index.ts";
import type { PolicySpec, Trigger } from "../core/policy.ts";
import type { TriggerScene } from "../core/trigger.ts";
import { isWell } from "../core/trigger.ts";
import type { Remedy } from "../ports/remedy.ts";

/** Policies whose hold was ended, with the checks that are well again. */
export type Lifted = { readonly policy: string; readonly checks: readonly string[] };

/** Asks every remedy that can take something back, for each policy whose trouble is over. @throws what the remedies throw */
export async function liftWhatIsOver(scene: TriggerScene, policies: readonly PolicySpec[], remedies: ReadonlyMap<string, Remedy>): Promise<readonly Lifted[]> {
  const lifted: Lifted[] = [];
  for (const policy of policies) {
    const remedy = remedyOf(policy, remedies);
    if (remedy?.lift === undefined) continue;
    const checks = wellChecks(policy.trigger, scene);
    if (checks !== null && (await remedy.lift(policy.name, policy.params))) lifted.push({ policy: policy.name, checks });
  }
  return lifted;
}

function remedyOf(policy: PolicySpec, remedies: ReadonlyMap<string, Remedy>): Remedy | undefined {
  if (!isAction(policy.action)) return undefined;
  const resolution = resolveAction(policy.action, null);
  return resolution.kind === "remedy" ? remedies.get(resolution.remedy) : undefined;
}

/** The checks that a trigger asks about, when every look of theirs is well; null when one is not, or the trigger is not about checks alone. */
function wellChecks(trigger: Trigger, scene: TriggerScene): readonly string[] | null {
  const names = new Set<string>();
  for (const leaf of leaves(trigger)) {
    if (leaf.kind !== "fails" && leaf.kind !== "error_rate") return null;
    names.add(leaf.check);
  }
  const specs = scene.specs.filter((spec) => names.has(spec.name) && spec.inactive === null);
  const looks = specs.flatMap((spec) => looksOf(spec).map(({ key }) => ({ spec, state: scene.checks.get(key) })));
  const well = looks.length > 0 && looks.every(({ spec, state }) => state !== undefined && isWell(state, spec));
  return well ? [...names] : null;
}
