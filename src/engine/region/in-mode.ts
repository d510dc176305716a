/** A decision where the policy only records: a hold that says what would be done. */
import { because } from "../../core/region/reason.ts";
import type { RegionDecision } from "../../core/region/scene.ts";
import { textOf } from "./region-told.ts";

/** @param why why decisions are only recorded; null: they are carried out. */
export function inMode(decision: RegionDecision, why: string | null): RegionDecision {
  if (why === null || (decision.kind !== "flip" && decision.kind !== "repair")) return decision;
  return { kind: "hold", about: aboutOf(decision), reasons: [because("observe", `${why}; it would ${textOf(decision)}`)] };
}

/** A failback that is not made keeps buyers where they are served: nobody is called for that. */
function aboutOf(decision: Extract<RegionDecision, { readonly kind: "flip" | "repair" }>): "takeover" | "failback" | "repair" {
  if (decision.kind === "repair") return "repair";
  return decision.cause === "failback" ? "failback" : "takeover";
}
