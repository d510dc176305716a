/** Where alerts go. Never in the recovery path: senders have a bounded queue and a 5 s deadline. */
import type { Alert } from "../core/alert.ts";

export type Delivery =
  | { readonly kind: "delivered" }
  /** The receiver said no for good (4xx but 408 and 429): repeating cannot help. */
  | { readonly kind: "refused"; readonly detail: string }
  /** Could not be delivered now; the sender's own retries are used up. */
  | { readonly kind: "failed"; readonly detail: string };

export interface Alerts {
  /** `route` names an alert destination of the configuration ("on_call"). Safe to repeat: receivers deduplicate by the alert's key and state. */
  send(route: string, alert: Alert, signal?: AbortSignal): Promise<Delivery>;
  close(): Promise<void>;
}
