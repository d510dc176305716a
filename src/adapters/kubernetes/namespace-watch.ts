/** The picture of a namespace: one reflector per kind, and what their objects say together. */
import type { Autoscaler, Budget, Deployment, Endpoint, Pod } from "../../core/cluster.ts";
import { withZones } from "../../core/cluster.ts";
import type { Ms } from "../../core/time.ts";
import { CLUSTER_KINDS } from "../../ports/cluster.ts";
import type { ClusterKind, ClusterWatch, Sight, WatchOptions } from "../../ports/cluster.ts";
import type { Random } from "../../ports/random.ts";
import type { KubernetesClient } from "./client.ts";
import { autoscalerSource, budgetSource, deploymentSource, podSource, sliceSource } from "./lists.ts";
import type { Source } from "./lists.ts";
import { REFLECTOR_TIMES, Reflector } from "./reflector.ts";
import { mergeSlices } from "./workloads.ts";
import type { Slice } from "./workloads.ts";

/** Begins to watch at once. `ended`: it was stopped. */
export function watchNamespace(client: KubernetesClient, random: Random, options: WatchOptions, ended: () => void): ClusterWatch {
  const watch = new NamespaceWatch(client, random, options, ended);
  watch.start();
  return watch;
}

type Reflectors = {
  readonly pods?: Reflector<Pod>;
  readonly endpoints?: Reflector<Slice>;
  readonly autoscalers?: Reflector<Autoscaler>;
  readonly budgets?: Reflector<Budget>;
  readonly deployments?: Reflector<Deployment>;
};

class NamespaceWatch implements ClusterWatch {
  readonly #kinds: readonly ClusterKind[];
  readonly #reflectors: Reflectors;
  readonly #ended: () => void;
  readonly #stopping = new AbortController();
  readonly #awaiting = new Set<() => void>();
  #pods: readonly Pod[] | null = null;

  constructor(client: KubernetesClient, random: Random, { kinds = CLUSTER_KINDS, selector, changed, sighted }: WatchOptions, ended: () => void) {
    this.#kinds = kinds;
    this.#ended = ended;
    const reflect = <T extends { readonly name: string }>(source: Source<T>): Reflector<T> =>
      new Reflector({
        client,
        random,
        source,
        times: REFLECTOR_TIMES,
        changed: () => {
          if (source.kind === "pods" || source.kind === "endpoints") this.#pods = null;
          changed?.(source.kind);
        },
        sighted: (sight) => {
          sighted?.(source.kind, sight);
          for (const ask of this.#awaiting) ask();
        },
      });
    this.#reflectors = {
      ...(kinds.includes("pods") ? { pods: reflect(podSource(selector ?? null)) } : {}),
      ...(kinds.includes("endpoints") ? { endpoints: reflect(sliceSource(null)) } : {}),
      ...(kinds.includes("autoscalers") ? { autoscalers: reflect(autoscalerSource) } : {}),
      ...(kinds.includes("budgets") ? { budgets: reflect(budgetSource) } : {}),
      ...(kinds.includes("deployments") ? { deployments: reflect(deploymentSource) } : {}),
    };
  }

  start(): void {
    for (const reflector of Object.values(this.#reflectors)) reflector.start();
  }

  pods(): readonly Pod[] {
    this.#pods ??= withZones(this.#reflectors.pods?.objects() ?? [], this.#slices().flatMap(({ endpoints }) => endpoints));
    return this.#pods;
  }

  endpoints(service: string): readonly Endpoint[] {
    return mergeSlices(this.#slices().filter((slice) => slice.service === service));
  }

  autoscalers(): readonly Autoscaler[] {
    return [...(this.#reflectors.autoscalers?.objects() ?? [])];
  }

  budgets(): readonly Budget[] {
    return [...(this.#reflectors.budgets?.objects() ?? [])];
  }

  deployments(): readonly Deployment[] {
    return [...(this.#reflectors.deployments?.objects() ?? [])];
  }

  sight(kind: ClusterKind): Sight {
    return this.#reflectors[kind]?.sight() ?? { state: "starting" };
  }

  staleForMs(kind?: ClusterKind): Ms {
    const kinds = kind === undefined ? this.#kinds : [kind];
    return Math.max(...kinds.map((one) => this.#reflectors[one]?.staleForMs() ?? Infinity));
  }

  seen(signal: AbortSignal): Promise<boolean> {
    const until = AbortSignal.any([signal, this.#stopping.signal]);
    return new Promise((resolve) => {
      const settle = (answer: boolean): void => {
        this.#awaiting.delete(ask);
        until.removeEventListener("abort", leave);
        resolve(answer);
      };
      const leave = (): void => settle(false);
      const ask = (): void => {
        if (this.#kinds.every((kind) => Number.isFinite(this.staleForMs(kind)))) settle(true);
      };
      this.#awaiting.add(ask);
      until.addEventListener("abort", leave, { once: true });
      if (until.aborted) leave();
      else ask();
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#ended();
    await Promise.all(Object.values(this.#reflectors).map((reflector) => reflector.stop()));
  }

  #slices(): readonly Slice[] {
    return [...(this.#reflectors.endpoints?.objects() ?? [])];
  }
}
