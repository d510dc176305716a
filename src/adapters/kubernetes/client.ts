/**
 * Calls and watches on one API server. To be imported lazily: see sdk.ts.
 *
 * What @kubernetes/client-node leaves open is closed here, all of it seen: a connection for every call, no
 * deadline, bodies without a bound, a watch that swallows exceptions and ends without a word.
 */
import {
  AppsV1Api,
  AuthorizationV1Api,
  AutoscalingV2Api,
  CoordinationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  DiscoveryV1Api,
  EventsV1Api,
  Observable,
  PolicyV1Api,
  ServerConfiguration,
  V1MicroTime,
  Watch,
  createConfiguration,
} from "./sdk.ts";
import type { ConfigurationOptions, ObservableMiddleware, RequestContext } from "@kubernetes/client-node";
import type { Ms } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";
import { ClusterError, FIELD_MANAGER } from "../../ports/cluster.ts";
import { clusterError } from "./failures.ts";
import { MAX_BODY_BYTES, createBoundedHttp } from "./bounded-http.ts";
import { PooledConfig } from "./pooled-config.ts";

export { V1MicroTime };

/** One call, retries none. Below the 5 s after which nobody may act on a decision any more. */
export const CALL_DEADLINE_MS: Ms = 4_500;

export { FIELD_MANAGER };

export type KubernetesAccess =
  /** The service account mounted into our own pod; `root`: below another folder, as tools mount it that bring a pod's world to a desk. */
  | { readonly kind: "in_cluster"; readonly root?: string }
  | { readonly kind: "kubeconfig"; readonly file: string; readonly context?: string };

export type KubernetesClientOptions = {
  readonly clock: Clock;
  readonly access: KubernetesAccess;
  /** The access's own by default, else "default". */
  readonly namespace?: string;
  readonly callDeadlineMs?: Ms;
  readonly maxBodyBytes?: number;
};

/** What each call of a generated API takes as its last argument. */
export type CallOptions = ConfigurationOptions<ObservableMiddleware>;

export type PatchType = "application/json-patch+json" | "application/merge-patch+json";

/** How a watch ended. */
export type WatchEnd =
  /** By the server, at the end of the time asked for. */
  | { readonly kind: "closed" }
  /** Its version is forgotten: list anew. */
  | { readonly kind: "expired" }
  | { readonly kind: "failed"; readonly error: ClusterError };

export type WatchCall = {
  readonly path: string;
  /** How long the server is asked to keep it open. One that says nothing for longer does not answer any more. */
  readonly forMs: Ms;
  readonly query: Readonly<Record<string, string>>;
  readonly opened: () => void;
  /** Objects as JSON gave them: dates are text. */
  readonly event: (phase: string, object: unknown) => void;
  readonly signal: AbortSignal;
};

export type KubernetesClient = ReturnType<typeof createKubernetesClient>;

/**
 * Reads the configuration; connects to nothing.
 *
 * @throws {ClusterError} `INVALID` when the configuration names no server.
 */
export function createKubernetesClient({ clock, access, namespace, callDeadlineMs = CALL_DEADLINE_MS, maxBodyBytes = MAX_BODY_BYTES }: KubernetesClientOptions) {
  const config = open(access);
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw new ClusterError("INVALID", "the Kubernetes configuration names no current cluster");
  const configuration = createConfiguration({
    baseServer: new ServerConfiguration(server, {}),
    authMethods: { default: config },
    httpApi: createBoundedHttp(maxBodyBytes),
  });
  const call = createCall(clock, callDeadlineMs);
  return {
    server,
    namespace: namespace ?? config.getContextObject(config.getCurrentContext())?.namespace ?? "default",
    clock,
    apps: new AppsV1Api(configuration),
    authorization: new AuthorizationV1Api(configuration),
    autoscaling: new AutoscalingV2Api(configuration),
    coordination: new CoordinationV1Api(configuration),
    core: new CoreV1Api(configuration),
    custom: new CustomObjectsApi(configuration),
    discovery: new DiscoveryV1Api(configuration),
    events: new EventsV1Api(configuration),
    policy: new PolicyV1Api(configuration),
    call,
    within: createWithin(clock, callDeadlineMs),
    watch: (watched: WatchCall) => watchOnce(config, clock, callDeadlineMs, watched),
    close: () => config.close(),
  };
}

