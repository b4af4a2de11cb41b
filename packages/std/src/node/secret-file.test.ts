import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { utf8Encode } from '../bytes.ts';
import { readSecretFile } from './secret-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'twinvault-secret-'));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'secret');
const link = join(folder, 'link');
writeFileSync(path, 'hush');
symlinkSync(path, link);

test('a secret is read when owner and group alone can read it, through a link too', async () => {
  for (const mode of [0o400, 0o600, 0o640]) {
    chmodSync(path, mode);
    assert.deepEqual(await readSecretFile(path, 16), { type: 'secret', bytes: utf8Encode('hush') });
  }
  assert.deepEqual(await readSecretFile(link, 2), { type: 'secret', bytes: utf8Encode('hu') });
});

test('what others can read, or the group can write, is not', async () => {
  for (const mode of [0o644, 0o604, 0o660, 0o601]) {
    chmodSync(path, mode);
    assert.deepEqual(await readSecretFile(path, 16), { type: 'exposed', mode });
    assert.deepEqual(await readSecretFile(link, 16), { type: 'exposed', mode });
  }
});

test('a file that is not there is missing', async () => {
  assert.deepEqual(await readSecretFile(join(folder, 'none'), 16), { type: 'missing' });
  assert.deepEqual(await readSecretFile(join(path, 'below'), 16), { type: 'missing' });
});
