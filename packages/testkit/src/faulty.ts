/*
 * A decorator that makes one call of a port fail: files, network, vault, store. A test first counts the calls of a run that
 * works, then repeats the run once for each call and each way to fail.
 */

export interface FaultOptions<Port> {
  /** Which call fails, counted from 1 over `operations`. Null: none, only count. */
  readonly failNth: number | null;
  /** Made anew for each failure. */
  readonly error: () => unknown;
  /** `after`: the call takes effect and its answer is lost. `before` when omitted. */
  readonly when?: 'before' | 'after';
  /** How many calls in a row fail, from `failNth` on; 1 when omitted. */
  readonly times?: number;
  /** Only these are counted; all when omitted. */
  readonly operations?: readonly (keyof Port)[];
}

export interface FaultCounter {
  /** Counted so far. */
  readonly calls: number;
}

/** Wraps every method of `port`, which must return promises where they are counted. */
export function faulty<Port extends object>(port: Port, options: FaultOptions<Port>): Port & FaultCounter {
  const { failNth, error, when = 'before', times = 1, operations } = options;
  let calls = 0;

  async function failing(call: () => unknown): Promise<never> {
    if (when === 'after') await call();
    throw error();
  }

  return new Proxy(port, {
    get: (target, name) => {
      if (name === 'calls') return calls;
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...inputs: readonly unknown[]): unknown => {
        const call = (): unknown => Reflect.apply(value, target, inputs);
        if (operations !== undefined && !operations.includes(name as keyof Port)) return call();
        calls += 1;
        return failNth !== null && calls >= failNth && calls < failNth + times ? failing(call) : call();
      };
    },
  }) as Port & FaultCounter;
}
