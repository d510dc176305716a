/**
 * Calls to Route 53: each with a deadline, the caller's signal, one kind of error, and repeats of our own that end in time.
 * The SDK's would wait as long as it likes.
 */
import type { HealthCheck, ResourceRecordSet } from "@aws-sdk/client-route-53";
import type { Ms } from "../../core/time.ts";
import { Secret } from "../../config/secret.ts";
import { sleep, type Clock } from "../../ports/clock.ts";
import type { Budget } from "./budget.ts";
import type { Change } from "./changes.ts";
import { callError, CallError } from "./failures.ts";
import { boundAnswers } from "./bounded-answers.ts";
import { canonicalName } from "./records.ts";
import { ChangeResourceRecordSetsCommand, GetChangeCommand, GetHealthCheckCommand, ListResourceRecordSetsCommand, Route53Client } from "./sdk.ts";


/** What of one call is waited for, at most. */
export const ATTEMPT_MS: Ms = 1_400;
/** Of the SDK's own timers; ours come first. */
const BACKSTOP_MS: Ms = 5_000;
/** Before each repeat. Route 53 refills its budget by ten requests a second. */
const PAUSES_MS: readonly Ms[] = [150, 350, 800];
/** A name and type has one record set, or two of a failover pair. */
const PAGE = 3;
const MAX_SETS = 10;
const CONNECTIONS = 8;

export type Route53Credentials = {
  readonly accessKeyId: string | Secret;
  readonly secretAccessKey: Secret;
  /** Of temporary credentials. */
  readonly sessionToken?: Secret;
};

export type CallsOptions = {
  readonly clock: Clock;
  readonly zoneId: string;
  /** null: the SDK's own chain (environment, profile, web identity, container, instance). */
  readonly credentials: Route53Credentials | null;
  /** Default: that of AWS. */
  readonly endpoint?: string;
  /** Of the signature. Default "us-east-1". */
  readonly region?: string;
};

type Applied = { readonly id: string; readonly everywhere: boolean };

export class Route53Calls {
  readonly #clock: Clock;
  readonly #zone: string;
  readonly #client: Route53Client;
  readonly #secrets: readonly Secret[];

