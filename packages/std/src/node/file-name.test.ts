import assert from 'node:assert/strict';
import { link, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { nameExclusively } from './file-name.ts';

async function temporaryDirectory() {
  const directory = await mkdtemp(join(tmpdir(), 'twinvault-'));
  return {
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
    at: (name: string): string => join(directory, name),
    names: () => readdir(directory),
  };
}

function failingWith(code: string): typeof link {
  return () => Promise.reject(Object.assign(new Error(code), { code }));
}

for (const [way, makeLink] of [
  ['hard links', link],
  ['a reservation', failingWith('EPERM')],
] as const) {
  test(`one of many wins by ${way}`, async () => {
    await using given = await temporaryDirectory();
    const count = 12;
    const temporaries = Array.from({ length: count }, (_, index) => given.at(`.tv-${index}.tmp`));
    await Promise.all(temporaries.map((path, index) => writeFile(path, String(index))));
    const results = await Promise.all(temporaries.map((path) => nameExclusively(path, given.at('file'), makeLink)));
    assert.equal(results.filter(Boolean).length, 1);
    assert.equal(await readFile(given.at('file'), 'utf8'), String(results.indexOf(true)));
    assert.deepEqual(await given.names(), ['file']);
  });
}

test('a link whose answer got lost is still a success', async () => {
  await using given = await temporaryDirectory();
  await writeFile(given.at('.tv-1.tmp'), 'one');
  const lossy: typeof link = async (from, to) => {
    await link(from, to);
    await link(from, to);
  };
  assert.equal(await nameExclusively(given.at('.tv-1.tmp'), given.at('file'), lossy), true);
  assert.equal(await readFile(given.at('file'), 'utf8'), 'one');
});

test('an abandoned reservation gives way, a fresh one and any other file do not', async () => {
  await using given = await temporaryDirectory();
  const file = given.at('file');
  const attempt = async (): Promise<boolean> => {
    await writeFile(given.at('.tv-1.tmp'), 'data');
    return nameExclusively(given.at('.tv-1.tmp'), file, failingWith('ENOTSUP'));
  };
  await writeFile(file, 'Twinvault: name reserved\n');
  assert.equal(await attempt(), false);
  await utimes(file, 1, 1);
  assert.equal(await attempt(), true);
  assert.equal(await readFile(file, 'utf8'), 'data');
  await writeFile(file, 'something of twenty-five\n');
  await utimes(file, 1, 1);
  assert.equal(await attempt(), false);
});

test('another error is thrown, and nothing stays behind', async () => {
  await using given = await temporaryDirectory();
  await writeFile(given.at('.tv-1.tmp'), 'one');
  await assert.rejects(nameExclusively(given.at('.tv-1.tmp'), given.at('file'), failingWith('EIO')), { code: 'EIO' });
  assert.deepEqual(await given.names(), []);
});
