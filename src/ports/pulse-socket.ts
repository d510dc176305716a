/** A connection held open only to feel when the other side lets go: the kernel closes a dead process's sockets at once. */

export type HeldEvents = {
  /** The connection stands. At most once. */
  opened(): void;
  /** It ended, or never came to stand. Exactly once, and nothing after it; never after a release. */
  closed(detail: string): void;
};

export interface PulseSocket {
  /**
   * Connects to the host and port of an http(s) URL and sends nothing; what comes is dropped.
   * Gives up connecting after 5 s. Never throws.
   *
   * @returns a function that lets go of the connection; calling it twice is harmless.
   */
  hold(url: string, events: HeldEvents): () => void;
}
