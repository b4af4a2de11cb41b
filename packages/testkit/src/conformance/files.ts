/*
 * What every implementation of the files port must do. Each test gets an empty directory of its own; paths are joined with
 * "/", which Windows takes too.
 */

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Files, MiB, Prng, StdError, utf8Encode } from '@twinvault/std';

export interface FilesUnderTest extends AsyncDisposable {
  readonly files: Files;
  /** An empty directory that exists. */
  readonly directory: string;
  /** Whether permission bits are kept. */
  readonly hasModes: boolean;
}

const hello = utf8Encode('hello');
const world = utf8Encode('world');

async function rejectsWith(code: string, action: Promise<unknown>): Promise<void> {
  await assert.rejects(action, (error) => error instanceof StdError && error.code === code);
}

async function namesIn({ files, directory }: FilesUnderTest): Promise<string[]> {
  return (await files.list(directory)).map(({ name }) => name).toSorted();
}

const reading: Readonly<Record<string, (given: FilesUnderTest) => Promise<void>>> = {
  'what is missing is null, false or empty': async ({ files, directory }) => {
    const missing = `${directory}/missing`;
    for (const path of [missing, `${missing}/deeper`]) {
      assert.equal(await files.stat(path), null);
      assert.equal(await files.read(path, 10), null);
      assert.equal(await files.open(path), null);
      assert.equal(await files.remove(path), false);
      assert.equal(await files.touch(path), false);
      assert.equal(await files.rename(path, `${directory}/other`), false);
      assert.deepEqual(await files.list(path), []);
      await files.removeTree(path);
    }
    await files.create(`${directory}/file`, [hello]);
    assert.equal(await files.stat(`${directory}/file/below`), null);
    assert.equal(await files.read(`${directory}/file/below`, 10), null);
  },

  'stat tells kind, size and time': async ({ files, directory, hasModes }) => {
    await files.create(`${directory}/file`, [hello, world], { mode: 0o640 });
    await files.makeDirectory(`${directory}/folder`, { mode: 0o750 });
    const file = await files.stat(`${directory}/file`);
    const folder = await files.stat(`${directory}/folder`);
    assert.equal(file?.kind, 'file');
    assert.equal(file.sizeBytes, 10);
    assert.ok(file.modifiedMs > Date.UTC(2020, 0, 1));
    assert.equal(folder?.kind, 'directory');
    if (!hasModes) return;
    assert.equal(file.mode, 0o640);
    assert.equal(folder.mode, 0o750);
    await files.create(`${directory}/private`, []);
    assert.equal((await files.stat(`${directory}/private`))?.mode, 0o600);
  },

  'list tells names and kinds': async ({ files, directory }) => {
    await files.create(`${directory}/a file`, []);
    await files.makeDirectory(`${directory}/ä`);
    const entries = (await files.list(directory)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    assert.deepEqual(entries, [
      { name: 'a file', kind: 'file' },
      { name: 'ä', kind: 'directory' },
    ]);
  },

  'read has a limit, and an answer of its own': async ({ files, directory }) => {
    const path = `${directory}/file`;
    await files.create(path, [hello]);
    const first = await files.read(path, 5);
    assert.deepEqual(first, hello);
    assert.equal(first?.constructor, Uint8Array);
    first?.fill(0);
    assert.deepEqual(await files.read(path, 5), hello);
    await rejectsWith('file-too-large', files.read(path, 4));
    await rejectsWith('file-failed', files.read(directory, 1_000_000));
  },

  'an open file reads ranges, exactly': async ({ files, directory }) => {
    const path = `${directory}/file`;
    await files.create(path, [hello, world]);
    await using file = await files.open(path);
    assert.ok(file !== null);
    assert.equal(file.sizeBytes, 10);
    const parts = await Promise.all([file.read(5, 5), file.read(0, 5), file.read(10, 0)]);
    assert.deepEqual(parts, [world, hello, new Uint8Array(0)]);
    await rejectsWith('file-failed', file.read(6, 5));
    await files.remove(path);
    assert.deepEqual(await file.read(3, 4), utf8Encode('lowo'));
    await rejectsWith('file-failed', files.open(directory));
  },

  'space is told': async ({ files, directory }) => {
    const { freeBytes, totalBytes, type } = await files.space(directory);
    assert.ok(freeBytes > 0 && totalBytes >= freeBytes);
    assert.equal(typeof type, 'string');
    await rejectsWith('file-missing', files.space(`${directory}/missing`));
  },
};

const writing: Readonly<Record<string, (given: FilesUnderTest) => Promise<void>>> = {
  'create makes a file once and changes nothing the second time': async (given) => {
    const { files, directory } = given;
    const path = `${directory}/file`;
    assert.equal(await files.create(path, [hello]), true);
    assert.equal(await files.create(path, [world]), false);
    assert.deepEqual(await files.read(path, 100), hello);
    await files.makeDirectory(`${directory}/folder`);
    assert.equal(await files.create(`${directory}/folder`, [hello]), false);
    assert.deepEqual(await namesIn(given), ['file', 'folder']);
  },

  'of many who create one name, one wins, whole': async (given) => {
    const { files, directory } = given;
    const writers = Array.from({ length: 16 }, (_, index) => new Uint8Array(100_000).fill(index));
    const results = await Promise.all(writers.map((bytes) => files.create(`${directory}/one`, [bytes])));
    assert.equal(results.filter(Boolean).length, 1);
    const winner = writers[results.indexOf(true)];
    assert.deepEqual(await files.read(`${directory}/one`, MiB), winner);
    assert.deepEqual(await namesIn(given), ['one']);
  },

  'replace puts a file there or in the place of another': async (given) => {
    const { files, directory } = given;
    const path = `${directory}/file`;
    await files.replace(path, [hello]);
    await files.replace(path, [world, world]);
    assert.deepEqual(await files.read(path, 100), utf8Encode('worldworld'));
    await rejectsWith('file-failed', files.replace(directory, [hello]));
    assert.deepEqual(await namesIn(given), ['file']);
  },

  'readers see the old or the new file while it is replaced': async ({ files, directory }) => {
    const path = `${directory}/file`;
    const bytes = (fill: number): Uint8Array => new Uint8Array(50_000 + fill).fill(fill);
    await files.create(path, [bytes(0)]);
    const write = async (): Promise<void> => {
      for (let round = 1; round <= 20; round += 1) await files.replace(path, [bytes(round)]);
    };
    const read = async (): Promise<void> => {
      for (let round = 0; round < 60; round += 1) {
        const seen = await files.read(path, MiB);
        assert.deepEqual(seen, bytes(seen?.[0] ?? -1));
      }
    };
    await Promise.all([write(), read(), read()]);
  },

  'parts of all sizes arrive in order': async ({ files, directory }) => {
    const prng = new Prng('parts');
    const cases = [
      [],
      [new Uint8Array(0)],
      Array.from({ length: 5000 }, () => prng.bytes(prng.below(40))),
      [prng.bytes(9 * MiB), new Uint8Array(0), prng.bytes(7), prng.bytes(5 * MiB)],
    ];
    for (const [index, parts] of cases.entries()) {
      const whole = new Uint8Array(Buffer.concat(parts));
      await files.create(`${directory}/created-${index}`, parts);
      await files.replace(`${directory}/replaced-${index}`, parts);
      for (const name of ['created', 'replaced']) {
        const read = await files.read(`${directory}/${name}-${index}`, 20 * MiB);
        assert.ok(read !== null && Buffer.compare(read, whole) === 0);
      }
    }
  },

  'append makes the file and adds to it': async ({ files, directory }) => {
    const path = `${directory}/log`;
    await files.append(path, hello);
    await files.append(path, new Uint8Array(0));
    await files.append(path, world);
    assert.deepEqual(await files.read(path, 100), utf8Encode('helloworld'));
    await rejectsWith('file-failed', files.append(directory, hello));
  },

  'a missing directory is an error': async ({ files, directory }) => {
    const path = `${directory}/missing/file`;
    await rejectsWith('file-missing', files.create(path, [hello]));
    await rejectsWith('file-missing', files.replace(path, [hello]));
    await rejectsWith('file-missing', files.append(path, hello));
    await files.create(`${directory}/file`, [hello]);
    await rejectsWith('file-missing', files.rename(`${directory}/file`, path));
    assert.deepEqual(await files.read(`${directory}/file`, 100), hello);
  },
};

const names: Readonly<Record<string, (given: FilesUnderTest) => Promise<void>>> = {
  'directories are made with their parents, again without harm': async ({ files, directory }) => {
    await files.makeDirectory(`${directory}/a/b/c`);
    await files.makeDirectory(`${directory}/a/b/c`);
    await files.makeDirectory(`${directory}/a/d/`);
    assert.deepEqual((await files.list(`${directory}/a`)).map(({ name }) => name).toSorted(), ['b', 'd']);
    await files.create(`${directory}/file`, [hello]);
    await rejectsWith('file-exists', files.makeDirectory(`${directory}/file`));
  },

  'rename moves and replaces': async (given) => {
    const { files, directory } = given;
    await files.makeDirectory(`${directory}/folder`);
    await files.create(`${directory}/one`, [hello]);
    await files.create(`${directory}/folder/two`, [world]);
    assert.equal(await files.rename(`${directory}/one`, `${directory}/folder/two`), true);
    assert.deepEqual(await files.read(`${directory}/folder/two`, 100), hello);
    assert.equal(await files.rename(`${directory}/one`, `${directory}/folder/two`), false);
    assert.equal(await files.rename(`${directory}/folder`, `${directory}/moved`), true);
    assert.deepEqual(await files.read(`${directory}/moved/two`, 100), hello);
    assert.deepEqual(await namesIn(given), ['moved']);
  },

  'remove takes files and empty directories': async (given) => {
    const { files, directory } = given;
    await files.makeDirectory(`${directory}/folder`);
    await files.create(`${directory}/folder/file`, [hello]);
    await rejectsWith('file-exists', files.remove(`${directory}/folder`));
    assert.equal(await files.remove(`${directory}/folder/file`), true);
    assert.equal(await files.remove(`${directory}/folder/file`), false);
    assert.equal(await files.remove(`${directory}/folder`), true);
    assert.deepEqual(await namesIn(given), []);
  },

  'removeTree takes everything below, and a file': async (given) => {
    const { files, directory } = given;
    await files.makeDirectory(`${directory}/a/b/c`);
    await files.create(`${directory}/a/b/file`, [hello]);
    await files.create(`${directory}/file`, [hello]);
    await files.removeTree(`${directory}/a`);
    await files.removeTree(`${directory}/file`);
    assert.deepEqual(await namesIn(given), []);
  },

  'overwrite leaves the last pattern in the place of what was there': async ({ files, directory }) => {
    const path = `${directory}/file`;
    const patterns = [
      new Uint8Array(65_536),
      new Uint8Array(65_536).fill(255),
      Uint8Array.from({ length: 65_536 }, (_, index) => index % 251),
    ];
    for (const sizeBytes of [0, 1, 4096, 65_537, 2_200_001]) {
      await files.replace(path, [new Uint8Array(sizeBytes).fill(7)]);
      const overwritten = await files.overwrite(path, patterns);
      assert.equal(overwritten?.sizeBytes, sizeBytes);
      const there = await files.read(path, sizeBytes);
      assert.equal(there?.length, sizeBytes);
      assert.ok(there.every((byte, index) => byte === (index % 65_536) % 251));
    }
    assert.equal(await files.overwrite(`${directory}/missing`, patterns), null);
  },

  'touch sets the time to now': async ({ files, directory }) => {
    const path = `${directory}/file`;
    await files.create(path, [hello]);
    const before = await files.stat(path);
    assert.equal(await files.touch(path), true);
    const after = await files.stat(path);
    assert.ok(before !== null && after !== null);
    assert.ok(after.modifiedMs >= before.modifiedMs && after.modifiedMs < before.modifiedMs + 60_000);
    assert.deepEqual(await files.read(path, 100), hello);
  },
};

/** Registers the suite; `make` is called once for each test. */
export function filesConformance(name: string, make: () => Promise<FilesUnderTest>): void {
  suite(`files: ${name}`, () => {
    for (const [title, body] of Object.entries({ ...reading, ...writing, ...names })) {
      test(title, async () => {
        await using given = await make();
        await body(given);
      });
    }
  });
}
