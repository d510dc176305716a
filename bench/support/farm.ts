/** Addresses of the farm's targets. */

/** @param at from 0; at most 62,499. */
export function farmAddress(at: number): string {
  return `127.1.${Math.floor(at / 250)}.${(at % 250) + 1}`;
}

/** Address of a pod that is not there. @param at from 0; at most 62,499. */
export function podAddress(at: number): string {
  return `127.94.${Math.floor(at / 250)}.${(at % 250) + 1}`;
}

/** The pod at an address of `podAddress`. */
export function podNumber(address: string): number {
  const [third = 0, fourth = 0] = address.split(".").slice(-2).map(Number);
  return third * 250 + fourth - 1;
}
