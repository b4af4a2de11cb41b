/*
 * In-file delta through whole runs in memory: a large file that changes is sent by its changed pages, comes back byte by
 * byte, and does so whatever happened to the signatures that local state keeps.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '@twinvault/std';
import { MemoryTree } from '@twinvault/testkit';
import { assertSame, newWorld, readBack, run } from './world.ts';
import type { World } from './world.ts';

const pageBytes = 4096;
const fileBytes = 6 * 1024 * 1024;

function changedPages(content: Uint8Array, prng: Prng, count: number): Uint8Array {
  const changed = content.slice();
  for (let page = 0; page < count; page += 1) {
    changed.set(prng.bytes(pageBytes), pageBytes * prng.below(Math.floor(content.length / pageBytes)));
  }
  return changed;
}

function contentOf(tree: MemoryTree, path: string): Uint8Array {
  return tree.nodes.get(path)?.content ?? new Uint8Array(0);
}

async function signaturesPath(world: World): Promise<string> {
  const [safe] = await world.platform.files.list('/state/safes');
  const [job] = await world.platform.files.list(`/state/safes/${safe?.name}/jobs`);
  return `/state/safes/${safe?.name}/jobs/${job?.name}/signatures.db`;
}

test('night after night only changed pages are sent, and every safeset gives back its file', async () => {
  const world = await newWorld('delta nights');
  const prng = new Prng('delta nights');
  const tree = new MemoryTree();
  tree.file('root/database', prng.bytes(fileBytes));
  tree.file('root/other', prng.bytes(300_000));
  const taken = [{ record: (await run(world, tree)).record, tree: tree.copy() }];
  for (let night = 0; night < 6; night += 1) {
    tree.file('root/database', changedPages(contentOf(tree, 'root/database'), prng, 15));
    const report = await run(world, tree);
    assert.ok(report.chunks.storedPlainBytes <= 15 * pageBytes * 1.3, `${report.chunks.storedPlainBytes} bytes stored`);
    taken.push({ record: report.record, tree: tree.copy() });
  }
  for (const { record, tree: then } of taken) assertSame(await readBack(world, record), then);
});

test('a file that workers share is signed too', async () => {
  const world = await newWorld('delta shared');
  const prng = new Prng('delta shared');
  const tree = new MemoryTree();
  const content = new Uint8Array(72 * 1024 * 1024);
  for (let at = 0; at < content.length; at += 1024 * 1024) content.set(prng.bytes(16 * pageBytes), at);
  const data = [
    { offsetBytes: 0, lengthBytes: 66_000_000 },
    { offsetBytes: 70_000_000, lengthBytes: content.length - 70_000_000 },
  ];
  content.fill(0, 66_000_000, 70_000_000);
  tree.file('root/image', content, { data });
  await run(world, tree, { workers: 2 });
  tree.file('root/image', changedPages(content, prng, 10).fill(0, 66_000_000, 70_000_000), { data });
  const report = await run(world, tree, { workers: 2 });
  assert.ok(report.chunks.storedPlainBytes <= 10 * pageBytes, `${report.chunks.storedPlainBytes} bytes stored`);
  assertSame(await readBack(world, report.record), tree);
});

test('insertions and a move in the middle cost about themselves', async () => {
  const world = await newWorld('delta insertions');
  const prng = new Prng('delta insertions');
  const tree = new MemoryTree();
  const content = prng.bytes(fileBytes);
  tree.file('root/file', content);
  await run(world, tree);
  const [a, b, c, d] = [1_000_001, 2_345_678, 3_000_000, 4_000_003];
  const parts = [content.subarray(0, a), prng.bytes(111), content.subarray(b, c), content.subarray(a, b), content.subarray(c, d)];
  tree.file('root/file', Buffer.concat([...parts, prng.bytes(99), content.subarray(d)]));
  const report = await run(world, tree);
  assert.ok(report.chunks.storedPlainBytes < 60_000, `${report.chunks.storedPlainBytes} bytes stored`);
  assertSame(await readBack(world, report.record), tree);
});

test('a changed file and one that became small, or went, leave no signature behind', async () => {
  const world = await newWorld('delta rows');
  const prng = new Prng('delta rows');
  const tree = new MemoryTree();
  for (const name of ['a', 'b', 'c']) tree.file(`root/${name}`, prng.bytes(400_000));
  tree.file('root/copy', contentOf(tree, 'root/a'));
  await run(world, tree);
  const path = await signaturesPath(world);
  const rows = (): number => {
    using database = world.platform.databases.open(path);
    return Number(database.all('SELECT count(*) AS count FROM signatures')[0]?.['count']);
  };
  assert.equal(rows(), 3);
  tree.file('root/a', changedPages(contentOf(tree, 'root/a').subarray(0, 390_000), prng, 1));
  tree.file('root/b', 'small');
  tree.remove('root/c');
  await run(world, tree);
  assert.equal(rows(), 2);
  tree.file('root/copy', changedPages(contentOf(tree, 'root/copy').subarray(0, 390_000), prng, 1));
  const { chunks, record } = await run(world, tree);
  assert.ok(chunks.storedPlainBytes < 20_000, 'the copy still had a signature');
  assert.equal(rows(), 2);
  assertSame(await readBack(world, record), tree);
});

test('signatures of many segments are kept and read segment by segment, by one worker and by several', async () => {
  const world = await newWorld('delta segments');
  const prng = new Prng('delta segments');
  const tree = new MemoryTree();
  const content = new Uint8Array(66 * 1024 * 1024);
  for (let at = 0; at < content.length; at += 1024 * 1024) content.set(prng.bytes(16 * pageBytes), at);
  tree.file('root/image', content);
  tree.file('root/database', prng.bytes(fileBytes));
  const options = { workers: 2, segmentBits: 7 };
  await run(world, tree, options);
  const path = await signaturesPath(world);
  /** Signatures, segments, and segments that no signature names. */
  const rows = (): readonly unknown[] => {
    using database = world.platform.databases.open(path);
    const count = (what: string): unknown => database.all(`SELECT count(*) AS count FROM ${what}`)[0]?.['count'];
    const unnamed = 'segments WHERE name NOT IN (SELECT name FROM segment_uses JOIN signatures USING (content))';
    return [count('signatures'), Number(count('segments')) > 70, count(unnamed)];
  };
  assert.deepEqual(rows(), [2, true, 0]);
  for (let night = 0; night < 3; night += 1) {
    tree.file('root/image', changedPages(contentOf(tree, 'root/image'), prng, 8));
    tree.file('root/database', changedPages(contentOf(tree, 'root/database'), prng, 8));
    const report = await run(world, tree, options);
    assert.ok(report.chunks.storedPlainBytes <= 16 * pageBytes * 1.3, `${report.chunks.storedPlainBytes} bytes stored`);
    assertSame(await readBack(world, report.record), tree);
    assert.deepEqual(rows(), [2, true, 0], 'those of the last version have gone');
  }
  // The segments of a version that was read in vain go with the next run, too.
  tree.file('root/database', changedPages(contentOf(tree, 'root/database'), prng, 8));
  tree.whileRead.set('root/database', () => tree.file('root/database', changedPages(contentOf(tree, 'root/database'), prng, 2)));
  await run(world, tree, options);
  tree.whileRead.clear();
  const report = await run(world, tree, options);
  assertSame(await readBack(world, report.record), tree);
  assert.deepEqual(rows(), [2, true, 0]);
});

