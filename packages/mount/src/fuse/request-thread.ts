/*
 * The thread that waits for requests of the kernel: each is posted to the main thread, which answers it. Its reads block, so it does nothing
 * else; it ends when the mount does.
 */
import type { ThreadMain } from '@twinvault/std';
import { lastErrno, libc } from './libc.ts';
import { requestBytesMax } from './protocol.ts';

export interface RequestThreadData {
  /** Of /dev/fuse, in this process. */
  readonly fd: number;
}

export type RequestMessage =
  | { readonly type: 'request'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly type: 'ended'; readonly errno: number };

/** A request was taken back, a signal came, or nothing is there yet. */
const againErrnos: ReadonlySet<number> = new Set([2, 4, 11]);
const ENODEV = 19;

export const main: ThreadMain = (port) => {
  const { fd } = port.data as RequestThreadData;
  const { read } = libc();
  const buffer = new Uint8Array(requestBytesMax);
  for (;;) {
    const count = read(fd, buffer, buffer.length);
    if (count > 0) {
      const bytes = buffer.slice(0, count);
      port.post({ value: { type: 'request', bytes } satisfies RequestMessage, transfer: [bytes.buffer] });
      continue;
    }
    const errno = count === 0 ? ENODEV : lastErrno();
    if (againErrnos.has(errno)) continue;
    port.post({ value: { type: 'ended', errno: errno === ENODEV ? 0 : errno } satisfies RequestMessage });
    return;
  }
};
