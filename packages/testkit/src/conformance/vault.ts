/*
 * What every implementation of the vault port promises: the vault in a directory on memory and on disk, and later the client of a
 * vault far away. Each test has two safes; the second one must see nothing of the first.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  objectDigest,
  parseReceipt,
  recordDigest,
  safeId,
  verifyReceipt,
  PackTable,
  type LedgerHead,
  encodeRecordDifference,
  parseRecord,
} from '@twinvault/format';
import {
  ProtocolError,
  type LivePack,
  type ProtocolErrorCode,
  type Vault,
  type VaultSafe,
  type VaultSession,
} from '@twinvault/protocol';
import { equalBytes, primitives, toHex } from '@twinvault/std';
import { compactedPack } from '../builders/compacted-pack.ts';
import { TestSafe, type TestComputer, type TestPack, type TestRecord } from '../builders/test-safe.ts';

export interface VaultUnderTest extends AsyncDisposable {
  readonly vault: Vault;
  /** A site of many customers: two of its safes may have one label. */
  readonly labelsRepeat?: boolean;
  /** The same vault, opened once more as another process would. */
  again(): Promise<Vault>;
}

interface Fixture {
  readonly vault: Vault;
  readonly labelsRepeat: boolean;
  readonly again: () => Promise<Vault>;
  readonly mine: TestSafe;
  readonly computer: TestComputer;
  readonly safe: VaultSafe;
  /** The other safe of the same vault. */
  readonly other: TestSafe;
  readonly otherComputer: TestComputer;
  readonly otherSafe: VaultSafe;
}

export async function rejectsWith(work: Promise<unknown>, code: ProtocolErrorCode): Promise<ProtocolError> {
  let caught: unknown;
  try {
    await work;
  } catch (error) {
    caught = error;
  }
  assert.ok(caught instanceof ProtocolError, `expected ${code}, got ${String(caught)}`);
  assert.equal(caught.code, code, caught.stack);
  return caught;
}

export function sessionOf(
  safe: VaultSafe,
  { head }: { readonly head: LedgerHead },
  computer: TestComputer,
  job: string = 'job',
): Promise<VaultSession> {
  return safe.openSession({ certificate: computer.certificate, computer: computer.computer, job, ledger: head });
}

export async function liveNames(session: VaultSession): Promise<string[]> {
  const names: string[] = [];
  for await (const { pack } of session.liveList()) names.push(toHex(pack));
  return names.sort();
}

/** Puts packs and a record that follows the heads, in a session of its own. */
export async function runOnce(
  fixture: { readonly safe: VaultSafe; readonly mine: TestSafe; readonly computer: TestComputer },
  options: {
    readonly packs?: readonly TestPack[];
    readonly reused?: readonly TestPack[];
    readonly job?: string;
    readonly retention?: string;
  } = {},
): Promise<TestRecord> {
  const { safe, mine, computer } = fixture;
  const { packs = [mine.pack(computer)], reused = [], job = 'job', retention = 'daily' } = options;
  await using session = await sessionOf(safe, mine, computer, job);
  for (const pack of packs) await session.putPack(pack.name, pack.bytes);
  const record = mine.record(computer, { ...following(session), packs: [...packs, ...reused], job, retention });
  await session.commit(record.bytes);
  return record;
}

export function following({ heads }: VaultSession): { sequence: number; previous: ReturnType<typeof recordDigest>[] } {
  return { sequence: 1 + Math.max(0, ...heads.map((head) => head.public.sequence)), previous: heads.map(({ digest }) => digest) };
}

