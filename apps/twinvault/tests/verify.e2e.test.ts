/* `verify` on a real disk: nothing but a state directory and live files, and a vault that loses a byte, then a pack. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { resultOf, twinvault } from './support/command.ts';
import { makePlace } from './support/place.ts';
import type { Place } from './support/place.ts';

interface Verified {
  readonly ok: boolean;
  readonly counts: Readonly<Record<'same' | 'changed' | 'unproven' | 'damaged' | 'missing', number>>;
  readonly readBytes: number;
}

function packsOf(place: Place): string[] {
  const safes = join(place.vault, 'safes');
  const folder = join(safes, readdirSync(safes)[0] ?? '', 'packs');
  return readdirSync(folder).flatMap((shard) => readdirSync(join(folder, shard)).map((name) => join(folder, shard, name)));
}

test('stored content is proven against live files without a password', async () => {
  const place = makePlace('verify');
  const data = place.path('real', 'data');
  mkdirSync(data, { recursive: true });
  for (let index = 0; index < 30; index += 1) writeFileSync(join(data, `small ${index}`), randomBytes(5000));
  writeFileSync(join(data, 'large\nname'), randomBytes(3_000_000));
  // What lies above a protected folder may be a link.
  symlinkSync(place.path('real'), place.path('linked'));
  await place.init();
  assert.equal((await place.run('verify')).status, 11, 'nothing was backed up yet');
  await place.backup([place.path('linked', 'data')]);
  rmSync(place.passwordFile);

  const fine = resultOf<Verified>(await place.run('verify'));
  assert.deepEqual(fine.counts, { same: 31, changed: 0, unproven: 0, damaged: 0, missing: 0 });
  assert.ok(fine.readBytes > 3_100_000);
  writeFileSync(join(data, 'large\nname'), 'now it is small');
  const changed = await place.run('verify');
  assert.deepEqual(resultOf<Verified>(changed).counts, { same: 30, changed: 1, unproven: 0, damaged: 0, missing: 0 });
  assert.match(changed.stdout.toString(), /"path":"\/[^"]*linked\/data\/large\\\\x0aname","state":"changed"/);
  const one = await place.run('verify', [join(place.path('linked', 'data'), 'small 3')]);
  assert.equal(resultOf<Verified>(one).counts.same, 1);
  assert.equal((await place.run('verify', [place.path('elsewhere')])).status, 11);

  const data0 = packsOf(place).find((path) => readFileSync(path)[6] === 1);
  assert.ok(data0 !== undefined);
  const bytes = readFileSync(data0);
  for (let at = 1300; at < bytes.length - 30_000; at += 40_000) bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(data0, bytes);
  const damaged = await place.run('verify');
  assert.equal(damaged.status, 4);
  assert.ok(resultOf<Verified>(damaged, 4).counts.damaged > 0);
  renameSync(data0, place.path('taken away'));
  const told = await twinvault(['verify', ...place.base]);
  assert.equal(told.status, 4);
  assert.match(told.stdout.toString(), /MISSING {3}\/.*small 3\n/);
  assert.match(told.stdout.toString(), /31 files MISSING at the vault/);
});
