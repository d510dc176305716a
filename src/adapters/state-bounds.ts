/** What every state store enforces on keys and values. */
import { MAX_STATE_VALUE_BYTES, StateStoreError } from "../ports/state-store.ts";

const MAX_KEY_BYTES = 512;

/** @throws {StateStoreError} `TOO_LARGE` */
export function checkKey(key: string): void {
  const bytes = Buffer.byteLength(key);
  if (bytes > MAX_KEY_BYTES) throw new StateStoreError("TOO_LARGE", `a key of ${bytes} bytes; the most is ${MAX_KEY_BYTES}`);
}

/** @throws {StateStoreError} `TOO_LARGE` */
export function checkValue(key: string, value: string): void {
  const bytes = Buffer.byteLength(value);
  if (bytes > MAX_STATE_VALUE_BYTES) throw new StateStoreError("TOO_LARGE", `the value of ${key} has ${bytes} bytes; the most is ${MAX_STATE_VALUE_BYTES}`);
}
