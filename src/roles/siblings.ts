/**
 * Asks the siblings, the other pods of this one's workload, while this one is unhealthy; at no other time.
 *
 * Each is asked for `/health` with the peer token: one answer then has its status, its failing checks and
 * whether it is ready, all of one moment, where the bare words of `/health` and `/health/ready` would be
 * two, and could not tell a sibling that is ill and serves copies from one that is well.
 */
import { parseSidecarReport } from "../core/sidecar-report.ts";
import { afterRound, answerOf, NO_ROUND, SAMPLE, type SiblingAnswer, type SiblingsState } from "../core/siblings.ts";
import type { SiteStatus, StatusCause } from "../core/status.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { Secret } from "../config/secret.ts";
import type { Clock } from "../ports/clock.ts";
import type { Http } from "../ports/http.ts";
import type { Random } from "../ports/random.ts";
import type { Resolver } from "../ports/resolver.ts";

export type SiblingsParts = {
  readonly service: string;
  readonly port: number;
  readonly token: Secret;
  /** Where this one's own health listener answers, beside the addresses of its host. */
  readonly ownHost: string;
  readonly http: Http;
  readonly resolver: Resolver;
  readonly random: Random;
  readonly clock: Clock;
  /** Told when a round finds something else than the one before. Must not throw. */
  readonly found: (state: SiblingsState) => void;
};

export interface Siblings {
  /** The site's status as it is now, with what makes it so. Repeated calls do no harm. */
  judged(status: SiteStatus, causes: readonly StatusCause[]): void;
  state(): SiblingsState;
  /** Resolves once nothing runs any more. */
  stop(): Promise<void>;
}

/** A round starts no sooner after the start of the one before. */
const ROUND_EVERY: Ms = 5_000;
/** Resolving, and then asking all at once, have a second each: two for the round. */
const RESOLVE_WITHIN: Ms = 1_000;
const ANSWER_WITHIN: Ms = 1_000;
const MAX_BODY_BYTES = 256 * 1_024;

export function createSiblings(parts: SiblingsParts): Siblings {
  const { clock } = parts;
  const headers = { authorization: `Bearer ${parts.token.reveal()}`, accept: "application/health+json" };
  let state = NO_ROUND;
  /** Checks that make this one ill; null: it is not, so nobody is asked. */
  let ours: readonly string[] | null = null;
  let lastRoundAt: Instant = Number.NEGATIVE_INFINITY;
  let cancel = (): void => {};
  /** Of one illness; aborted when it is over. */
  let illness = new AbortController();
  let running: Promise<void> = Promise.resolve();
  let stopped = false;

  const round = async (signal: AbortSignal): Promise<void> => {
    if (signal.aborted) return;
    lastRoundAt = clock.now();
    const answers = await askSome(parts, headers, () => ours ?? [], signal);
    if (signal.aborted) return;
    const before = state;
    state = afterRound(before, answers);
    if (state.finding !== before.finding || state.own !== before.own) parts.found(state);
    next(signal);
  };
  const next = (signal: AbortSignal): void => {
    cancel = clock.after(Math.max(0, lastRoundAt + ROUND_EVERY - clock.now()), () => void (running = running.then(() => round(signal))));
  };
  const end = (): void => {
    cancel();
    illness.abort();
    ours = null;
    state = NO_ROUND;
  };

  return {
    judged(status, causes) {
      if (stopped) return;
      if (status !== "unhealthy") return ours === null ? undefined : end();
      const begins = ours === null;
      ours = causes.filter((cause) => cause.verdict === "unhealthy").map((cause) => cause.check);
      if (!begins) return;
      illness = new AbortController();
      next(illness.signal);
    },
    state: () => state,
    async stop() {
      stopped = true;
      end();
      await running;
    },
  };
}

/** One round: some of the others, all at once. No address at all is no answer either. */
async function askSome(parts: SiblingsParts, headers: Readonly<Record<string, string>>, ours: () => readonly string[], signal: AbortSignal): Promise<readonly SiblingAnswer[]> {
  const { service, resolver, ownHost, random } = parts;
  const resolved = await resolver.resolve(service, RESOLVE_WITHIN, signal);
  if (resolved.kind === "failed" || signal.aborted) return [];
  const own = new Set([...resolver.own(), ownHost]);
  const others = oneFamily(resolved.addresses).filter((address) => !own.has(address));
  return Promise.all(sample(others, random).map((address) => askOne(parts, address, headers, ours, signal)));
}

async function askOne({ http, port }: SiblingsParts, address: string, headers: Readonly<Record<string, string>>, ours: () => readonly string[], signal: AbortSignal): Promise<SiblingAnswer> {
  const url = `http://${address.includes(":") ? `[${address}]` : address}:${port}/health`;
  const answer = await http.request({ method: "GET", url, headers, deadlineMs: ANSWER_WITHIN, maxBodyBytes: MAX_BODY_BYTES, connection: "new", signal });
  if (answer.kind === "failed") return { kind: "unknown", why: answer.cause };
  if (answer.status !== 200 && answer.status !== 503) return { kind: "unknown", why: `it answered ${answer.status}` };
  const reading = parseSidecarReport(answer.bodyCut ? undefined : parsed(answer.body));
  return reading.kind === "report" ? answerOf(reading.report, ours()) : { kind: "unknown", why: reading.why };
}

/** Where both families are published, a pod has an address of each and would count twice. */
function oneFamily(addresses: readonly string[]): readonly string[] {
  const four = addresses.filter((address) => !address.includes(":"));
  return four.length > 0 ? four : addresses;
}

/** At most SAMPLE of them, each as likely as the others. */
function sample(addresses: readonly string[], random: Random): readonly string[] {
  const left = [...addresses];
  const taken: string[] = [];
  while (taken.length < SAMPLE && left.length > 0) taken.push(...left.splice(Math.floor(random.next() * left.length), 1));
  return taken;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
