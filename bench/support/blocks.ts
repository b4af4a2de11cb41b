/*
 * For how long a thread answers nobody: the CPU time that it used between two turns of a timer of 1 ms. Time in which others had the processor is no block.
 */

/** Watches the event loop of this thread from its making on. */
export class Blocks {
  #lastMs: number = threadMs();
  #longestMs = 0;
  readonly #timer = setInterval(() => this.#turn(), 1);

  /** The longest block, in ms. */
  end(): number {
    clearInterval(this.#timer);
    this.#turn();
    return this.#longestMs;
  }

  #turn(): void {
    const nowMs = threadMs();
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }
}

function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
