/** Alerts that must not be lost: recorded first, sent in the background, sent again after a crash. */
import type { Alert } from "../core/alert.ts";

export interface AlertOutbox {
  /**
   * Durable when it resolves; sending goes on in the background and never holds anybody up.
   * An alert that waits already (same route, key and state) is replaced.
   */
  enqueue(route: string, alert: Alert): Promise<void>;
}
