/** What an error of the cluster means for an action on it. */
import type { Wait } from "../core/proposal.ts";
import { ClusterError } from "../ports/cluster.ts";
import type { ReadBack } from "../ports/remedy.ts";
import { ActionError } from "../ports/remedy.ts";

/** Of a reading before anything was written: whatever the cluster said, nothing has happened. */
export function notBegun(error: unknown): never {
  if (!(error instanceof ClusterError)) throw error;
  throw new ActionError("REFUSED", `could not be looked at: ${error.message}`, { cause: error });
}

/** Of a write: no answer means that nobody knows; any other answer, that nothing was written. `right`: "create pods/eviction". */
export function ofWrite(right: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof ClusterError)) throw error;
    throw new ActionError(error.code === "UNAVAILABLE" ? "UNCERTAIN" : "REFUSED", wordsOf(error, right), { cause: error });
  };
}

/** Of a question whether it may be done: a right that is missing holds it until somebody grants that; anything else is thrown on. */
export function heldBy(error: unknown, right: string): Wait {
  if (error instanceof ClusterError && error.code === "FORBIDDEN") return { guard: "unavailable", reason: wordsOf(error, right), until: null };
  throw error;
}

export function unreadable(error: unknown): ReadBack {
  if (!(error instanceof ClusterError)) throw error;
  return { kind: "unreadable", reason: `the cluster could not be asked: ${error.message}` };
}

function wordsOf(error: ClusterError, right: string): string {
  return error.code === "FORBIDDEN" ? `${error.message} (it needs the right to ${right})` : error.message;
}
