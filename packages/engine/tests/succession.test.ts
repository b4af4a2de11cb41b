/*
 * A computer goes on in the safe that took the place of its own, without a password, and is led nowhere else: not by a forged succession, not
 * by an older state of either ledger, not twice. Whoever holds the old root is an attacker here, too.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { currentSafe, openAgentState } from '@twinvault/engine';
import type { CurrentSafe } from '@twinvault/engine';
import { certificateId, encodeLedgerEntry } from '@twinvault/format';
import type { SafeId } from '@twinvault/format';
import type { VaultSafe } from '@twinvault/protocol';
import { admissionEntries, makeSafe, revokeEntry, successionEntry, successorEntry } from '@twinvault/seal';
import type { OpenedSafe } from '@twinvault/seal';
import { equalBytes, toHex } from '@twinvault/std';
import { MemoryTree } from '@twinvault/testkit';
import { assertSame, join, newWorld, over, readBack, run } from './world.ts';
import type { World } from './world.ts';

interface Made {
  readonly safe: VaultSafe;
  readonly opened: OpenedSafe;
  /** Entries of the ledger, in order. */
  readonly entries: readonly Uint8Array[];
}

interface Wish {
  readonly label?: string;
  /** Whose root signs the succession; nobody's when null. */
  readonly signedBy?: OpenedSafe | null;
  readonly admits?: boolean;
}

/** A safe that takes the place of the world's, as `safe rekey` leaves it; the old ledger does not name it yet. */
async function nextSafe(world: World, { label = 'next', signedBy = world.opened, admits = true }: Wish = {}): Promise<Made> {
  const { random, clock } = world.platform;
  const parameters = { passes: 3, memoryKiB: 64 * 1024, lanes: 1 };
  const made = await makeSafe({ label, password: 'another horse battery staple', suite: 1, random, clock, parameters });
  let { opened } = made;
  const entries = [...made.newSafe.ledger];
  if (signedBy !== null) {
    const entry = successionEntry({ opened, clock, before: signedBy });
    entries.push(entry);
    opened = opened.withEntry(entry);
  }
  const of = world.opened.ledger.certificate(world.agent.certificate) ?? assert.fail();
  if (admits) {
    const admitted = admissionEntries({ opened, clock, of, certificate: certificateId(random.bytes(16)) });
    entries.push(...admitted.entries);
    ({ opened } = admitted);
  }
  await world.vault.createSafe({ ...made.newSafe, ledger: entries });
  return { safe: await world.vault.openSafe(opened.safe), opened, entries };
}

/** The old ledger names it: gives the old safe as it is then. */
async function name(world: World, { opened }: Pick<Made, 'opened'>): Promise<OpenedSafe> {
  const entry = successorEntry({ opened, clock: world.platform.clock, before: world.opened });
  await world.safe.appendLedger(entry);
  return world.opened.withEntry(entry);
}

async function today({ vault, safe, state }: Pick<World, 'vault' | 'safe' | 'state'>): Promise<CurrentSafe> {
  return await currentSafe({ vault, safe, state });
}

function isAt(at: { readonly safe: VaultSafe }, safe: SafeId): boolean {
  return equalBytes(at.safe.safe, safe);
}

/** A vault that shows the first entries of a safe's ledger only. */
function showingFewer(world: World, safe: SafeId, count: number): Pick<World, 'vault' | 'safe' | 'state'> {
  const fewer = (shown: VaultSafe): VaultSafe =>
    equalBytes(shown.safe, safe)
      ? over(shown, { ledger: async (from) => (await shown.ledger(1)).slice(from - 1, count) })
      : shown;
  const vault = over(world.vault, { openSafe: async (id) => fewer(await world.vault.openSafe(id)) as never });
  return { vault, safe: fewer(world.safe), state: world.state };
}