function open(access: KubernetesAccess): PooledConfig {
  const config = new PooledConfig();
  try {
    if (access.kind === "in_cluster") config.loadFromCluster(access.root);
    else config.loadFromFile(access.file);
  } catch (error) {
    throw new ClusterError("INVALID", `the Kubernetes configuration cannot be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  if (access.kind === "kubeconfig" && access.context !== undefined) config.setCurrentContext(access.context);
  return config;
}

export type Call = <T>(what: string, signal: AbortSignal, run: (options: CallOptions) => Promise<T>, patch?: PatchType) => Promise<T>;

/** Every call to the cluster passes here: its deadline, the caller's signal, and one kind of error. `what` begins the message: "evict pod web-1". */
function createCall(clock: Clock, deadlineMs: Ms): Call {
  return async (what, signal, run, patch) => {
    const own = new AbortController();
    const cancel = clock.after(deadlineMs, () => own.abort());
    const both = AbortSignal.any([signal, own.signal]);
    const abort = whenAborted(both);
    try {
      return await Promise.race([run(optionsOf(both, patch)), abort.happened]);
    } catch (error) {
      if (signal.aborted) throw new ClusterError("UNAVAILABLE", `${what}: ${signal.reason instanceof OutOfTime ? signal.reason.message : "the caller gave up"}`, { cause: error });
      if (own.signal.aborted) throw new ClusterError("UNAVAILABLE", `${what}: no answer within ${deadlineMs} ms`, { cause: error });
      throw clusterError(what, error);
    } finally {
      cancel();
      abort.forget();
    }
  };
}

class OutOfTime extends Error {}

export type Within = <T>(signal: AbortSignal, run: (signal: AbortSignal) => Promise<T>) => Promise<T>;

/** Several calls that are one change: one deadline for all of them. */
function createWithin(clock: Clock, deadlineMs: Ms): Within {
  return async (signal, run) => {
    const own = new AbortController();
    const cancel = clock.after(deadlineMs, () => own.abort(new OutOfTime(`no answer within ${deadlineMs} ms`)));
    try {
      return await run(AbortSignal.any([signal, own.signal]));
    } finally {
      cancel();
    }
  };
}

/**
 * What reads the token or runs a login program does not listen to signals; so the wait ends by itself.
 * Unless forgotten, a signal made of others stays for as long as they do, and every answer with it (seen: 165 MB).
 */
function whenAborted(signal: AbortSignal): { readonly happened: Promise<never>; readonly forget: () => void } {
  let fail = (): void => {};
  const happened = new Promise<never>((_, reject) => {
    fail = () => reject(new ClusterError("UNAVAILABLE", "aborted"));
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
  return { happened, forget: () => signal.removeEventListener("abort", fail) };
}

function optionsOf(signal: AbortSignal, patch: PatchType | undefined): CallOptions {
  return {
    middleware: [
      {
        pre: (request: RequestContext) => {
          request.setSignal(signal);
          request.setHeaderParam("User-Agent", FIELD_MANAGER);
          // The client sends every patch as a JSON patch otherwise.
          if (patch !== undefined) request.setHeaderParam("Content-Type", patch);
          return new Observable(Promise.resolve(request));
        },
        post: (response) => new Observable(Promise.resolve(response)),
      },
    ],
    middlewareMergeStrategy: "append",
  };
}

/** One watch from its opening to its end; never rejects. */
function watchOnce(config: PooledConfig, clock: Clock, deadlineMs: Ms, { path, forMs, query, opened, event, signal }: WatchCall): Promise<WatchEnd> {
  return new Promise((resolve) => {
    const stop = new AbortController();
    let first: WatchEnd | null = null;
    const end = (how: WatchEnd): void => {
      first ??= how;
      cancel();
      signal.removeEventListener("abort", leave);
      stop.abort();
      resolve(first);
    };
    const failed = (error: unknown): void => end(isExpired(error) ? { kind: "expired" } : { kind: "failed", error: clusterError(`watch ${path}`, error) });
    const leave = (): void => end({ kind: "closed" });
    const endsWithin = (ms: Ms): (() => void) => clock.after(ms, () => failed(new ClusterError("UNAVAILABLE", `watch ${path}: no answer within ${ms} ms`)));
    let cancel = endsWithin(deadlineMs);
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) return leave();

    const take = (phase: string, object: unknown): void => {
      if (first !== null) return;
      try {
        if (phase === "ERROR") failed(object);
        else event(phase, object);
      } catch (error) {
        // The client would swallow it and go on with a hole in the picture.
        failed(error);
      }
    };
    const timed = { ...query, timeoutSeconds: String(Math.ceil(forMs / 1_000)) };
    new Watch(config).watch(path, timed, take, (error: unknown) => (error === null || error === undefined ? end({ kind: "closed" }) : failed(error))).then((running) => {
      if (stop.signal.aborted) return running.abort();
      stop.signal.addEventListener("abort", () => running.abort(), { once: true });
      cancel();
      if (running.signal.aborted) return;
      // Counted from its opening, not from its last event: the server must close it in time whatever happens.
      cancel = endsWithin(forMs + deadlineMs);
      opened();
    }, failed);
  });
}

/** 410, as a status of HTTP or as an object within a stream that began with 200. */
function isExpired(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  return ("statusCode" in error && error.statusCode === 410) || ("code" in error && error.code === 410);
}
