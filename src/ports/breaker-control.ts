/** Expiring holds on the gateway's breakers, as the pulse, a policy or a person sets them. */
import type { BreakerHold, BreakerName, BreakerView } from "../core/breaker.ts";

export interface BreakerControl {
  /** The last hold set wins; setting the same one again changes nothing. Rejects with a plain Error when no gateway can be told. */
  hold(hold: BreakerHold): Promise<void>;
  /** Releasing what is not held is no error. */
  release(breaker: BreakerName, by: string): Promise<void>;
  /** Every breaker there is, as the gateway last reported it; a hold that is set is in it at once. */
  views(): readonly BreakerView[];
}