test('a computer goes on in the safe that took the place of its own, and its old keys go', async () => {
  const world = await newWorld('follow');
  const tree = new MemoryTree();
  tree.file('root/one', new Uint8Array(50_000).fill(1));
  await run(world, tree);
  using own = world.state.safe(world.agent.safe);
  await own.saveSettings({ reuse: 'computer' });
  const stays = await today(world);
  assert.deepEqual([isAt(stays, world.agent.safe), stays.joined], [true, false]);

  const next = await nextSafe(world);
  await name(world, next);
  await assert.rejects(run(world, tree), { code: 'safe-succeeded' });
  const there = await today(world);
  assert.deepEqual([isAt(there, next.opened.safe), there.joined], [true, true]);
  assert.deepEqual(there.agent.computer, world.agent.computer);
  assert.deepEqual(there.agent.writeSecret, next.opened.writeSecret);
  using state = world.state.safe(next.opened.safe);
  assert.deepEqual(await state.settings(), { reuse: 'computer' });
  assert.equal(await own.agentKeys(), null);
  assert.deepEqual((await world.state.safes()).map(toHex), [toHex(next.opened.safe)]);
  assert.deepEqual(await world.platform.files.list(`${own.path}/jobs`), []);

  const moved: World = { ...world, safe: there.safe, agent: there.agent, opened: next.opened };
  const report = await run(moved, tree);
  assertSame(await readBack(moved, report.record), tree);
  const again = await today(world);
  assert.deepEqual([isAt(again, next.opened.safe), again.joined], [true, false]);
});

test('it goes through several safes at once', async () => {
  const world = await newWorld('twice');
  const second = await nextSafe(world);
  await name(world, second);
  const of = second.opened.ledger.certificates()[0] ?? assert.fail();
  const asSecond = { ...world, ...second, agent: { ...world.agent, certificate: of.id } };
  const third = await nextSafe(asSecond, { label: 'third' });
  await name(asSecond, third);
  assert.ok(isAt(await today(world), third.opened.safe));
  assert.ok(isAt(await today(asSecond), third.opened.safe));
});

test('what the root that is pinned did not sign is no successor', async () => {
  const world = await newWorld('forged');
  const stranger = await newWorld('stranger');
  for (const signedBy of [null, stranger.opened]) {
    const forged = await nextSafe(world, { signedBy, label: signedBy === null ? 'none' : 'stranger' });
    // Not named by the old safe: asked for by its name.
    await assert.rejects(today({ ...world, safe: forged.safe }), { code: 'agent-missing' });
  }
  const unsigned = await nextSafe(world, { signedBy: null, label: 'unsigned' });
  await name(world, unsigned);
  await assert.rejects(today(world), { code: 'successor-mismatch' });
  using own = world.state.safe(world.agent.safe);
  assert.ok((await own.agentKeys()) !== null);
});

test('a vault cannot name a successor by itself, nor put another safe in its place', async () => {
  const world = await newWorld('vault');
  const hacked = await nextSafe(world, { label: 'hacked' });
  const { opened } = hacked;
  // Signed with a key that the vault has: not the root's.
  const payload = { kind: 'successor', safe: opened.safe, root: opened.rootKey, ledger: opened.ledger.head } as const;
  const stranger = await newWorld('key of a vault');
  const { number, digest, root } = world.opened.ledger.head;
  const chained = { safe: world.opened.safe, number: number + 1, previous: digest, root, createdMs: 1 };
  const foreign = encodeLedgerEntry({ ...chained, signer: stranger.opened.rootKey, payload }, (message) =>
    stranger.opened.sign(message),
  );
  const entries = [...(await world.safe.ledger(1)), foreign];
  const shown = over(world.safe, { ledger: async (from) => entries.slice(from - 1) });
  await assert.rejects(today({ ...world, safe: shown }), { code: 'ledger-signer' });
  await assert.rejects(world.safe.appendLedger(foreign), { code: 'ledger-signer' });

  const next = await nextSafe(world);
  await name(world, next);
  const swapped = over(world.vault, { openSafe: async () => hacked.safe as never });
  await assert.rejects(today({ ...world, vault: swapped }), { code: 'successor-mismatch' });
  assert.ok(isAt(await today(world), next.opened.safe));
});

test('an older state of either ledger is refused', async () => {
  const world = await newWorld('rolled back');
  const next = await nextSafe(world);
  const before = world.opened.ledger.head.number;
  await name(world, next);
  const cut = next.opened.ledger.head.number - 1;
  await assert.rejects(today(showingFewer(world, next.opened.safe, cut)), { code: 'ledger-rolled-back' });
  // The entry was seen, so it cannot be hidden again.
  await assert.rejects(today(showingFewer(world, world.agent.safe, before)), { code: 'ledger-rolled-back' });
  await today(world);
  // Gone there, it never comes back, whatever the old ledger shows.
  assert.ok(isAt(await today(showingFewer(world, world.agent.safe, before)), next.opened.safe));
  await assert.rejects(today(showingFewer(world, next.opened.safe, cut)), { code: 'ledger-rolled-back' });
});

