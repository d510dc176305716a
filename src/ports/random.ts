/** Chance, handed in so that runs can be repeated. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** A new unguessable identifier, 16 to 36 characters of [0-9a-f-]. */
  id(): string;
}
