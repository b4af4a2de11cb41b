import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { entryTypes } from '../source-port.ts';
import type { PlannedPiece } from './planner.ts';
import { countUses, decodePieces, encodePieces } from './task-codec.ts';

const bytes = fc.uint8Array({ maxLength: 12 });
const natural = fc.maxSafeNat();
const directories = [new Uint8Array(0), Uint8Array.of(97), Uint8Array.of(97, 0, 98)];
const owner = fc.option(fc.constantFrom('root', 'someone', ''), { nil: null });

const metadata = fc.record({
  type: fc.constant(entryTypes.file),
  mode: fc.nat(0o7777),
  uid: natural,
  gid: natural,
  mtimeSeconds: fc.maxSafeInteger(),
  mtimeNanos: fc.nat(999_999_999),
  deviceMajor: fc.constant(0),
  deviceMinor: fc.constant(0),
  details: fc.record({
    user: owner,
    group: owner,
    linkTarget: fc.constant(null),
    xattrs: fc.array(fc.record({ name: bytes, value: bytes }), { maxLength: 2 }),
    acls: fc.array(fc.record({ kind: fc.constant('posix-access'), value: bytes }), { maxLength: 1 }),
  }),
});

const write = fc.record({ chunk: fc.nat(9), chunkOffsetBytes: natural, lengthBytes: natural, fileOffsetBytes: natural });

const piece: fc.Arbitrary<PlannedPiece> = fc
  .record({
    number: fc.nat(1_000_000),
    directory: fc.constantFrom(...directories),
    name: bytes,
    sizeBytes: natural,
    metadata,
    writes: fc.array(write, { maxLength: 5 }),
  })
  .map(({ number, directory, name, sizeBytes, writes, metadata: about }) => {
    return { file: { file: number, directory, name, sizeBytes, writes, metadata: about }, writes };
  });

test('pieces come out as they went in, also through a post', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), fc.option(fc.nat(), { nil: null }), (pieces, handle) => {
      const encoded = structuredClone(encodePieces(pieces, { chunkIndex: (chunk) => 9 - chunk, handle }));
      const expected = pieces.map(({ file, writes }) => {
        const { file: number, directory, name, sizeBytes, metadata: about } = file;
        const moved = writes.map((each) => ({ ...each, chunk: 9 - each.chunk }));
        return { file: number, directory, name, sizeBytes, writes: moved, metadata: about, handle };
      });
      const decoded = [...decodePieces(encoded)];
      assert.deepEqual(JSON.parse(JSON.stringify(decoded)), JSON.parse(JSON.stringify(expected)));
      const uses = countUses(encoded, 10);
      for (let chunk = 0; chunk < 10; chunk += 1) {
        assert.equal(uses[chunk], expected.flatMap(({ writes }) => writes).filter((each) => each.chunk === chunk).length);
      }
    }),
  );
});
