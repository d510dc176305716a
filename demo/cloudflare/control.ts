/** How the stand-in fails, on command of the same process: faults for the next calls, and gates at which a call waits. */

export type Method = "GET" | "PATCH";

/** `written`: the change is made nevertheless. */
export type Fault =
  /** As over the limit. null: without the header that says how long. */
  | { readonly kind: "rate_limited"; readonly retryAfterSeconds: number | null; readonly code?: 971 | 10429 }
  | { readonly kind: "refused"; readonly status: number; readonly code: number; readonly message: string }
  | { readonly kind: "html"; readonly status: number; readonly written: boolean }
  | { readonly kind: "hang"; readonly written: boolean }
  | { readonly kind: "reset"; readonly written: boolean }
  /** The head, then a byte each 50 ms. */
  | { readonly kind: "dribble"; readonly written: boolean }
  /** Answers as if it were written. */
  | { readonly kind: "lie" };

/** What the real one says, by its own code. */
export const REFUSALS = {
  10000: { kind: "refused", status: 403, code: 10000, message: "Authentication error" },
  81044: { kind: "refused", status: 404, code: 81044, message: "Record does not exist." },
  81058: { kind: "refused", status: 400, code: 81058, message: "An identical record already exists." },
  9005: { kind: "refused", status: 400, code: 9005, message: "Content for A record must be a valid IPv4 address." },
  971: { kind: "rate_limited", retryAfterSeconds: 300, code: 971 },
  10429: { kind: "rate_limited", retryAfterSeconds: 300, code: 10429 },
} as const satisfies Readonly<Record<number, Fault>>;

/** Where a call waits: before it changes anything, or before it is answered. */
export type Point = "before" | "after";
export type Gate = { readonly reached: Promise<void>; open(): void };

/** A call as a gate tells it from others. `token`: the id of the one it came with. */
export type Passing = { readonly method: string; readonly path: string; readonly token: string };

export type Seen = { readonly method: string; readonly path: string; readonly status: number | null };

const MAX_SEEN = 1_000;

type Waiting = { readonly method: Method; readonly point: Point; readonly which: (call: Passing) => boolean; readonly arrive: () => void; readonly opened: Promise<void> };

export class Control {
  /** The last calls, oldest first; status null: not answered. */
  readonly seen: Seen[] = [];
  /** Answers of our own that were not as the shared schemas say. */
  readonly problems: string[] = [];
  #faults: { readonly method: Method; readonly fault: Fault; left: number }[] = [];
  #gates: Waiting[] = [];

  /** The next calls of that method fail so, after those already told to. */
  fail(method: Method, fault: Fault, times = 1): void {
    this.#faults.push({ method, fault, left: times });
  }

  heal(): void {
    this.#faults = [];
  }

  /** The next call of that method waits there until the gate is opened. @param which of them; asked when it is there. Default: whichever comes. */
  hold(method: Method, point: Point, which: (call: Passing) => boolean = () => true): Gate {
    const reached = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<void>();
    this.#gates.push({ method, point, which, arrive: reached.resolve, opened: opened.promise });
    return { reached: reached.promise, open: opened.resolve };
  }

  /** The stand-in's own. */
  takeFault(method: string): Fault | null {
    const next = this.#faults.find((one) => one.method === method);
    if (next === undefined) return null;
    next.left -= 1;
    if (next.left <= 0) this.#faults = this.#faults.filter((one) => one !== next);
    return next.fault;
  }

  /** The stand-in's own. */
  async pass(call: Passing, point: Point): Promise<void> {
    const gate = this.#gates.find((one) => one.method === call.method && one.point === point && one.which(call));
    if (gate === undefined) return;
    this.#gates = this.#gates.filter((one) => one !== gate);
    gate.arrive();
    await gate.opened;
  }

  /** The stand-in's own. */
  note(call: Seen): void {
    this.seen.push(call);
    if (this.seen.length > MAX_SEEN) this.seen.shift();
  }
}