  constructor({ clock, zoneId, credentials, endpoint, region = "us-east-1" }: CallsOptions) {
    this.#clock = clock;
    this.#zone = zoneId;
    this.#secrets = credentials === null ? [] : Object.values(credentials).filter((value) => value instanceof Secret);
    this.#client = new Route53Client({
      region,
      maxAttempts: 1,
      requestHandler: { connectionTimeout: BACKSTOP_MS, requestTimeout: BACKSTOP_MS, httpsAgent: { keepAlive: true, maxSockets: CONNECTIONS }, httpAgent: { keepAlive: true, maxSockets: CONNECTIONS } },
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(credentials === null ? {} : { credentials: revealed(credentials) }),
    });
    boundAnswers(this.#client);
  }

  /** All record sets of a name and type. */
  list(name: string, type: string, budget: Budget): Promise<readonly ResourceRecordSet[]> {
    return this.#repeating(`read ${canonicalName(name)} ${type}`, budget, (error) => error.passing || error.code === "UNAVAILABLE", async (what) => {
      const found: ResourceRecordSet[] = [];
      for (let from: string | undefined; found.length < MAX_SETS; ) {
        const command = new ListResourceRecordSetsCommand({ HostedZoneId: this.#zone, StartRecordName: canonicalName(name), StartRecordType: type as "A", MaxItems: PAGE, ...(from === undefined ? {} : { StartRecordIdentifier: from }) });
        const page = await this.#send(what, budget, (abortSignal) => this.#client.send(command, { abortSignal }));
        if (page.ResourceRecordSets === undefined) throw new CallError("UNAVAILABLE", `${what}: an answer without records`);
        const ours = page.ResourceRecordSets.filter((set) => isOf(set.Name, set.Type, name, type));
        found.push(...ours);
        from = page.NextRecordIdentifier;
        if (ours.length < page.ResourceRecordSets.length || page.IsTruncated !== true || from === undefined || !isOf(page.NextRecordName, page.NextRecordType, name, type)) break;
      }
      return found;
    });
  }

  /** Sent again only where Route 53 has said that it did nothing, or where it was not reached. */
  change(what: string, changes: readonly Change[], budget: Budget): Promise<Applied> {
    const batch = changes.map(({ action, name, type, ttl, values }) => ({
      Action: action,
      ResourceRecordSet: { Name: name, Type: type as "A", TTL: ttl, ResourceRecords: values.map((Value) => ({ Value })) },
    }));
    return this.#repeating(what, budget, (error) => error.passing || (error.code === "UNAVAILABLE" && !error.maybeDone), async () => {
      const command = new ChangeResourceRecordSetsCommand({ HostedZoneId: this.#zone, ChangeBatch: { Changes: batch } });
      const { ChangeInfo } = await this.#send(what, budget, (abortSignal) => this.#client.send(command, { abortSignal }));
      if (ChangeInfo?.Id === undefined) throw new CallError("UNAVAILABLE", `${what}: an answer that says nothing`, { maybeDone: true });
      return { id: ChangeInfo.Id, everywhere: ChangeInfo.Status === "INSYNC" };
    });
  }

  /** Whether all of Route 53's servers answer so by now; false also where it cannot be asked. */
  async everywhere(id: string, budget: Budget): Promise<boolean> {
    try {
      const command = new GetChangeCommand({ Id: id });
      const { ChangeInfo } = await this.#send("read the change", budget, (abortSignal) => this.#client.send(command, { abortSignal }));
      return ChangeInfo?.Status === "INSYNC";
    } catch {
      return false;
    }
  }

  healthCheck(id: string, budget: Budget): Promise<HealthCheck | undefined> {
    return this.#repeating(`read the health check ${id}`, budget, (error) => error.passing || error.code === "UNAVAILABLE", async (what) => {
      const command = new GetHealthCheckCommand({ HealthCheckId: id });
      return (await this.#send(what, budget, (abortSignal) => this.#client.send(command, { abortSignal }))).HealthCheck;
    });
  }

  close(): void {
    this.#client.destroy();
  }

  /** Where time runs out in a repeat, what Route 53 has answered before says more than that; unless the repeat may have done something. */
  async #repeating<T>(what: string, budget: Budget, mayRepeat: (error: CallError) => boolean, run: (what: string) => Promise<T>): Promise<T> {
    let answered: CallError | null = null;
    for (let tries = 0; ; tries++) {
      try {
        return await run(what);
      } catch (error) {
        const failure = callError(what, error);
        if (answered !== null && budget.signal.aborted && mayRepeat(failure)) throw answered;
        if (failure.said !== "") answered = failure;
        const pause = PAUSES_MS[tries];
        if (pause === undefined || budget.leftMs() <= pause || !mayRepeat(failure)) throw failure;
        await sleep(this.#clock, pause, budget.signal);
      }
    }
  }

  /** What looks for credentials does not listen to signals; so the wait ends by itself. */
  async #send<T>(what: string, budget: Budget, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (budget.signal.aborted) throw new CallError("UNAVAILABLE", `${what}: ${budget.why()}`);
    const own = new AbortController();
    const cancel = this.#clock.after(ATTEMPT_MS, () => own.abort());
    const both = AbortSignal.any([budget.signal, own.signal]);
    let stop = (): void => {};
    const ended = new Promise<never>((_, reject) => {
      stop = () => reject(new CallError("UNAVAILABLE", `${what}: ${budget.signal.aborted ? budget.why() : `no answer within ${ATTEMPT_MS} ms`}`, { maybeDone: true }));
      both.addEventListener("abort", stop, { once: true });
    });
    try {
      return await Promise.race([ended, send(both)]);
    } catch (error) {
      throw this.#concealed(callError(what, error));
    } finally {
      cancel();
      both.removeEventListener("abort", stop);
    }
  }

  #concealed(error: CallError): CallError {
    const message = Secret.conceal(error.message, this.#secrets, null);
    return message === error.message ? error : new CallError(error.code, message, error);
  }
}

function revealed({ accessKeyId, secretAccessKey, sessionToken }: Route53Credentials): { accessKeyId: string; secretAccessKey: string; sessionToken?: string } {
  return {
    accessKeyId: typeof accessKeyId === "string" ? accessKeyId : accessKeyId.reveal(),
    secretAccessKey: secretAccessKey.reveal(),
    ...(sessionToken === undefined ? {} : { sessionToken: sessionToken.reveal() }),
  };
}

function isOf(foundName: string | undefined, foundType: string | undefined, name: string, type: string): boolean {
  return foundType === type && canonicalName(foundName ?? "") === canonicalName(name);
}
