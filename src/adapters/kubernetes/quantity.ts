/** Quantities of Kubernetes: "250m", "1.5", "123456789n", "512Mi", "2e3". */

const SUFFIXES: Readonly<Record<string, number>> = {
  n: 1e-9, u: 1e-6, m: 1e-3, "": 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18,
  Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60,
};
const QUANTITY = /^([+-]?\d+(?:\.\d*)?|[+-]?\.\d+)(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i))?$/;

/** In units ("250m" is 0.25); null for none, and for what is no quantity. */
export function quantityOf(text: string | undefined): number | null {
  const [, digits, exponent = "", suffix = ""] = QUANTITY.exec(text ?? "") ?? [];
  const factor = SUFFIXES[suffix];
  return digits === undefined || factor === undefined ? null : Number(`${digits}${exponent}`) * factor;
}

/** CPU in thousandths of a core. */
export function milliOf(text: string | undefined): number | null {
  const cores = quantityOf(text);
  return cores === null ? null : cores * 1_000;
}

export function bytesOf(text: string | undefined): number | null {
  return quantityOf(text);
}
