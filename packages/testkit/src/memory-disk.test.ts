/*
 * Proves the disk's promise: whatever has resolved before a crash is there after it, what was under way is there whole or
 * not at all (appends: a torn end), and a dead mount never acts again. The crash comes at every step of a run in turn, and
 * at random steps of random runs; a failure prints the seed of its run.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Files, Prng, utf8Encode } from '@twinvault/std';
import { FakeClock, settle } from './fake-clock.ts';
import { MemoryDisk } from './memory-disk.ts';

const text = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString());

interface Crashing {
  readonly disk: MemoryDisk;
  readonly steps: string[];
  /** No crash from here on. */
  readonly disarm: () => void;
}

/** A disk that crashes before its step number `crashAt`. */
function crashingDisk(crashAt: number, prng?: Prng): Crashing {
  const steps: string[] = [];
  let armed = true;
  const disk: MemoryDisk = new MemoryDisk({
    clock: new FakeClock(),
    onStep: (step) => {
      steps.push(step);
      if (armed && steps.length === crashAt) disk.crash(prng);
    },
  });
  const disarm = (): void => {
    armed = false;
  };
  return { disk, steps, disarm };
}

test('a create is there whole or not at all, whatever the step of the crash', async () => {
  for (const seed of [null, 1, 2, 3, 4, 5]) {
    let crashAt = 1;
    for (let crashed = true; crashed; crashAt += 1) {
      const { disk, steps, disarm } = crashingDisk(crashAt, seed === null ? undefined : new Prng(`${seed}/${crashAt}`));
      let done = false;
      void disk
        .mount()
        .create('/file', [utf8Encode('hello')])
        .then(() => (done = true));
      await settle();
      disarm();
      crashed = steps.length >= crashAt;
      assert.equal(done, !crashed);
      const found = text(await disk.mount().read('/file', 100));
      if (done) assert.equal(found, 'hello');
      else assert.ok(found === null || found === 'hello');
    }
    assert.ok(crashAt >= 6);
  }
});

test('what nothing promises to survive may come back', async () => {
  const disk = new MemoryDisk({ clock: new FakeClock() });
  const files = disk.mount();
  await files.create('/file', [utf8Encode('hello')]);
  await files.remove('/file');
  assert.equal(await files.stat('/file'), null);
  disk.crash();
  assert.equal(text(await disk.mount().read('/file', 100)), 'hello');
});

test('a dead mount never answers, and its open files neither', async () => {
  const disk = new MemoryDisk({ clock: new FakeClock() });
  const files = disk.mount();
  await files.create('/file', [utf8Encode('hello')]);
  const open = await files.open('/file');
  disk.crash();
  let answers = 0;
  const count = (): void => void (answers += 1);
  void files.stat('/file').then(count, count);
  void open?.read(0, 1).then(count, count);
  void files.create('/other', []).then(count, count);
  await settle();
  assert.equal(answers, 0);
  assert.equal(await disk.mount().stat('/other'), null);
});

test('the disk fills up', async () => {
  const files = new MemoryDisk({ clock: new FakeClock(), capacityBytes: 100 }).mount();
  await files.create('/one', [new Uint8Array(60)]);
  await assert.rejects(files.create('/two', [new Uint8Array(41)]), { code: 'file-disk-full' });
  await assert.rejects(files.append('/one', new Uint8Array(41)), { code: 'file-disk-full' });
  assert.equal((await files.space('/')).freeBytes, 40);
  assert.deepEqual(await files.list('/'), [{ name: 'one', kind: 'file' }]);
  await files.remove('/one');
  await files.create('/two', [new Uint8Array(100)]);
});

/** What a file may hold after a crash: what the last finished operation left, or what the one under way would have. */
interface Expected {
  durable: string | null;
  pending: readonly (string | null)[] | null;
}

/** One random operation; keeps `expected` up to date as it begins and ends. */
async function act(files: Files, expected: Map<string, Expected>, prng: Prng): Promise<void> {
  const name = `/d/${prng.below(4)}`;
  const state = expected.get(name) ?? { durable: null, pending: null };
  expected.set(name, state);
  const content = `${name}:${prng.u32()}`.repeat(prng.between(1, 5));
  const before = state.durable;
  const end = (value: string | null): void => {
    state.durable = value;
    state.pending = null;
  };
  switch (prng.below(4)) {
    case 0:
      state.pending = [before, before ?? content];
      await files.create(name, [utf8Encode(content)]);
      end(before ?? content);
      break;
    case 1:
      state.pending = [before, content];
      await files.replace(name, [utf8Encode(content)]);
      end(content);
      break;
    case 2: {
      const whole = (before ?? '') + content;
      state.pending = [before, ...Array.from({ length: whole.length + 1 }, (_, length) => whole.slice(0, length))];
      await files.append(name, utf8Encode(content));
      end(whole);
      break;
    }
    default:
      assert.equal(text(await files.read(name, 100_000)), before);
  }
}

test('random runs, crashed at random', async () => {
  for (let seed = 0; seed < 300; seed += 1) {
    const prng = new Prng(`memory-disk/${seed}`);
    const { disk, disarm } = crashingDisk(prng.between(1, 120), prng.chance(0.3) ? undefined : prng.fork('crash'));
    const expected = new Map<string, Expected>();
    const run = async (): Promise<void> => {
      const files = disk.mount();
      await files.makeDirectory('/d');
      for (let count = 0; count < 15; count += 1) await act(files, expected, prng);
    };
    void run();
    await settle();
    disarm();
    const files = disk.mount();
    for (const [name, { durable, pending }] of expected) {
      const found = text(await files.read(name, 100_000))?.replace(/\0+$/, '') ?? null;
      const allowed = pending ?? [durable];
      assert.ok(allowed.includes(found), `seed ${seed}: ${name} holds ${found}, not ${allowed.join(' or ')}`);
    }
  }
});
