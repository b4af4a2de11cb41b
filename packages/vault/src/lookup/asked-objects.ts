/* Objects of a safe for a look-up in a thread: whatever it reads is asked of the thread that keeps the ports. */

import type { SafeId } from '@twinvault/format';
import type { OpenFile } from '@twinvault/std';
import type { SafeObjects } from '../safe-objects.ts';
import { SafeLayout } from '../store/layout.ts';
import type { ObjectStat } from '../store/object-store.ts';
import type { Question } from './messages.ts';

export type Ask = (question: Question, ...input: readonly unknown[]) => Promise<unknown>;

interface OpenedFile {
  readonly file: number;
  readonly sizeBytes: number;
}

export function askedObjects(safe: SafeId, ask: Ask): SafeObjects {
  return {
    safe,
    layout: new SafeLayout(safe),
    store: {
      get: async (name, maxBytes) => (await ask('store.get', name, maxBytes)) as Uint8Array | null,
      stat: async (name) => (await ask('store.stat', name)) as ObjectStat | null,
      list: async (folder) => (await ask('store.list', folder)) as string[],
      listDeep: async (folder) => (await ask('store.listDeep', folder)) as string[],
      open: async (name) => {
        const opened = (await ask('store.open', name)) as OpenedFile | null;
        return opened === null ? null : askedFile(opened, ask);
      },
    },
    cache: {
      get: async (name, maxBytes) => (await ask('cache.get', name, maxBytes)) as Uint8Array | null,
      list: async (folder) => (await ask('cache.list', folder)) as string[],
      put: async (name, parts) => (await ask('cache.put', name, parts)) as boolean,
    },
  };
}

function askedFile({ file, sizeBytes }: OpenedFile, ask: Ask): OpenFile {
  return {
    sizeBytes,
    read: async (offsetBytes, lengthBytes) => (await ask('file.read', file, offsetBytes, lengthBytes)) as Uint8Array,
    [Symbol.asyncDispose]: async () => {
      await ask('file.close', file);
    },
  };
}
