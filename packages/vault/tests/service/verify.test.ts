/* Packs are verified in threads as they are here, while they arrive: the same answers, several at once, and nobody looks at a pack that was dealt with. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FormatError, packTailBytes } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { nodeThreads } from '@twinvault/std/node';
import { TestSafe } from '@twinvault/testkit';
import type { ArrivingPack } from '../../src/packs/arriving-pack.ts';
import { wholePack } from '../../src/packs/arriving-pack.ts';
import { verifyHere } from '../../src/packs/verify-pack.ts';
import { PackVerifiers } from '../../src/service/verify/pack-verifiers.ts';

/** In shared memory of which nothing but the tail is right before it has arrived, so that whoever looks too early finds it wrong. */
class SlowPack implements ArrivingPack {
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  readonly tailBytes: number;
  readonly #sent: Uint8Array;
  #countBytes = 0;
  /** Not before so many were sent. */
  #waiting: { readonly countBytes: number; readonly resolve: () => void } | null = null;

  constructor(sent: Uint8Array) {
    this.#sent = sent;
    this.bytes = new Uint8Array(new SharedArrayBuffer(sent.length)).fill(0xee);
    this.tailBytes = packTailBytes(sent.subarray(-40));
    this.bytes.set(sent.subarray(-this.tailBytes), sent.length - this.tailBytes);
  }

  readonly arrived = (countBytes: number): Promise<void> => {
    if (countBytes <= this.#countBytes) return Promise.resolve();
    return new Promise((resolve) => (this.#waiting = { countBytes, resolve }));
  };

  send(countBytes: number): void {
    this.bytes.set(this.#sent.subarray(this.#countBytes, countBytes), this.#countBytes);
    this.#countBytes = countBytes;
    if (this.#waiting === null || this.#waiting.countBytes > countBytes) return;
    this.#waiting.resolve();
    this.#waiting = null;
  }
}

function changed(bytes: Uint8Array, offset: number): Uint8Array {
  const other = bytes.slice();
  other[offset] = (other[offset] ?? 0) ^ 1;
  return other;
}

test('good packs are found good, damaged ones are refused for the same reason, and all at once', async () => {
  await using verifiers = new PackVerifiers({ ...nodeThreads, parallelism: 2 });
  const safe = new TestSafe('verify');
  const computer = safe.enrol();
  const expected = { safe: safe.safe, certificate: computer.certificate, minimumSuite: 1 } as const;
  const packs = Array.from({ length: 12 }, (_, index) =>
    safe.pack(computer, { blobCount: 3, blobBytes: index < 4 ? 100 : 100_000 }),
  );
  const answers = await Promise.allSettled(
    packs.map(async ({ name, bytes }, index) => {
      const sent = index % 3 === 0 ? changed(bytes, Math.floor(bytes.length / 2)) : bytes;
      const here = await verifyHere(name, wholePack(sent), expected).catch((error: unknown) => error);
      const there = await verifiers.verify(name, wholePack(sent), expected).catch((error: unknown) => error);
      if (here instanceof FormatError) assert.ok(there instanceof FormatError);
      else assert.deepEqual(there, here);
      throw here;
    }),
  );
  for (const [index, answer] of answers.entries()) {
    assert.ok(answer.status === 'rejected');
    if (index % 3 === 0) assert.equal((answer.reason as FormatError).code, 'pack-damaged');
    else assert.equal((answer.reason as { table: { count: number } }).table.count, 3);
  }
});

test('a pack of another safe is refused before its blobs have come', async () => {
  await using verifiers = new PackVerifiers({ ...nodeThreads, parallelism: 1 });
  const [mine, other] = [new TestSafe('mine'), new TestSafe('other')];
  const computer = mine.enrol();
  const { name, bytes } = mine.pack(computer, { blobBytes: 100_000 });
  const expected = { safe: other.safe, certificate: computer.certificate, minimumSuite: 1 } as const;
  const pack = new SlowPack(bytes);
  const answer = assert.rejects(verifiers.verify(name, pack, expected), { code: 'pack-foreign' });
  pack.send(1200);
  await answer;
});

test('blobs are verified as they come, and the first wrong one ends it although more is to come', async () => {
  await using verifiers = new PackVerifiers({ ...nodeThreads, parallelism: 1 });
  const safe = new TestSafe('verify');
  const computer = safe.enrol();
  const expected = { safe: safe.safe, certificate: computer.certificate, minimumSuite: 1 } as const;
  const { name, bytes } = safe.pack(computer, { blobCount: 6, blobBytes: 1_500_000 });
  const good = new SlowPack(bytes);
  const bad = new SlowPack(changed(bytes, 2_000_000));
  const answers = [verifiers.verify(name, good, expected), verifiers.verify(name, bad, expected)] as const;
  for (const count of [500, 1200, 1201, 1_000_000, 4_200_000]) for (const pack of [good, bad]) pack.send(count);
  await assert.rejects(answers[1], { code: 'pack-damaged', context: { defect: 'hash of a blob', row: 1 } });
  good.send(bytes.length - good.tailBytes);
  assert.equal((await answers[0]).table.count, 6);
});

test('a pack that breaks off is let go of by its thread, which goes on with others', async () => {
  await using verifiers = new PackVerifiers({ ...nodeThreads, parallelism: 1 });
  const safe = new TestSafe('verify');
  const computer = safe.enrol();
  const expected = { safe: safe.safe, certificate: computer.certificate, minimumSuite: 1 } as const;
  const { name, bytes } = safe.pack(computer, { blobCount: 6, blobBytes: 500_000 });
  const pack = new SlowPack(bytes);
  pack.send(1_200_000);
  const gone = new ProtocolError('request-slow');
  const broken: ArrivingPack = {
    bytes: pack.bytes,
    tailBytes: pack.tailBytes,
    arrived: (count) => (count <= 1_200_000 ? Promise.resolve() : Promise.reject(gone)),
  };
  await assert.rejects(verifiers.verify(name, broken, expected), gone);
  assert.equal((await verifiers.verify(name, wholePack(bytes), expected)).table.count, 6);
});
