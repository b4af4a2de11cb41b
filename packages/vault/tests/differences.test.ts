/* Records that are sent as differences to a base that is not what it was: the site asks for the record whole and takes that. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeRecordDifference, parseRecord, parseRecordHead, recordHeadFixedBytes } from '@twinvault/format';
import { toHex } from '@twinvault/std';
import { following, rejectsWith, sessionOf } from '@twinvault/testkit';
import { backup, harness, root } from './harness.ts';

for (const [what, damage] of [
  ['a position that another safeset had', 1],
  ['refs that are none', 0xff],
] as const) {
  test(`a base with ${what} is no base, and keeps nobody from the next safeset`, async () => {
    const parts = await harness(`base ${damage}`);
    const { platform, mine, computer, safe } = parts;
    const kept = mine.pack(computer, { blobCount: 20 });
    const first = await backup(parts, { packs: [kept] });
    const path = `${root}/safes/${toHex(mine.safe)}/records/${toHex(first.digest)}`;
    const bytes = first.bytes.slice();
    const { publicBytes } = parseRecordHead(bytes);
    // The bitmap's length, or one bit of it.
    const at = recordHeadFixedBytes + publicBytes + (damage === 1 ? 34 : 33);
    bytes[at] = (bytes[at] ?? 0) ^ damage;
    await platform.files.replace(path, [bytes]);
    await using session = await sessionOf(safe, mine, computer);
    const added = mine.pack(computer);
    await session.putPack(added.name, added.bytes);
    const next = mine.record(computer, { ...following(session), packs: [kept, added] });
    const sent = encodeRecordDifference(parseRecord(next.bytes), parseRecord(first.bytes));
    await rejectsWith(session.commit(sent), 'base-unknown');
    assert.deepEqual((await session.commit(next.bytes)).digest, next.digest);
    assert.deepEqual(await safe.record(next.digest), next.bytes);
  });
}