for (const harm of ['lost', 'damaged', 'short', 'changed places'] as const) {
  test(`segments that are ${harm} cost sending their pages, not content`, async () => {
    const world = await newWorld(`delta segments ${harm}`);
    const prng = new Prng(`delta segments ${harm}`);
    const tree = new MemoryTree();
    tree.file('root/database', prng.bytes(fileBytes));
    const options = { segmentBits: 6 };
    await run(world, tree, options);
    const path = await signaturesPath(world);
    {
      using database = world.platform.databases.open(path);
      const names = database.all('SELECT name FROM segments ORDER BY name LIMIT 2').map(({ name }) => name as Uint8Array);
      const [first, second] = names;
      assert.ok(first && second);
      const bytes = 'SELECT bytes FROM segments WHERE name = ?';
      const other = database.all(bytes, second)[0]?.['bytes'] as Uint8Array;
      if (harm === 'lost') database.run('DELETE FROM segments WHERE name = ?', first);
      if (harm === 'damaged') database.run('UPDATE segments SET bytes = zeroblob(length(bytes)) WHERE name = ?', first);
      if (harm === 'short') database.run('UPDATE segments SET bytes = substr(bytes, 1, 640) WHERE name = ?', first);
      if (harm === 'changed places') database.run('UPDATE segments SET bytes = ? WHERE name = ?', other, first);
    }
    tree.file('root/database', changedPages(contentOf(tree, 'root/database'), prng, 3));
    const segmentBytes = 2 ** options.segmentBits * pageBytes;
    const first = await run(world, tree, options);
    const { storedPlainBytes } = first.chunks;
    assert.ok(
      storedPlainBytes > segmentBytes / 2 && storedPlainBytes < segmentBytes + 8 * pageBytes,
      `${storedPlainBytes} bytes stored`,
    );
    assertSame(await readBack(world, first.record), tree);
    tree.file('root/database', changedPages(contentOf(tree, 'root/database'), prng, 3));
    const next = await run(world, tree, options);
    assert.ok(next.chunks.storedPlainBytes <= 3 * pageBytes, 'the next run knows all pages again');
    assertSame(await readBack(world, next.record), tree);
  });
}