export function vaultConformance(
  name: string,
  open: () => Promise<VaultUnderTest>,
  { skip = false }: { readonly skip?: string | false } = {},
): void {
  const each = (title: string, body: (fixture: Fixture) => Promise<void>): void => {
    test(`${name}: ${title}`, { skip }, async () => {
      await using under = await open();
      const mine = new TestSafe('mine');
      const other = new TestSafe('other');
      const [computer, otherComputer] = [mine.enrol('mine'), other.enrol('other')];
      await under.vault.createSafe(mine.newSafe);
      await under.vault.createSafe(other.newSafe);
      const safe = await under.vault.openSafe(mine.safe);
      const otherSafe = await under.vault.openSafe(other.safe);
      const { vault, labelsRepeat = false } = under;
      const again = (): Promise<Vault> => under.again();
      await body({ vault, labelsRepeat, again, mine, computer, safe, other, otherComputer, otherSafe });
      await seesNothing(otherSafe, other, otherComputer);
    });
  };
  safesAndLedger(each);
  sessionsAndPacks(each);
  commits(each);
  reading(each);
}

type Each = (title: string, body: (fixture: Fixture) => Promise<void>) => void;

async function seesNothing(otherSafe: VaultSafe, other: TestSafe, otherComputer: TestComputer): Promise<void> {
  assert.deepEqual(await otherSafe.records(), []);
  assert.equal((await otherSafe.ledger(1)).length, other.head.number);
  await using session = await sessionOf(otherSafe, other, otherComputer);
  assert.deepEqual(session.heads, []);
  assert.deepEqual(await liveNames(session), []);
}

function safesAndLedger(each: Each): void {
  each('safes are listed, opened and made once', async ({ vault, labelsRepeat, again, mine, other }) => {
    const labels = (await vault.safes()).map(({ label }) => label).sort();
    assert.deepEqual(labels, [mine.label, other.label].sort());
    await rejectsWith(vault.createSafe(mine.newSafe), 'safe-exists');
    if (!labelsRepeat) await rejectsWith(vault.createSafe(new TestSafe('third', mine.label).newSafe), 'label-taken');
    await rejectsWith(vault.openSafe(new TestSafe('fourth').safe), 'safe-unknown');
    await rejectsWith(vault.openSafe(safeId(new Uint8Array(16))), 'safe-unknown');
    await using second = await again();
    assert.equal((await second.safes()).length, 2);
    const [one, two] = [await vault.site(), await second.site()];
    assert.deepEqual([one.site, one.publicKey, one.generation], [two.site, two.publicKey, two.generation]);
  });

  each('a safe that does not hold together is not made', async ({ vault, mine }) => {
    const third = new TestSafe('third');
    const { descriptor, slots, ledger } = third.newSafe;
    await rejectsWith(vault.createSafe({ descriptor, slots: [], ledger }), 'slots-mismatch');
    await rejectsWith(vault.createSafe({ descriptor, slots: mine.newSafe.slots, ledger }), 'slots-mismatch');
    await rejectsWith(vault.createSafe({ descriptor, slots, ledger: ledger.toReversed() }), 'ledger-broken');
    await rejectsWith(vault.createSafe({ descriptor: mine.descriptor, slots, ledger }), 'safe-mismatch');
    const torn = descriptor.slice();
    torn[torn.length - 1] = (torn.at(-1) ?? 0) ^ 1;
    await rejectsWith(vault.createSafe({ descriptor: torn, slots, ledger }), 'signature-invalid');
    assert.equal((await vault.safes()).length, 2);
    await vault.createSafe(third.newSafe);
  });

  each('objects of a safe come back as they were', async ({ safe, mine }) => {
    assert.deepEqual(await safe.descriptor(), mine.descriptor);
    assert.deepEqual(await safe.slots(), mine.newSafe.slots);
    assert.deepEqual(await safe.ledger(1), mine.newSafe.ledger);
    assert.deepEqual(await safe.ledger(3), mine.newSafe.ledger.slice(2));
    assert.deepEqual(await safe.ledger(99), []);
  });

  each('the ledger grows by one entry at a time, and each number is given once', async ({ safe, again, mine, other }) => {
    const entry = mine.entry({ kind: 'suite', minimum: 1 });
    const rival = mine.entry({ kind: 'escrow', name: 'rival', key: mine.prng.bytes(1216) });
    const settled = await Promise.allSettled([safe.appendLedger(entry), safe.appendLedger(rival)]);
    assert.equal(settled.filter(({ status }) => status === 'fulfilled').length, 1);
    const stands = settled[0]?.status === 'fulfilled' ? entry : rival;
    await rejectsWith(safe.appendLedger(stands === entry ? rival : entry), 'ledger-conflict');
    await safe.appendLedger(stands);
    await using second = await again();
    await rejectsWith((await second.openSafe(mine.safe)).appendLedger(stands === entry ? rival : entry), 'ledger-conflict');
    mine.accept(stands);
    assert.deepEqual(await safe.ledger(mine.head.number), [stands]);
    await rejectsWith(safe.appendLedger(other.entry({ kind: 'suite', minimum: 1 })), 'safe-mismatch');
    const stranger = new TestSafe('stranger');
    await rejectsWith(safe.appendLedger(mine.entry({ kind: 'suite', minimum: 1 }, stranger.rootSeed)), 'ledger-signer');
  });

  each('of two changes of slots at the same time one stands, with all its slots', async ({ safe, again, mine }) => {
    await using second = await again();
    const [one, two] = [safe, await second.openSafe(mine.safe)];
    const changes = [one, two].map((target) => {
      const slots = [mine.makeSlot(), mine.makeSlot()];
      return { target, slots, entry: mine.entry({ kind: 'slots', slots: slots.map(objectDigest) }) };
    });
    const settled = await Promise.allSettled(changes.map(({ target, slots, entry }) => target.replaceSlots(slots, entry)));
    const won = changes.filter((_, index) => settled[index]?.status === 'fulfilled');
    assert.equal(won.length, 1);
    assert.deepEqual(await one.slots(), won[0]?.slots);
    assert.deepEqual(await two.slots(), won[0]?.slots);
  });

  each('slots are replaced as a whole and never all removed', async ({ safe, mine }) => {
    const [first, second] = [mine.makeSlot(), mine.makeSlot()];
    const named = [first, second].map(objectDigest);
    const entry = mine.entry({ kind: 'slots', slots: named });
    await rejectsWith(safe.replaceSlots([first], entry), 'slots-mismatch');
    await rejectsWith(safe.replaceSlots([], entry), 'slots-mismatch');
    await rejectsWith(safe.replaceSlots([first, second], mine.entry({ kind: 'suite', minimum: 1 })), 'slots-mismatch');
    await rejectsWith(safe.appendLedger(entry), 'slots-mismatch');
    assert.deepEqual(await safe.slots(), mine.newSafe.slots);
    await safe.replaceSlots([second, first], entry);
    assert.deepEqual(await safe.slots(), [first, second]);
    await safe.replaceSlots([first, second], entry);
    assert.deepEqual(await safe.slots(), [first, second]);
  });
}

