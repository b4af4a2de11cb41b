import { onAbort } from '../cancel.ts';
import type { Timers } from '../ports/clock.ts';

/** setTimeout takes a signed 32-bit number and turns anything above into 1 ms. */
const stepMsMax: number = 2 ** 31 - 1;

function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let handle: ReturnType<typeof setTimeout> | undefined;
    const stopListening = onAbort(signal, (reason) => {
      clearTimeout(handle);
      reject(reason);
    });
    if (signal?.aborted === true) return;
    const wait = (restMs: number): void => {
      const stepMs = Math.min(restMs, stepMsMax);
      handle = setTimeout(() => {
        if (restMs > stepMs) return wait(restMs - stepMs);
        stopListening();
        resolve();
      }, stepMs);
    };
    wait(Math.max(delayMs, 0));
  });
}

/** The machine's own timers. A sleep keeps the process alive; `every` does not. */
export const systemTimers: Timers = {
  sleep,
  every: (periodMs, tick) => {
    const handle = setInterval(tick, Math.min(Math.max(periodMs, 1), stepMsMax)).unref();
    return { cancel: () => clearInterval(handle) };
  },
};
