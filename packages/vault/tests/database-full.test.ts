/* A site's SQLite on a disk without room: it says so, nothing is half written, it can be read, and it goes on when there is room. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { MiB } from '@twinvault/std';
import { nodePlatform } from '@twinvault/std/node';
import { mountSmallDisk, rejectsWith } from '@twinvault/testkit';
import { Inventory } from '../src/database/inventory.ts';
import type { NewObject } from '../src/database/inventory.ts';
import { openSiteDatabase } from '../src/database/open-database.ts';

const root = mkdtempSync(join(tmpdir(), 'twinvault-database-full-'));
const disk = mountSmallDisk(join(root, 'disk'), 8 * MiB);
after(() => {
  disk?.unmount();
  rmSync(root, { recursive: true });
});

function packs(from: number): NewObject[] {
  return Array.from({ length: 400 }, (_, index) => ({ kind: 'pack', name: `${from + index}`, bytes: 1 }));
}

const skip = disk === null ? 'needs the right to mount' : false;

test('a database on a full disk says that it is full, and goes on when there is room', { skip }, async () => {
  assert.ok(disk !== null);
  const config = { type: 'sqlite', path: join(disk.path, 'site.sqlite') } as const;
  await using database = await openSiteDatabase({ config, platform: nodePlatform() });
  const inventory = new Inventory(database);
  await inventory.announce('aa', packs(0));
  disk.fill(0);
  for (let count = 0; count < 3; count += 1) await rejectsWith(inventory.announce('aa', packs(400)), 'vault-full');
  assert.equal((await inventory.totals('aa')).objects, 400);
  disk.free();
  await inventory.announce('aa', packs(400));
  assert.equal((await inventory.totals('aa')).objects, 800);
});