function sessionsAndPacks(each: Each): void {
  each('a session takes nothing below the minimum suite, and uses again what is there', async ({ safe, mine, computer }) => {
    await using before = await sessionOf(safe, mine, computer, 'before');
    const [early, late] = [mine.pack(computer), mine.pack(computer)];
    await safe.appendLedger(mine.append({ kind: 'suite', minimum: 2 }));
    await using session = await sessionOf(safe, mine, computer);
    await before.putPack(early.name, early.bytes);
    await rejectsWith(session.putPack(late.name, late.bytes), 'suite-too-low');
    const packs = [early];
    const low = mine.record(computer, { ...following(session), packs });
    await rejectsWith(session.commit(low.bytes), 'record-invalid');
    mine.suite = 2;
    const high = mine.pack(computer);
    await session.putPack(high.name, high.bytes);
    const record = mine.record(computer, { ...following(session), packs: [early, high] });
    assert.deepEqual((await session.commit(record.bytes)).digest, record.digest);
    await rejectsWith(safe.appendLedger(mine.entry({ kind: 'suite', minimum: 1 })), 'ledger-conflict');
  });

  each('a job has one writer', async ({ safe, again, mine, computer }) => {
    const session = await sessionOf(safe, mine, computer);
    await using second = await again();
    const sameSafe = await second.openSafe(mine.safe);
    const busy = await rejectsWith(sessionOf(sameSafe, mine, computer), 'job-busy');
    assert.equal(busy.context['certificate'], toHex(computer.certificate));
    await using _ = await sessionOf(sameSafe, mine, computer, 'another job');
    await session[Symbol.asyncDispose]();
    await session[Symbol.asyncDispose]();
    await using _again = await sessionOf(sameSafe, mine, computer);
    await rejectsWith(session.putPack(mine.pack(computer).name, new Uint8Array(1)), 'lease-lost');
  });

  each(
    'sessions are for known, standing certificates of the job, and for who has seen no more than the site',
    async ({ safe, mine, computer, other, otherComputer }) => {
      await rejectsWith(sessionOf(safe, mine, otherComputer), 'certificate-unknown');
      const second = mine.enrol('second');
      await rejectsWith(sessionOf(safe, mine, computer), 'ledger-behind');
      await safe.appendLedger(mine.newSafe.ledger.at(-1) ?? new Uint8Array(0));
      await rejectsWith(sessionOf(safe, mine, { ...second, computer: computer.computer }), 'job-foreign');
      await rejectsWith(sessionOf(safe, other, computer), 'ledger-forked');
      await safe.appendLedger(
        mine.append({ kind: 'handover', certificate: second.certificate, computer: computer.computer, job: 'job' }),
      );
      await using _ = await sessionOf(safe, mine, { ...second, computer: computer.computer });
      await safe.appendLedger(mine.append({ kind: 'revocation', certificate: computer.certificate, last: [], suspect: [] }));
      await rejectsWith(sessionOf(safe, mine, computer, 'third job'), 'certificate-revoked');
    },
  );

  each(
    'packs are verified, stored once and stand on the live list',
    async ({ safe, again, mine, computer, other, otherComputer }) => {
      const packs = [
        mine.pack(computer),
        mine.pack(computer, { blobCount: 700, blobBytes: 40 }),
        mine.pack(computer, { kind: 3 }),
      ];
      {
        await using session = await sessionOf(safe, mine, computer);
        const answers = await Promise.all(packs.map(({ name, bytes }) => session.putPack(name, bytes)));
        assert.deepEqual(answers, ['stored', 'stored', 'stored']);
        assert.equal(
          await session.putPack(packs[0]?.name ?? mine.pack(computer).name, packs[0]?.bytes ?? new Uint8Array(0)),
          'present',
        );
        const [stranger, foreign] = [mine.enrol('stranger'), other.pack(otherComputer)];
        await rejectsWith(session.putPack(foreign.name, foreign.bytes), 'pack-foreign');
        const unsent = mine.pack(stranger);
        await rejectsWith(session.putPack(unsent.name, unsent.bytes), 'pack-foreign');
        await refusesDamage(session, mine.pack(computer));
        const compacted = compactedPack(mine.safe, [mine.pack(computer), mine.pack(computer)]);
        await rejectsWith(session.putPack(compacted.name, compacted.bytes), 'pack-foreign');
      }
      await using second = await again();
      await using session = await sessionOf(await second.openSafe(mine.safe), { head: await headOfSite(safe, mine) }, computer);
      const live: LivePack[] = [];
      for await (const entry of session.liveList()) live.push(entry);
      assert.deepEqual(live.map(({ pack }) => toHex(pack)).sort(), packs.map((pack) => toHex(pack.name)).sort());
      for (const { pack, tail, certificate } of live) {
        const sent = packs.find(({ name }) => equalBytes(name, pack));
        assert.ok(sent);
        assert.deepEqual(tail, sent.bytes.slice(sent.bytes.length - tail.length));
        assert.equal(new PackTable(tail).count, sent.rows.length);
        assert.deepEqual(certificate, computer.certificate);
      }
    },
  );
}

