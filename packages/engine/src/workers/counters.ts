/*
 * Counters that workers raise while they work, so that progress needs no messages: one block of numbers a worker, written by
 * it alone and read by the main thread at any time; a reading may be a moment old, never torn in a way that matters.
 */
const fields = ['files', 'bytes', 'chunks', 'chunksNew', 'chunksReused', 'bytesNew', 'memoryFaults'] as const;

export type CounterName = (typeof fields)[number];
export type CounterTotals = Readonly<Record<CounterName, number>>;

export class Counters {
  readonly shared: SharedArrayBuffer;
  private readonly numbers: Float64Array;

  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(8 * fields.length)) {
    this.shared = shared;
    this.numbers = new Float64Array(shared);
  }

  add(name: CounterName, amount: number): void {
    const index = fields.indexOf(name);
    this.numbers[index] = (this.numbers[index] ?? 0) + amount;
  }

  set(name: CounterName, amount: number): void {
    this.numbers[fields.indexOf(name)] = amount;
  }

  get(name: CounterName): number {
    return this.numbers[fields.indexOf(name)] ?? 0;
  }
}

export function totals(counters: readonly Counters[]): CounterTotals {
  const sum = (name: CounterName): number => counters.reduce((total, counter) => total + counter.get(name), 0);
  return {
    files: sum('files'),
    bytes: sum('bytes'),
    chunks: sum('chunks'),
    chunksNew: sum('chunksNew'),
    chunksReused: sum('chunksReused'),
    bytesNew: sum('bytesNew'),
    memoryFaults: sum('memoryFaults'),
  };
}