test('whoever has the old root leads nobody away who has gone on', async () => {
  const world = await newWorld('old root');
  const next = await nextSafe(world);
  const old = await name(world, next);
  const late = await nextSafe(world, { label: 'late' });
  const second = successorEntry({ opened: late.opened, clock: world.platform.clock, before: old });
  await assert.rejects(world.safe.appendLedger(second), { code: 'ledger-conflict' });
  // Before it went on: the old safe at the vault names another one.
  await assert.rejects(today({ ...world, safe: late.safe }), { code: 'successor-mismatch' });
  await today(world);
  await assert.rejects(today({ ...world, safe: late.safe }), { code: 'agent-missing' });
});

test('who was not admitted, or was revoked there, stays outside', async () => {
  const world = await newWorld('outside');
  const next = await nextSafe(world, { admits: false });
  await name(world, next);
  await assert.rejects(today(world), { code: 'not-admitted', context: { safe: toHex(next.opened.safe) } });
  using own = world.state.safe(world.agent.safe);
  assert.ok((await own.agentKeys()) !== null);

  const other = await newWorld('revoked');
  const made = await nextSafe(other);
  const { clock } = other.platform;
  const certificate = made.opened.ledger.certificates()[0]?.id ?? assert.fail();
  await made.safe.appendLedger(revokeEntry({ opened: made.opened, clock, certificate }));
  await name(other, made);
  await assert.rejects(today(other), { code: 'not-admitted' });

  // What is sealed for one computer is of no use to another.
  const first = await newWorld('two');
  const second = await join(first, 'second');
  const forFirst = await nextSafe({ ...first, opened: second.opened });
  await name(second, forFirst);
  await assert.rejects(today(second), { code: 'not-admitted' });
  assert.ok(isAt(await today(first), forFirst.opened.safe));
});

test('in another vault the new safe is found by its name', async () => {
  const world = await newWorld('elsewhere');
  const next = await nextSafe(world);
  const elsewhere = over(world.vault, {
    openSafe: async (id) => {
      if (equalBytes(id, world.agent.safe)) return await world.vault.openSafe(new Uint8Array(16) as SafeId);
      return await world.vault.openSafe(id);
    },
  });
  // As long as the copy is not complete, the old safe names nobody.
  await assert.rejects(today({ ...world, safe: next.safe }), { code: 'succession-unfinished' });
  const there = await today({ ...world, vault: elsewhere, safe: next.safe });
  assert.deepEqual([isAt(there, next.opened.safe), there.joined], [true, true]);
  const missing = await newWorld('missing');
  const made = await nextSafe(missing);
  await name(missing, made);
  const without = over(missing.vault, {
    openSafe: async () => await missing.vault.openSafe(new Uint8Array(16) as SafeId),
  });
  await assert.rejects(today({ ...missing, vault: without }), { code: 'successor-missing' });
});

test('power that fails at any step loses neither the old keys nor the new ones', async () => {
  for (let failing = 0, done = false; !done; failing += 1) {
    const world = await newWorld('power');
    const next = await nextSafe(world);
    await name(world, next);
    let left = failing;
    const files = over(world.platform.files, {
      replace: async (...parts) => {
        if (left === 0) throw new Error('power');
        left -= 1;
        await world.platform.files.replace(...parts);
      },
      remove: async (path) => {
        if (left === 0) throw new Error('power');
        left -= 1;
        return await world.platform.files.remove(path);
      },
    });
    const state = openAgentState({ path: '/state', platform: { ...world.platform, files } });
    done = await today({ ...world, state }).then(
      () => true,
      (error: unknown) => {
        assert.match(String(error), /power/u);
        return false;
      },
    );
    assert.ok(isAt(await today(world), next.opened.safe));
    assert.deepEqual((await world.state.safes()).map(toHex), [toHex(next.opened.safe)]);
    assert.ok(failing < 20);
  }
});
