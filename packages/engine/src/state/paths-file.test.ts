import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8Encode } from '@twinvault/std';
import { memoryPlatform } from '@twinvault/testkit';
import { PathsFile } from './paths-file.ts';

test('every line is JSON with the path, whatever its bytes', async () => {
  const { files } = memoryPlatform();
  await files.makeDirectory('/state');
  const paths = new PathsFile(files, '/state/last-run.jsonl');
  const directory = utf8Encode('usr\0share');
  const item = { body: null, change: 'new', last: null, difference: null } as const;
  paths.add({ ...item, directory: new Uint8Array(0), name: utf8Encode('usr') });
  paths.add({ ...item, directory, name: utf8Encode('plain name') });
  paths.add({ ...item, directory, name: utf8Encode('quote " back\\slash \n') });
  paths.add({ ...item, directory: utf8Encode('gr\u00fc\u00df'), name: utf8Encode('x'), change: 'removed' });
  paths.add({ ...item, directory, name: Uint8Array.of(0xff, 0x41) });
  paths.add({ ...item, directory, name: utf8Encode('silent'), change: 'unchanged' });
  paths.addError(utf8Encode('usr\0locked'), 'entry-denied', 'EACCES openat');
  await paths.finish();
  const text = Buffer.from((await files.read('/state/last-run.jsonl', 1 << 20)) ?? []).toString();
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  assert.deepEqual(lines, [
    { change: 'new', path: '/usr' },
    { change: 'new', path: '/usr/share/plain name' },
    { change: 'new', path: '/usr/share/quote " back\\slash \n' },
    { change: 'removed', path: '/gr\u00fc\u00df/x' },
    { change: 'new', path: '/usr/share/\ufffdA', hex: '7573722f73686172652fff41' },
    { error: 'entry-denied', detail: 'EACCES openat', path: '/usr/locked' },
  ]);
});
