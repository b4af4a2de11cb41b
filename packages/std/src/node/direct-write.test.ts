/* Files written past the page cache hold what they should, whatever the length, the memory and the file system. */

import assert from 'node:assert/strict';
import { constants, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { pagedMemory } from '../paged-memory.ts';
import { MiB } from '../units.ts';
import { writeDirectly } from './direct-write.ts';
import { createDurably, replaceDurably } from './file-write.ts';

function filled(lengthBytes: number, seed: number): Uint8Array {
  const memory = pagedMemory(lengthBytes);
  for (let at = 0; at < memory.length; at += 1) memory[at] = (at * 31 + (at >> 12) * 17 + seed) & 0xff;
  return memory.subarray(0, lengthBytes);
}

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'twinvault-direct-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Whether the file system of the folder takes a block past the page cache. */
async function takesDirect(folder: string): Promise<boolean> {
  if (constants.O_DIRECT === undefined) return false;
  try {
    await using file = await open(join(folder, 'probe'), constants.O_CREAT | constants.O_WRONLY | constants.O_DIRECT, 0o600);
    return (await file.write(filled(4096, 0), 0, 4096, 0)).bytesWritten === 4096;
  } catch {
    return false;
  }
}

suite('writing past the page cache', () => {
  test('whole blocks go straight to the disk where it can be done, and memory is left as it was', async () => {
    await withFolder(async (folder) => {
      const can = await takesDirect(folder);
      for (const lengthBytes of [MiB - 1, MiB, 2 * MiB + 1, 5 * MiB + 4095]) {
        const bytes = filled(lengthBytes, 1);
        const path = join(folder, `file-${lengthBytes}`);
        await writeFile(path, '');
        const done = await writeDirectly(path, bytes);
        assert.equal(done, can && lengthBytes >= MiB ? lengthBytes - (lengthBytes % 4096) : 0);
        assert.ok(bytes.every((byte, at) => byte === ((at * 31 + (at >> 12) * 17 + 1) & 0xff)));
        assert.ok((await readFile(path)).equals(bytes.subarray(0, done)));
      }
    });
  });

  test('memory that does not begin at a page, or is not shared, goes the usual way', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'file');
      await writeFile(path, '');
      assert.equal(await writeDirectly(path, filled(2 * MiB, 2).subarray(16)), 0);
      assert.equal(await writeDirectly(path, new Uint8Array(2 * MiB)), 0);
      assert.equal((await readFile(path)).length, 0);
    });
  });

  test('a file is whole, however it was written', async () => {
    await withFolder(async (folder) => {
      for (const lengthBytes of [0, 1, MiB, MiB + 1, 3 * MiB - 1, 4 * MiB + 4096]) {
        for (const offset of [0, 1, 4096]) {
          const bytes = filled(lengthBytes + offset, 3).subarray(offset);
          const path = join(folder, `file-${lengthBytes}-${offset}`);
          assert.equal(await createDurably(path, { parts: [bytes], mode: 0o600 }), true);
          assert.ok((await readFile(path)).equals(bytes));
          await replaceDurably(path, { parts: [bytes, bytes], mode: 0o600 });
          assert.ok((await readFile(path)).equals(Buffer.concat([bytes, bytes])));
        }
      }
    });
  });
});
