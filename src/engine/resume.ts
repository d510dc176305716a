/**
 * The first question of a new process: what became of the intents without an outcome?
 *
 * Landed: it awaits verification. Not landed: recorded as not carried out, and a new decision
 * may act anew. Unreadable: uncertain, alerted, never repeated; or asked again, where that can be read later as well. Where repeating
 * is harmless (an alert with the same key, the same hold) it is simply repeated.
 */
import type { Intent, IntentState } from "../core/intent.ts";
import type { Instant } from "../core/time.ts";
import { because, carryOut, readBack } from "./carry-out.ts";
import type { CarryOutParts } from "./carry-out.ts";

/**
 * The state an interrupted intent gets. Never rejects.
 *
 * @param unread since when this process asks for it, and how its action ended where this process carried it out.
 */
export async function settleInterrupted(intent: Intent, parts: CarryOutParts, unread: { readonly sentAt: Instant; readonly why: string }, signal?: AbortSignal): Promise<IntentState> {
  const repeatable = parts.remedies.get(intent.proposal.remedy)?.repeatable === true;
  if (repeatable) return (await carryOut(intent, parts, signal)).state;
  return because(await readBack(intent, parts, unread.sentAt, signal), unread.why);
}

/**
 * An intent that waited for its verification while nobody looked gets its whole time again:
 * the check states are new as well.
 */
export function renewVerification(intent: Intent, now: number): IntentState {
  if (intent.state.phase !== "awaiting_verification") return intent.state;
  return { ...intent.state, verifyBy: Math.max(intent.state.verifyBy, now + intent.verifyWithin) };
}
