/** A watch on the simulated cluster: the objects as they were when it last could look. */
import type { Autoscaler, Budget, Deployment, Endpoint, Pod } from "../core/cluster.ts";
import { selects, withZones } from "../core/cluster.ts";
import type { Instant } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import { CLUSTER_KINDS } from "../ports/cluster.ts";
import type { ClusterErrorCode, ClusterKind, ClusterWatch, Sight, WatchOptions } from "../ports/cluster.ts";
import { parseLabelQuery } from "./label-query.ts";

/** What stands in the cluster; changed by SimulatedCluster only, which tells the watches. */
export type SimulatedObjects = {
  readonly pods: Map<string, Pod>;
  readonly endpoints: Map<string, readonly Endpoint[]>;
  readonly autoscalers: Map<string, Autoscaler>;
  readonly budgets: Map<string, Budget>;
  readonly deployments: Map<string, Deployment>;
};

/** Why nothing answers. */
export type Outage = { readonly code: ClusterErrorCode; readonly detail: string };

export class SimulatedWatch implements ClusterWatch {
  readonly #clock: Clock;
  readonly #objects: SimulatedObjects;
  readonly #options: WatchOptions;
  readonly #ended: () => void;
  #picture: SimulatedObjects | null = null;
  #sight: Sight = { state: "starting" };
  #staleSince: Instant = -Infinity;
  readonly #awaiting = new Set<(seen: boolean) => void>();

  constructor(clock: Clock, objects: SimulatedObjects, options: WatchOptions, ended: () => void) {
    this.#clock = clock;
    this.#objects = objects;
    this.#options = options;
    this.#ended = ended;
  }

  pods(): readonly Pod[] {
    const { selector } = this.#options;
    const pods = this.#picture === null ? [] : withZones(this.#picture.pods.values(), [...this.#picture.endpoints.values()].flat());
    return selector === undefined ? pods : pods.filter((pod) => selects(parseLabelQuery(selector), pod.labels));
  }

  endpoints(service: string): readonly Endpoint[] {
    return this.#picture?.endpoints.get(service) ?? [];
  }

  autoscalers(): readonly Autoscaler[] {
    return [...(this.#picture?.autoscalers.values() ?? [])];
  }

  budgets(): readonly Budget[] {
    return [...(this.#picture?.budgets.values() ?? [])];
  }

  deployments(): readonly Deployment[] {
    return [...(this.#picture?.deployments.values() ?? [])];
  }

  sight(): Sight {
    return this.#sight;
  }

  staleForMs(): number {
    return this.#sight.state === "seeing" ? 0 : this.#clock.now() - this.#staleSince;
  }

  async seen(signal: AbortSignal): Promise<boolean> {
    if (this.#picture !== null) return true;
    if (signal.aborted) return false;
    return new Promise((resolve) => {
      const settle = (answer: boolean): void => {
        this.#awaiting.delete(settle);
        resolve(answer);
      };
      this.#awaiting.add(settle);
      signal.addEventListener("abort", () => settle(false), { once: true });
    });
  }

  async stop(): Promise<void> {
    this.#ended();
    for (const settle of this.#awaiting) settle(false);
  }

  changed(kind: ClusterKind): void {
    if (this.#sight.state !== "seeing") return;
    this.#look();
    if (this.#options.kinds?.includes(kind) !== false) this.#options.changed?.(kind);
  }

  outage(outage: Outage | null): void {
    if (outage === null) {
      this.#sight = { state: "seeing", cut: 0 };
      this.#look();
      for (const settle of this.#awaiting) settle(true);
    } else {
      if (this.#sight.state === "seeing") this.#staleSince = this.#clock.now();
      this.#sight = { state: "blind", since: this.#clock.now(), ...outage };
    }
    for (const kind of this.#options.kinds ?? CLUSTER_KINDS) this.#options.sighted?.(kind, this.#sight);
  }

  #look(): void {
    const { pods, endpoints, autoscalers, budgets, deployments } = this.#objects;
    this.#picture = { pods: new Map(pods), endpoints: new Map(endpoints), autoscalers: new Map(autoscalers), budgets: new Map(budgets), deployments: new Map(deployments) };
  }
}
