/**
 * The pulse's place in a role: a lost pulse opens the gateway's breaker by an expiring hold. It never restarts anything.
 */
import { createPulseConnection } from "../adapters/pulse-connection.ts";
import type { CheckConfig, Config, TargetConfig } from "../config/config.ts";
import { startPulse, type Pulse, type PulseLoss } from "../engine/pulse.ts";
import type { GatewayHost } from "../gateway/worker-host.ts";
import type { Clock } from "../ports/clock.ts";
import type { Http } from "../ports/http.ts";

/** A hold lives this long unless it is renewed, which the pulse does every half second while it stays lost. */
const HOLD_MS = 3_000;
const BY = "pulse";

export type PulseWatchParts = {
  readonly config: Pick<Config, "targets" | "checks" | "gateway">;
  readonly clock: Clock;
  readonly http: Http;
  readonly host: Pick<GatewayHost, "hold" | "release" | "appBack" | "breakers" | "evidence">;
  readonly lost: (loss: PulseLoss) => void;
};

/**
 * Watches the target behind the gateway, where its configuration asks for it; null where not. A hold that the watch of
 * an earlier configuration left is taken over: kept or released by what the application says now.
 */
export function watchPulse({ config, clock, http, host, lost }: PulseWatchParts): Pulse | null {
  const target = config.targets.find((one) => one.id === config.gateway?.target);
  if (target === undefined || !target.pulse) {
    // Nobody would renew or release it.
    host.release("ingress:app", BY);
    return null;
  }
  const hold = ({ cause, detail }: PulseLoss): void =>
    host.hold({ breaker: "ingress:app", position: "open", until: clock.now() + HOLD_MS, by: BY, why: `no pulse of ${target.id} (${cause}): ${detail}` });
  const wasLost = host.breakers().some(({ hold: held }) => held?.by === BY);
  return startPulse([{ id: target.id, url: pulseUrl(target, config.checks), wasLost }], {
    clock,
    http,
    socket: createPulseConnection(),
    events: {
      lost: (loss) => {
        hold(loss);
        lost(loss);
      },
      still: hold,
      back: () => {
        host.release("ingress:app", BY);
        host.appBack();
      },
    },
    answeredAt: () => host.evidence().lastGoodAt,
  });
}

/** Something cheap to knock at: the path of the target's own http check, else robots.txt. Any answer counts. */
function pulseUrl(target: TargetConfig, checks: readonly CheckConfig[]): string {
  const health = checks.find((check) => check.probe === "http" && check.endpoint !== null && check.targets.includes(target.id));
  return `${target.url}${health?.endpoint ?? "/robots.txt"}`;
}
