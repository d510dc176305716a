/**
 * Whose fault it is that this pod is ill: its own, or one it shares with its siblings.
 *
 * A few siblings are asked in rounds while this pod is unhealthy, and only then. Own fault: most of those
 * that answered are well. Shared: at least half of them are ill too. Unseen: no majority of those asked
 * gave an answer that says anything; that is neither.
 */
import type { SidecarReport } from "./sidecar-report.ts";

/** What one sibling's answer says. */
export type SiblingAnswer =
  /** Healthy or degraded; `ready`: buyers may be sent there. */
  | { readonly kind: "well"; readonly ready: boolean }
  /** Unhealthy; by which checks. */
  | { readonly kind: "ill"; readonly checks: readonly string[] }
  /** Nothing: it did not answer, or does not know itself. */
  | { readonly kind: "unknown"; readonly why: string };

/** `own_alone`: the fault is this pod's, but no sibling that was asked could take its buyers. */
export type RoundFinding = "own" | "own_alone" | "shared" | "unseen";

export type SiblingsState = {
  /** null: no round yet. */
  readonly finding: RoundFinding | null;
  /** The last round for people; "" before the first. */
  readonly why: string;
  /** Rounds that found the fault to be this pod's own and a sibling to take its buyers. Unseen ones in between do not break the run. */
  readonly own: number;
  /** Rounds in a row that saw nothing. */
  readonly unseen: number;
};

/** Before the first round. */
export const NO_ROUND: SiblingsState = { finding: null, why: "", own: 0, unseen: 0 };

/** Siblings asked in one round, at most. */
export const SAMPLE = 5;
/** Rounds that must agree before buyers are sent elsewhere. */
const ROUNDS_TO_LEAVE = 2;
/** After so many rounds without sight in a row, what was seen before counts no more. */
const ROUNDS_TO_FORGET = 2;

/** Buyers should be sent to the siblings instead. */
export function hasLeft({ own }: SiblingsState): boolean {
  return own >= ROUNDS_TO_LEAVE;
}

/** Folds one round into what the earlier ones said. Coming back needs one round, leaving two. */
export function afterRound(state: SiblingsState, answers: readonly SiblingAnswer[]): SiblingsState {
  const finding = findingOf(answers);
  const why = describe(finding, answers);
  switch (finding) {
    case "own":
      return { finding, why, own: state.own + 1, unseen: 0 };
    case "unseen": {
      const unseen = state.unseen + 1;
      return { finding, why, own: unseen >= ROUNDS_TO_FORGET ? 0 : state.own, unseen };
    }
    case "shared":
    case "own_alone":
      return { finding, why, own: 0, unseen: 0 };
  }
}

/**
 * Reads a sibling's report.
 *
 * @param ours checks that make this pod ill: a sibling that begins to fail one of them is no proof of being well.
 */
export function answerOf({ status, ready, looks }: SidecarReport, ours: readonly string[]): SiblingAnswer {
  const counted = looks.filter((look) => look.inactive === null);
  switch (status) {
    case "unhealthy":
      return { kind: "ill", checks: [...new Set(counted.filter((look) => look.verdict === "unhealthy").map((look) => look.check))] };
    case "healthy":
    case "degraded": {
      const failing = counted.find((look) => look.run?.level === "fail" && ours.includes(look.check));
      return failing === undefined ? { kind: "well", ready } : { kind: "unknown", why: `its ${failing.check} begins to fail` };
    }
    case "unknown":
      return { kind: "unknown", why: "it has not judged itself yet" };
  }
}

function findingOf(answers: readonly SiblingAnswer[]): RoundFinding {
  const well = answers.filter((answer) => answer.kind === "well");
  const ill = answers.filter((answer) => answer.kind === "ill");
  const told = well.length + ill.length;
  if (told * 2 <= answers.length) return "unseen";
  if (well.length <= ill.length) return "shared";
  return well.some(({ ready }) => ready) ? "own" : "own_alone";
}

function describe(finding: RoundFinding, answers: readonly SiblingAnswer[]): string {
  const asked = answers.length === 1 ? "1 sibling asked" : `${answers.length} siblings asked`;
  const count = (kind: SiblingAnswer["kind"]): number => answers.filter((answer) => answer.kind === kind).length;
  switch (finding) {
    case "own":
      return `of ${asked} ${count("well")} are well`;
    case "own_alone":
      return `of ${asked} ${count("well")} are well, and none of them is ready to take the buyers`;
    case "shared":
      return `of ${asked} ${count("ill")} are unhealthy too (${illBy(answers)})`;
    case "unseen":
      return answers.length === 0 ? "there is no sibling to ask" : `of ${asked} ${count("unknown")} did not say how they are`;
  }
}

/** Names of checks in a sentence for people, at most. */
const MOST_NAMED = 5;

function illBy(answers: readonly SiblingAnswer[]): string {
  const checks = new Set(answers.flatMap((answer) => (answer.kind === "ill" ? answer.checks : [])));
  return [...checks].slice(0, MOST_NAMED).join(", ");
}
