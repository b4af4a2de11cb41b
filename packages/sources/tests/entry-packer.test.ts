/* The scan's own packing is the engine's: what it writes is read by the engine as the status was, whatever the kernel may say in it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { packEntries, unpackEntries } from '@twinvault/engine';
import { EntryPacker } from '../src/linux/entry-packer.ts';
import { decodeStatus, newStatusBuffer } from '../src/linux/status.ts';

const name = fc.uint8Array({ minLength: 1, maxLength: 40 });

/** Words of a struct statx with a known type and a size and blocks below 2^53. */
const status = fc
  .tuple(fc.array(fc.nat(0xffff_ffff), { minLength: 64, maxLength: 64 }), fc.constantFrom(1, 2, 4, 6, 8, 10, 12), fc.nat(0xfff))
  .map(([words, type, mode]) => {
    const buffer = newStatusBuffer();
    words.forEach((word, index) => (buffer.words[index] = word));
    buffer.words[7] = (type << 12) | mode;
    // A file is no device: the engine keeps something else of it in that place.
    if (type === 8) buffer.words[32] = 0;
    for (const upper of [11, 13]) buffer.words[upper] = (buffer.words[upper] ?? 0) % 2 ** 20;
    for (const upper of [29, 25]) buffer.signed[upper] = (buffer.signed[upper] ?? 0) % 2 ** 20;
    return buffer;
  });

test('what is packed here is what the engine packs', () => {
  const entry = fc.record({ name, status, isNext: fc.boolean() });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 20 }), name, (entries, start) => {
      const packer = new EntryPacker();
      let directory: Uint8Array = new Uint8Array(0);
      const objects = entries.map(({ name: own, status: buffer, isNext }) => {
        if (isNext) directory = Uint8Array.from([...directory, ...start]);
        const bytes = Uint8Array.from([7, ...own, 0]);
        packer.add(directory, { bytes, start: 1, end: bytes.length - 1 }, buffer);
        return { directory, name: own, stat: decodeStatus(buffer) };
      });
      const packed = packer.flush();
      assert.deepEqual(packed, packEntries(objects));
      assert.deepEqual(unpackEntries(packed), objects);
    }),
  );
});
