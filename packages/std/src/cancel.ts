/*
 * Helpers around AbortSignal. A signal is passed down to whatever waits, never dropped; who cancels gives the reason,
 * and whoever was cancelled throws that reason unchanged.
 */

/** Calls `listener` once when the signal aborts, at once if it has; the result stops listening. */
export function onAbort(signal: AbortSignal | undefined, listener: (reason: unknown) => void): () => void {
  if (signal === undefined) return () => undefined;
  if (signal.aborted) {
    listener(signal.reason);
    return () => undefined;
  }
  const heard = (): void => listener(signal.reason);
  signal.addEventListener('abort', heard, { once: true });
  return () => signal.removeEventListener('abort', heard);
}

export interface LinkedAbort extends Disposable {
  readonly signal: AbortSignal;
  /** Aborts this signal alone, not its parents. */
  abort(reason?: unknown): void;
}

/** A signal that aborts with any of its parents; dispose it, or a long-lived parent keeps it for ever. */
export function linkAbort(...parents: readonly (AbortSignal | undefined)[]): LinkedAbort {
  const controller = new AbortController();
  const release = parents.map((parent) => onAbort(parent, (reason) => controller.abort(reason)));
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    [Symbol.dispose]: () => {
      for (const stop of release) stop();
    },
  };
}
