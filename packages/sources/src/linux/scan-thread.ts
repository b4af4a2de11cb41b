/* A scanning thread: walks one part after another, and closes what is open when it is told to. */
import type { ScanEvent } from '@twinvault/engine';
import type { ThreadMain } from '@twinvault/std';
import { PartWalker } from './scan-parts.ts';
import type { PartOrder, ScanConfig } from './scan-parts.ts';

export type ToScanThread = PartOrder | { readonly type: 'close' };

export const main: ThreadMain = (port) => {
  const walker = new PartWalker(port.data as ScanConfig);
  port.onMessage((value) => {
    const message = value as ToScanThread;
    if ('type' in message) {
      walker.close();
      port.post({ value: { type: 'closed' } });
      return;
    }
    const found = walker.walk(message);
    port.post({ value: found, transfer: buffersOf(found.events) });
  });
};

function buffersOf(events: readonly ScanEvent[]): ArrayBuffer[] {
  return events.flatMap((event) => (event.type === 'entries' ? [event.items.buffer as ArrayBuffer] : []));
}
