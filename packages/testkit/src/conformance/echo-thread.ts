/* The module that the threads' conformance suite starts. */

import type { ThreadMain } from '@twinvault/std';

interface Order {
  readonly echo?: unknown;
  readonly give?: number;
  readonly sum?: Uint8Array<ArrayBuffer>;
  readonly fail?: string;
  readonly shared?: Int32Array;
}

export const main: ThreadMain = (port) => {
  port.post({ value: { started: port.data } });
  port.onMessage((value) => {
    const { echo, give, sum, fail, shared } = value as Order;
    if (fail !== undefined) throw new Error(fail);
    if (give !== undefined) {
      const bytes = new Uint8Array(give).fill(7);
      port.post({ value: bytes, transfer: [bytes.buffer] });
      port.post({ value: { leftBytes: bytes.byteLength } });
    }
    if (sum !== undefined) port.post({ value: sum.reduce((total, byte) => total + byte, 0) });
    if (shared !== undefined) port.post({ value: Atomics.add(shared, 0, 1) });
    if (echo !== undefined) port.post({ value: echo });
  });
};
