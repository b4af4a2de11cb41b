/* Packs are verified in threads as they are here: the same answers, the same bytes, several at once. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FormatError } from '@twinvault/format';
import { nodeThreads } from '@twinvault/std/node';
import { TestSafe } from '@twinvault/testkit';
import { PackVerifiers } from '../../src/service/verify/pack-verifiers.ts';

test('good packs come back as they were, damaged ones are refused for the same reason, and all at once', async () => {
  await using verifiers = new PackVerifiers({ ...nodeThreads, parallelism: 2 });
  const safe = new TestSafe('verify');
  const computer = safe.enrol();
  const expected = { safe: safe.safe, certificate: computer.certificate, minimumSuite: 1 } as const;
  const packs = Array.from({ length: 12 }, (_, index) =>
    safe.pack(computer, { blobCount: 3, blobBytes: index < 4 ? 100 : 100_000 }),
  );
  const answers = await Promise.allSettled(
    packs.map(({ name, bytes }, index) => {
      const sent = bytes.slice();
      if (index % 3 === 0) sent[Math.floor(sent.length / 2)] = (sent[Math.floor(sent.length / 2)] ?? 0) ^ 1;
      return verifiers.verify(name, sent, expected);
    }),
  );
  for (const [index, answer] of answers.entries()) {
    if (index % 3 === 0) {
      assert.ok(answer.status === 'rejected' && answer.reason instanceof FormatError);
      assert.equal(answer.reason.code, 'pack-damaged');
    } else {
      assert.ok(answer.status === 'fulfilled');
      assert.ok(Buffer.from(answer.value).equals(packs[index]?.bytes ?? Buffer.alloc(0)), String(index));
    }
  }
});

test('a pack of another safe is refused by a thread too', async () => {
  await using verifiers = new PackVerifiers({ ...nodeThreads, parallelism: 1 });
  const [mine, other] = [new TestSafe('mine'), new TestSafe('other')];
  const computer = mine.enrol();
  const pack = mine.pack(computer, { blobBytes: 100_000 });
  const expected = { safe: other.safe, certificate: computer.certificate, minimumSuite: 1 } as const;
  await assert.rejects(verifiers.verify(pack.name, pack.bytes.slice(), expected), { code: 'pack-foreign' });
});