/** The newest head that the site has, of a test safe that is ahead of it. */
async function headOfSite(safe: VaultSafe, mine: TestSafe): Promise<LedgerHead> {
  return mine.ledger.headAt((await safe.ledger(1)).length);
}

/** Every kind of wrong pack is refused and leaves nothing. */
async function refusesDamage(session: VaultSession, pack: TestPack): Promise<void> {
  const before = await liveNames(session);
  for (const offset of [0, 6, 30, 100, 1250, pack.bytes.length - 300, pack.bytes.length - 20, pack.bytes.length - 1]) {
    const bytes = pack.bytes.slice();
    bytes[offset] = (bytes[offset] ?? 0) ^ 0x10;
    await assert.rejects(session.putPack(pack.name, bytes), ProtocolError, `offset ${offset}`);
  }
  await rejectsWith(session.putPack(pack.name, pack.bytes.slice(0, -1)), 'pack-damaged');
  await rejectsWith(session.putPack(pack.name, new Uint8Array(0)), 'pack-damaged');
  await rejectsWith(session.putPack(pack.name, new Uint8Array(33 * 1024 * 1024)), 'pack-too-large');
  assert.deepEqual(await liveNames(session), before);
}

function commits(each: Each): void {
  each(
    'a record is committed with a receipt of the site, and again with the same one',
    async ({ vault, safe, again, mine, computer }) => {
      const pack = mine.pack(computer);
      const record = mine.record(computer, { packs: [pack] });
      const { publicKey, site } = await vault.site();
      let first: Uint8Array;
      {
        await using session = await sessionOf(safe, mine, computer);
        await session.putPack(pack.name, pack.bytes);
        const reply = await session.commit(record.bytes);
        first = reply.receipt;
        assert.deepEqual(reply.digest, record.digest);
        const receipt = verifyReceipt(reply.receipt, publicKey);
        assert.deepEqual([receipt.record, receipt.safe, receipt.site], [record.digest, mine.safe, site]);
        assert.deepEqual((await session.commit(record.bytes)).receipt, first);
      }
      await using second = await again();
      const sameSafe = await second.openSafe(mine.safe);
      await using session = await sessionOf(sameSafe, mine, computer);
      assert.deepEqual((await session.commit(record.bytes)).receipt, first);
      const [summary, ...more] = await sameSafe.records();
      assert.equal(more.length, 0);
      assert.deepEqual(summary?.public, record.public);
      assert.equal(summary?.receivedMs, parseReceipt(first).receivedMs);
      assert.equal(summary?.storedBytes, record.bytes.length);
      assert.deepEqual(
        session.heads.map(({ digest }) => digest),
        [record.digest],
      );
      assert.deepEqual(await sameSafe.record(record.digest), record.bytes);
      await rejectsWith(sameSafe.record(recordDigest(new Uint8Array(32))), 'record-unknown');
    },
  );

  each('a record may be sent as a difference to an earlier one', async ({ safe, mine, computer, other, otherComputer }) => {
    const [kept, added] = [mine.pack(computer), mine.pack(computer)];
    const first = await runOnce({ safe, mine, computer }, { packs: [kept] });
    await using session = await sessionOf(safe, mine, computer);
    await session.putPack(added.name, added.bytes);
    const next = mine.record(computer, { ...following(session), packs: [kept, added] });
    const sent = encodeRecordDifference(parseRecord(next.bytes), parseRecord(first.bytes));
    const foreign = parseRecord(other.record(otherComputer).bytes);
    await rejectsWith(session.commit(encodeRecordDifference(parseRecord(next.bytes), foreign)), 'base-unknown');
    const wrong = { ...parseRecord(first.bytes), refs: new Uint8Array(1) };
    await rejectsWith(session.commit(encodeRecordDifference(parseRecord(next.bytes), wrong)), 'record-invalid');
    await rejectsWith(session.commit(sent.slice(0, -1)), 'record-invalid');
    assert.deepEqual((await session.commit(sent)).digest, next.digest);
    assert.deepEqual(await safe.record(next.digest), next.bytes);
    assert.deepEqual((await session.commit(sent)).digest, next.digest);
  });

  each('a receipt says what a safeset kept of the last one, and whom that makes suspect', async ({ safe, mine, computer }) => {
    const base = mine.pack(computer, { blobCount: 20 });
    await runOnce({ safe, mine, computer }, { packs: [base] });
    for (let night = 0; night < 3; night += 1) {
      await runOnce({ safe, mine, computer }, { packs: [mine.pack(computer, { blobCount: 1 })], reused: [base] });
    }
    const rewritten = mine.pack(computer, { blobCount: 21 });
    await runOnce({ safe, mine, computer }, { packs: [rewritten] });
    const measures = (await safe.records()).map(({ measure }) => measure);
    assert.deepEqual(
      measures.map((measure) => [measure?.origins, measure?.originsReused, measure?.suspect]),
      [
        [0, 0, false],
        [20, 20, false],
        [21, 20, false],
        [21, 20, false],
        [21, 0, true],
      ],
    );
    const bytes = rewritten.rows.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
    assert.deepEqual([measures[4]?.bytes, measures[4]?.bytesNew], [bytes, bytes]);
  });

  each('nothing is committed that the site could not restore', async ({ vault, safe, mine, computer }) => {
    const third = new TestSafe('third');
    const stranger = third.enrol();
    await vault.createSafe(third.newSafe);
    const [stored, unsent, foreign] = [mine.pack(computer), mine.pack(computer), third.pack(stranger)];
    {
      await using theirs = await sessionOf(await vault.openSafe(third.safe), third, stranger);
      await theirs.putPack(foreign.name, foreign.bytes);
      await using session = await sessionOf(safe, mine, computer);
      await session.putPack(stored.name, stored.bytes);
      const missing = await rejectsWith(
        session.commit(mine.record(computer, { packs: [stored, unsent] }).bytes),
        'origin-missing',
      );
      assert.equal(missing.context['count'], unsent.rows.length);
      await rejectsWith(session.commit(mine.record(computer, { packs: [foreign] }).bytes), 'origin-missing');
      const beyond = { ...stored, rows: [...stored.rows, { ...(stored.rows[0] as TestPack['rows'][0]), position: 99 }] };
      await rejectsWith(session.commit(mine.record(computer, { packs: [beyond] }).bytes), 'origin-missing');
      await session.commit(mine.record(computer, { packs: [stored] }).bytes);
    }
    assert.equal((await safe.records()).length, 1);
  });

  each('a slip needs its blob among the refs', async ({ safe, mine, computer }) => {
    const second = mine.enrol('second');
    await safe.appendLedger(mine.newSafe.ledger.at(-1) ?? new Uint8Array(0));
    const blobs = mine.pack(computer);
    await runOnce({ safe, mine, computer }, { packs: [blobs] });
    const slips = mine.pack(second, { reuses: blobs.rows.slice(0, 2), blobCount: 1 });
    await using session = await sessionOf(safe, mine, second);
    await session.putPack(slips.name, slips.bytes);
    const missing = await rejectsWith(session.commit(mine.record(second, { packs: [slips] }).bytes), 'origin-missing');
    assert.equal(missing.context['count'], 2);
    await session.commit(mine.record(second, { packs: [slips, blobs] }).bytes);
  });

  each('records follow the head of their job', async ({ safe, mine, computer }) => {
    const first = await runOnce({ safe, mine, computer });
    const pack = mine.pack(computer);
    {
      await using session = await sessionOf(safe, mine, computer);
      await session.putPack(pack.name, pack.bytes);
      await rejectsWith(session.commit(mine.record(computer, { packs: [pack] }).bytes), 'head-moved');
      const unknown = recordDigest(mine.prng.bytes(32));
      await rejectsWith(
        session.commit(mine.record(computer, { packs: [pack], sequence: 2, previous: [unknown] }).bytes),
        'head-moved',
      );
      await rejectsWith(
        session.commit(mine.record(computer, { packs: [pack], sequence: 3, previous: [first.digest] }).bytes),
        'record-invalid',
      );
      const checkpoint = mine.record(computer, { kind: 'checkpoint', packs: [pack], sequence: 2, previous: [first.digest] });
      await session.commit(checkpoint.bytes);
      const safeset = mine.record(computer, { packs: [pack], sequence: 2, previous: [first.digest] });
      await session.commit(safeset.bytes);
    }
    await runOnce({ safe, mine, computer });
    await runOnce({ safe, mine, computer }, { job: 'another job' });
    const records = await safe.records({ job: 'job', kind: 'safeset', computer: computer.computer });
    assert.deepEqual(
      records.map((record) => record.public.sequence),
      [1, 2, 3],
    );
    assert.equal((await safe.records({ kind: 'checkpoint' })).length, 1);
    assert.equal((await safe.records()).length, 5);
  });

  each('records of another session, signer or form are refused', async ({ safe, mine, computer, other, otherComputer }) => {
    await using session = await sessionOf(safe, mine, computer);
    const good = mine.record(computer);
    for (const offset of [0, 9, 40, good.bytes.length - 100, good.bytes.length - 1]) {
      const bytes = good.bytes.slice();
      bytes[offset] = (bytes[offset] ?? 0) ^ 0x10;
      await rejectsWith(session.commit(bytes), 'record-invalid');
    }
    await rejectsWith(session.commit(new Uint8Array(0)), 'record-invalid');
    await rejectsWith(session.commit(mine.record(computer, { job: 'another job' }).bytes), 'record-invalid');
    await rejectsWith(session.commit(other.record(otherComputer).bytes), 'record-invalid');
    await rejectsWith(session.commit(mine.record({ ...computer, agentSeed: other.rootSeed }).bytes), 'record-invalid');
    await session.commit(good.bytes);
  });

  each('packs of suspect sessions leave live lists', async ({ safe, mine, computer }) => {
    const second = mine.enrol('second');
    await safe.appendLedger(mine.newSafe.ledger.at(-1) ?? new Uint8Array(0));
    const [good, bad] = [mine.pack(second), mine.pack(computer)];
    await runOnce({ safe, mine, computer }, { packs: [bad] });
    await runOnce({ safe, mine, computer: second }, { packs: [good] });
    const suspect = [primitives.sha256(computer.kem)];
    await safe.appendLedger(mine.append({ kind: 'revocation', certificate: computer.certificate, last: [], suspect }));
    await using session = await sessionOf(safe, mine, second);
    assert.deepEqual(await liveNames(session), [toHex(good.name)]);
  });
}

