/**
 * A daemon's looks at all regions, from its start to its end: by themselves while it stands by, as a part of the loop
 * while it leads. So a new leader decides on what it has seen before it led.
 */
import type { Logger } from "pino";
import { createRegionEyes } from "../adapters/http-region-eyes.ts";
import { createSystemRandom } from "../adapters/system-random.ts";
import { createTcpConnect } from "../adapters/tcp-connect.ts";
import type { Config } from "../config/config.ts";
import type { RegionsConfig } from "../config/regions-config.ts";
import type { Ms } from "../core/time.ts";
import { RegionWatch } from "../engine/region/watch.ts";
import type { Clock } from "../ports/clock.ts";
import type { Http } from "../ports/http.ts";
import type { RegionEyes } from "../ports/region-eyes.ts";
import type { Tcp } from "../ports/tcp.ts";

export type RegionLookout = {
  readonly watch: RegionWatch;
  readonly eyes: RegionEyes;
  /**
   * From now on `loop` is stepped in place of the looks, which are a part of its steps; at once, since it may have to
   * decide. @returns gives the looks back.
   */
  follow(loop: Stepping, signal: AbortSignal): () => void;
  close(): Promise<void>;
};

export type LookoutParts = {
  readonly regions: RegionsConfig;
  readonly connectivity: Config["connectivity"];
  /** Open until the lookout is closed. */
  readonly http: Http;
  readonly clock: Clock;
  readonly log: Logger;
};

type Stepping = { step(signal: AbortSignal): Promise<unknown> };

/** Begins to look. */
export function openLookout({ regions, connectivity, http, clock, log }: LookoutParts): RegionLookout {
  const tcp = createTcpConnect(clock);
  const eyes = eyesOf(regions, connectivity, http, tcp, log);
  const watch = new RegionWatch({ observer: regions.me, plan: regions.plan, eyes, clock });
  const stopping = new AbortController();
  const pace = (one: Stepping, signal: AbortSignal): (() => void) => stepping(one, regions.plan.rules.lookEvery, clock, log, signal);
  let rest = pace(watch, stopping.signal);
  return {
    watch,
    eyes,
    follow: (loop, signal) => {
      rest();
      const end = pace(loop, signal);
      return () => {
        end();
        if (!stopping.signal.aborted) rest = pace(watch, stopping.signal);
      };
    },
    close: async () => {
      rest();
      stopping.abort(new Error("shopkeeper is stopping"));
      await tcp.close();
    },
  };
}

function eyesOf(regions: RegionsConfig, connectivity: Config["connectivity"], http: Http, tcp: Tcp, log: Logger): RegionEyes {
  const online = async (signal: AbortSignal): Promise<boolean | null> => {
    if (connectivity.length === 0) return null;
    const answers = await Promise.all(connectivity.map(({ host, port }) => tcp.look({ host, port, tls: false, send: null, expect: null, maxBytes: 0, deadlineMs: regions.plan.rules.lookDeadline, signal })));
    return answers.some(({ kind }) => kind !== "failed");
  };
  const heard = (observer: string, why: string | null): void => {
    if (why === null) log.info({ event: "region", observer }, `${observer} is heard again`);
    else log.warn({ event: "region", observer }, `${observer} is not heard: ${why}`);
  };
  return createRegionEyes({ regions, http, random: createSystemRandom(), online, heard });
}

/** One step after the other, each begun `every` after the one before began, or when that has ended. */
function stepping(loop: Stepping, every: Ms, clock: Clock, log: Logger, signal: AbortSignal): () => void {
  let cancel = (): void => {};
  let ended = false;
  const step = async (): Promise<void> => {
    const began = clock.now();
    try {
      await loop.step(signal);
    } catch (error) {
      log.error({ event: "trouble", where: "regions" }, error instanceof Error ? error.message : String(error));
    }
    if (!ended && !signal.aborted) cancel = clock.after(Math.max(0, every - (clock.now() - began)), () => void step());
  };
  void step();
  return () => {
    ended = true;
    cancel();
  };
}