for (const harm of ['lost', 'damaged', 'no database'] as const) {
  test(`signatures that are ${harm} cost sending, not content`, async () => {
    const world = await newWorld(`delta ${harm}`);
    const prng = new Prng(`delta ${harm}`);
    const tree = new MemoryTree();
    tree.file('root/database', prng.bytes(fileBytes));
    await run(world, tree);
    const path = await signaturesPath(world);
    if (harm === 'lost') {
      using database = world.platform.databases.open(path);
      database.run('DELETE FROM signatures');
    } else if (harm === 'damaged') {
      using database = world.platform.databases.open(path);
      database.run('UPDATE signatures SET bytes = substr(bytes, 1, 3000) || zeroblob(length(bytes) - 3000)');
    } else {
      using database = world.platform.databases.open(path);
      database.execute('DROP TABLE signatures; CREATE TABLE signatures (other INTEGER)');
    }
    tree.file('root/database', changedPages(contentOf(tree, 'root/database'), prng, 3));
    const first = await run(world, tree);
    assert.equal(first.result, 'ok');
    assert.ok(first.chunks.storedPlainBytes > 100_000, 'whole chunks were sent');
    assertSame(await readBack(world, first.record), tree);
    for (let night = 0; night < 2; night += 1) {
      tree.file('root/database', changedPages(contentOf(tree, 'root/database'), prng, 3));
      const again = await run(world, tree);
      assertSame(await readBack(world, again.record), tree);
      if (harm !== 'no database') assert.ok(again.chunks.storedPlainBytes <= 3 * pageBytes, 'the next run knows pages again');
    }
  });
}

test('a file that changes while it is read is torn, and whole in the next safeset', async () => {
  const world = await newWorld('delta torn');
  const prng = new Prng('delta torn');
  const tree = new MemoryTree();
  tree.file('root/database', prng.bytes(fileBytes));
  await run(world, tree);
  const change = (): void => tree.file('root/database', changedPages(contentOf(tree, 'root/database'), prng, 4));
  change();
  tree.whileRead.set('root/database', change);
  const torn = await run(world, tree);
  assert.deepEqual(
    torn.errors.map(({ code }) => code),
    ['entry-changed'],
  );
  tree.whileRead.clear();
  const report = await run(world, tree);
  assertSame(await readBack(world, report.record), tree);
});

test('a run that is stopped keeps the signatures of the last safeset', async () => {
  const world = await newWorld('delta stopped');
  const prng = new Prng('delta stopped');
  const tree = new MemoryTree();
  tree.file('root/database', prng.bytes(fileBytes));
  await run(world, tree);
  tree.file('root/database', changedPages(contentOf(tree, 'root/database'), prng, 5));
  const stop = new AbortController();
  tree.whileRead.set('root/database', () => stop.abort());
  await assert.rejects(run(world, tree, { signal: stop.signal }));
  tree.whileRead.clear();
  const report = await run(world, tree);
  assert.ok(report.chunks.storedPlainBytes <= 5 * pageBytes, `${report.chunks.storedPlainBytes} bytes stored`);
  assertSame(await readBack(world, report.record), tree);
});