function reading(each: Each): void {
  each('ranges of packs are read as they were put', async ({ safe, again, mine, computer, otherSafe }) => {
    const packs = Array.from({ length: 40 }, () => mine.pack(computer));
    await runOnce({ safe, mine, computer }, { packs });
    await using second = await again();
    await using open = await (await second.openSafe(mine.safe)).openReading();
    await Promise.all(
      packs.map(async ({ name, bytes, rows }) => {
        assert.equal(await open.packSize(name), bytes.length);
        for (const { offsetBytes, lengthBytes } of rows) {
          assert.deepEqual(
            await open.readPack(name, offsetBytes, lengthBytes),
            bytes.slice(offsetBytes, offsetBytes + lengthBytes),
          );
        }
      }),
    );
    const [pack] = packs;
    assert.ok(pack);
    await rejectsWith(open.readPack(pack.name, pack.bytes.length - 1, 2), 'pack-short');
    const unknown = mine.pack(computer).name;
    await rejectsWith(open.readPack(unknown, 0, 1), 'pack-unknown');
    assert.equal(await open.packSize(unknown), null);
    assert.deepEqual(await open.holdersOf([pack.name, unknown]), [[pack.name], []]);
    await using theirs = await otherSafe.openReading();
    await rejectsWith(theirs.readPack(pack.name, 0, 1), 'pack-unknown');
  });
}
