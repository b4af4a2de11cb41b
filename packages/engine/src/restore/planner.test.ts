/* A large file is fetched chunk by chunk, whatever order its extents have. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { packName } from '@twinvault/format';
import type { Blob } from './chunk-set.ts';
import { planPieces, planTasks, taskBytesAim } from './planner.ts';
import type { FileToRestore, FileWrite, PlannedTask } from './planner.ts';

const blobBytes = 500_000;
const pack = packName(new Uint8Array(32));

function blobOf(chunk: number): Blob {
  return { chunk, pack, packNumber: chunk % 3, offsetBytes: chunk * blobBytes, lengthBytes: blobBytes } as unknown as Blob;
}

function fileOf(chunks: readonly number[]): FileToRestore {
  const writes = chunks.map((chunk, index) => ({
    chunk,
    chunkOffsetBytes: index * 10,
    lengthBytes: 4096,
    fileOffsetBytes: index * 4096,
  }));
  return { file: 1, writes, sizeBytes: chunks.length * 4096 } as unknown as FileToRestore;
}

function writesOf(tasks: readonly PlannedTask[]): FileWrite[] {
  return tasks.flatMap(({ pieces }) => pieces.flatMap(({ writes }) => writes));
}

const chunkLists = fc.array(fc.nat(60), { maxLength: 400 });

test('pieces hold every write once, and each chunk is in one of them', () => {
  fc.assert(
    fc.property(chunkLists, (chunks) => {
      const file = fileOf(chunks);
      const tasks = [...planPieces(file, blobOf)];
      const inOrder = writesOf(tasks).sort((a, b) => a.fileOffsetBytes - b.fileOffsetBytes);
      assert.deepEqual(inOrder, file.writes);
      const fetched = tasks.flatMap((task) => task.chunks);
      assert.equal(fetched.length, new Set(chunks).size, 'no chunk is fetched twice');
      assert.ok(tasks.length > 0 && tasks.every(({ fileInPieces }) => fileInPieces === file));
    }),
    // A piece would have ended between the two writes of a chunk.
    { examples: [[[0, 47, 2, 3, 4, 1, 5, 6, 47, 7]]] },
  );
});

test('a file whose chunks take turns goes with others as long as all its chunks fit', () => {
  const count = Math.floor(taskBytesAim / blobBytes);
  const turns = Array.from({ length: 300 }, (_, index) => index % count);
  const [task, second] = planTasks([fileOf(turns)], blobOf);
  assert.equal(second, undefined);
  assert.equal(task?.fileInPieces, null);
  assert.equal(task?.bytes, count * blobBytes);
  const tasks = [...planTasks([fileOf([...turns, count, count + 1])], blobOf)];
  assert.ok(tasks.length > 1 && tasks.every(({ fileInPieces }) => fileInPieces?.file === 1));
});
