/** Addresses of the farm's targets. */

/** @param at from 0; at most 62,499. */
export function farmAddress(at: number): string {
  return `127.1.${Math.floor(at / 250)}.${(at % 250) + 1}`;
}
