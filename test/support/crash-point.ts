/**
 * Our own death at one port call: after it nothing of the instance goes on, as after kill -9.
 *
 * `before`: the call never reaches the world. `after`: it does, but its answer never comes back.
 */
export type CrashWhen = "before" | "after";

export class CrashPoint {
  readonly #at: number;
  readonly #when: CrashWhen;
  readonly happened: Promise<"crashed">;
  #crash: () => void = () => undefined;
  #calls = 0;
  #dead = false;
  /** The call it happened at: "put", "start". */
  where = "";

  /** @param at the number of the port call, from 1; 0: never */
  constructor(at: number, when: CrashWhen) {
    this.#at = at;
    this.#when = when;
    this.happened = new Promise((resolve) => {
      this.#crash = () => resolve("crashed");
    });
  }

  /** Port calls counted so far. */
  get calls(): number {
    return this.#calls;
  }

  /** The same port; its asynchronous methods may be the last thing this instance does. */
  wrap<Port extends object>(port: Port, methods: readonly (keyof Port & string)[]): Port {
    return new Proxy(port, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        const bound = (...args: unknown[]): unknown => Reflect.apply(value, target, args);
        return methods.some((method) => method === name) ? (...args: unknown[]) => this.#call(String(name), () => bound(...args)) : bound;
      },
    });
  }

  async #call(name: string, run: () => unknown): Promise<unknown> {
    if (this.#dead) return never();
    this.#calls += 1;
    if (this.#calls !== this.#at) {
      const value = await run();
      return this.#dead ? never() : value;
    }
    this.where = `${this.#when} ${name}`;
    this.#dead = true;
    if (this.#when === "after") await run();
    this.#crash();
    return never();
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
