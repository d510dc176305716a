/** Texts that a body must hold, and texts that it must not. */
import * as z from "zod";
import type { Finding } from "../core/observation.ts";
import { demand } from "./report.ts";

const texts = (what: string) => z.array(z.string().min(1).max(1_000)).max(100).prefault([]).describe(what);

export const TEXT_RULES = {
  must_contain: texts("Texts that have to stand in the body, to the letter."),
  must_not_contain: texts("Texts that must not stand in the body."),
};

/** Names of the findings below; a broken one means that the body is wrong. */
export const TEXT_CAUSES = { must_contain: "body", must_not_contain: "body" } as const;

/** At most one finding per rule, naming the first text that breaks it. */
export function judgeTexts(body: string, mustContain: readonly string[], mustNotContain: readonly string[]): readonly Finding[] {
  const missing = mustContain.find((text) => !body.includes(text));
  const present = mustNotContain.find((text) => body.includes(text));
  return [
    ...(mustContain.length === 0 ? [] : [demand("must_contain", missing === undefined, missing === undefined ? "present" : "missing", quote(missing ?? mustContain[0] ?? ""))]),
    ...(present === undefined ? [] : [demand("must_not_contain", false, "present", `not ${quote(present)}`)]),
  ];
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text);
}
