/*
 * The disk of one of two served sites has no room left, for its store and its database: a backup goes to the other and says why, the full site says so where
 * whoever runs it looks, and when there is room again it takes in what it missed by itself.
 */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { MiB } from '@twinvault/std';
import { freePort, mountSmallDisk } from '@twinvault/testkit';
import { jsonLines } from './support/command.ts';
import { temporaryDirectory } from './support/place.ts';
import { chance } from './support/seeds.ts';
import { makeTwins, twinNames } from './support/twins.ts';

const disk = mountSmallDisk(join(temporaryDirectory('two-sites-disk'), 'disk'), 64 * MiB);
const skip = disk === null ? 'needs the right to mount' : false;

test(
  'a full disk of one site: the other goes on, nothing is lost, and the full one catches up by itself',
  { skip },
  async (t) => {
    assert.ok(disk !== null);
    t.after(() => disk.unmount());
    const port = await freePort();
    const place = await makeTwins('two-sites-full', chance(t), {
      roots: { a: join(disk.path, 'a') },
      lines: { a: [`operations: 127.0.0.1:${port}`] },
      treeBytes: 6_000_000,
    });
    disk.fill(2 * MiB);
    const outcome = await place.backUp();
    assert.ok(
      jsonLines(outcome).some(({ type, text }) => type === 'note' && String(text).includes('vault-full')),
      outcome.told,
    );
    // While it follows, without one byte left.
    disk.fill(0);
    const metrics = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    assert.match(await metrics(), /twinvault_refusals_total\{[^}]*code="vault-full"[^}]*\} [1-9]/u);
    await place.backUp();
    disk.free();
    await place.untilEqual();
    for (const name of twinNames) await place.assertAllAt(name, 1);
  },
);
