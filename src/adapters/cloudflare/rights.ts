/**
 * What the credentials are good for: verified, and proven by a write that changes nothing.
 */
import { parseMark } from "../../core/region/mark.ts";
import { proofOf, TrafficError, type RightsProof } from "../../ports/traffic.ts";
import type { CloudflareClient, Until } from "./client.ts";
import type { Ask, Facts, Place } from "./place.ts";
import { on, VERIFY_ACCOUNT_TOKEN, VERIFY_USER_TOKEN, type TokenState } from "./schemas.ts";

const EXPIRES_SOON_MS = 14 * 86_400_000;

export type RightsOptions<F extends Facts> = {
  readonly site: string;
  readonly client: CloudflareClient;
  /** Set: the token may be one that this account owns. */
  readonly accountId: string | null;
  /** At most MAX_ENTRIES. */
  readonly places: readonly Place<F>[];
  /** Where rights are proven; null: on the first of `places`. */
  readonly shadow: Place<F> | null;
  /** What else is to be told of the surroundings, one sentence each. @throws {TrafficError} */
  readonly survey: (ask: Ask) => Promise<readonly string[]>;
};

type Round = { readonly wall: number; readonly ask: Ask; readonly until: Until };
type Finding = { readonly ok: boolean; readonly text: string };

const good = (text: string): Finding => ({ ok: true, text });
const bad = (text: string): Finding => ({ ok: false, text });

/** @throws {TrafficError} RATE_LIMITED or UNAVAILABLE: nothing was proven, either way. */
export async function proveRights<F extends Facts>(options: RightsOptions<F>, round: Round): Promise<RightsProof> {
  const token = await verifyToken(options.accountId, round);
  if (token.some(({ ok }) => !ok)) return proofOf(token);
  const [standing, written, around] = await Promise.all([readAll(options, round), write(options, round), survey(options, round)]);
  return proofOf([...token, ...written, ...standing, ...around]);
}

async function verifyToken(accountId: string | null, { ask, wall }: Round): Promise<readonly Finding[]> {
  const owned = accountId === null ? null : await unlessRefused(ask(on(VERIFY_ACCOUNT_TOKEN, [accountId])));
  if (owned !== null && !(owned instanceof TrafficError)) return [good("the token is owned by the account: no other one's calls count against its rate limit"), ...judged(owned, wall)];
  const users = await unlessRefused(ask(on(VERIFY_USER_TOKEN, [])));
  if (users instanceof TrafficError) return [bad(`the token is not accepted: ${users.message}`)];
  return [good("the token is a user's: the dashboard and all tokens of that user share its rate limit, and its lock-out; an account-owned token has its own"), ...judged(users, wall)];
}

function judged({ status, expires_on }: TokenState, wall: number): readonly Finding[] {
  if (status !== "active") return [bad(`the token is ${status}`)];
  const left = expires_on === undefined || expires_on === null ? Number.NaN : Date.parse(expires_on) - wall;
  if (Number.isNaN(left)) return [];
  return [left < EXPIRES_SOON_MS ? bad(`the token expires at ${expires_on}, in less than 14 days`) : good(`the token expires at ${expires_on}`)];
}

async function readAll<F extends Facts>({ places }: RightsOptions<F>, { ask }: Round): Promise<readonly Finding[]> {
  const found = await Promise.all(places.map(async (place) => ({ place, facts: await unlessRefused(place.look(ask)) })));
  return found.flatMap(({ place, facts }) => (facts instanceof TrafficError ? [bad(`${place.name} cannot be read: ${facts.message}`)] : place.drift(facts).map((text) => good(`${place.name}: ${text}`))));
}

/** Of what bears another's mark or words, nothing is written, not even what it already says. */
async function write<F extends Facts>({ client, places, shadow, site }: RightsOptions<F>, { ask, until }: Round): Promise<readonly Finding[]> {
  const place = shadow ?? places[0];
  if (place === undefined) return [];
  const facts = await unlessRefused(place.look(ask));
  if (facts instanceof TrafficError) return shadow === null ? [] : [bad(`the shadow ${place.name} cannot be read: ${facts.message}`)];
  const unmarkedShadow = shadow !== null && facts.comment === "";
  if (!unmarkedShadow && parseMark(facts.comment)?.site !== site) return [bad(`that it may write is not proven: ${place.name} bears no mark of ${site}, and a record of others is not touched`)];
  const { target, body } = place.idle(facts);
  const written = await unlessRefused(client.patch(target, body, until));
  if (written instanceof TrafficError) return [bad(`the token may not write: ${written.message}`)];
  if (written.kind === "uncertain") throw new TrafficError("UNAVAILABLE", written.detail);
  return [good(`the token may write: a change of nothing was accepted on ${place.name}`)];
}

async function survey<F extends Facts>(options: RightsOptions<F>, { ask }: Round): Promise<readonly Finding[]> {
  const told = await unlessRefused(options.survey(ask));
  return told instanceof TrafficError ? [bad(told.message)] : told.map(good);
}

/** @throws {TrafficError} where nothing was learned. */
function unlessRefused<T>(asked: Promise<T>): Promise<T | TrafficError> {
  return asked.catch((error: unknown) => {
    if (error instanceof TrafficError && error.code !== "RATE_LIMITED" && error.code !== "UNAVAILABLE") return error;
    throw error;
  });
}
