/* A pack out of the two frames in which it comes: packages/protocol/src/wire/pack-frames.ts. */

import { packBytesMax } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { packFramesBytes } from '@twinvault/protocol/wire';
import type { ArrivingPack } from '../../packs/arriving-pack.ts';
import type { ArrivingBody } from '../http/arriving-body.ts';
import type { BodyMemory } from '../http/body-memory.ts';

export interface PackInFrames extends Disposable {
  readonly pack: ArrivingPack;
}

/** Its tail is here when it resolves. Dispose of it when nothing looks at the pack any more. `frames-invalid`, and what the body throws. */
export async function packInFrames(body: ArrivingBody, memory: BodyMemory): Promise<PackInFrames> {
  const packBytes = (body.lengthBytes ?? 0) - packFramesBytes;
  if (packBytes < 0 || packBytes > packBytesMax) throw invalid({ lengthBytes: body.lengthBytes ?? 0 });
  const range = memory.take(packBytes);
  try {
    const tailBytes = await readLength(body);
    if (tailBytes > packBytes) throw invalid({ tailBytes, packBytes });
    const frontBytes = packBytes - tailBytes;
    await body.readInto(range.bytes.subarray(frontBytes));
    if ((await readLength(body)) !== frontBytes) throw invalid({ tailBytes, packBytes });
    const arrived = arriving(body, range.bytes.subarray(0, frontBytes));
    return {
      pack: { bytes: range.bytes, tailBytes, arrived },
      [Symbol.dispose]: () => {
        // Before the memory is another's.
        body.discard();
        range[Symbol.dispose]();
      },
    };
  } catch (error) {
    range[Symbol.dispose]();
    throw error;
  }
}

async function readLength(body: ArrivingBody): Promise<number> {
  const bytes = new Uint8Array(4);
  await body.readInto(bytes);
  return new DataView(bytes.buffer).getUint32(0, true);
}

/** Begins to read, and goes on whether or not somebody waits. One waits at a time. */
function arriving(body: ArrivingBody, front: Uint8Array): ArrivingPack['arrived'] {
  let thereBytes = 0;
  let next: { readonly countBytes: number; readonly resolve: () => void } | null = null;
  const all = body.readInto(front, (filledBytes) => {
    thereBytes = filledBytes;
    if (next === null || next.countBytes > filledBytes) return;
    next.resolve();
    next = null;
  });
  // Whoever waits hears of it.
  all.catch(() => undefined);
  return (countBytes) => {
    if (countBytes <= thereBytes) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    next = { countBytes, resolve };
    return Promise.race([promise, all]);
  };
}

function invalid(context: Readonly<Record<string, number>>): ProtocolError {
  return new ProtocolError('frames-invalid', { context });
}
