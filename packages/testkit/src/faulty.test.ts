import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8Encode } from '@twinvault/std';
import { FakeClock } from './fake-clock.ts';
import { faultyFiles, type FaultyFilesOptions } from './faulty-files.ts';
import { MemoryDisk } from './memory-disk.ts';

const hello = utf8Encode('hello');

function make(options: FaultyFilesOptions) {
  const inner = new MemoryDisk({ clock: new FakeClock() }).mount();
  return { inner, files: faultyFiles(inner, options) };
}

test('the nth call fails, before it takes effect', async () => {
  const { inner, files } = make({ failNth: 2, error: 'file-disk-full' });
  assert.equal(await files.create('/one', [hello]), true);
  await assert.rejects(files.create('/two', [hello]), { code: 'file-disk-full' });
  assert.equal(await files.create('/three', [hello]), true);
  assert.equal(files.calls, 3);
  assert.equal(await inner.stat('/two'), null);
});

test('or after it, and several in a row', async () => {
  const { inner, files } = make({ failNth: 1, when: 'after', times: 2 });
  await assert.rejects(files.create('/one', [hello]), { code: 'file-failed' });
  await assert.rejects(files.create('/two', [hello]), { code: 'file-failed' });
  await files.create('/three', [hello]);
  assert.equal((await inner.list('/')).length, 3);
});

test('only the named operations count', async () => {
  const { files } = make({ failNth: 1, operations: ['create'] });
  assert.equal(await files.stat('/one'), null);
  assert.equal(files.calls, 0);
  await assert.rejects(files.create('/one', [hello]));
});
