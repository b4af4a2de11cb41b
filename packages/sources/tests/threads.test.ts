/*
 * Reader and target in worker threads, several at once and ended at any time, as the engine uses them.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { linuxFileSource, linuxTarget } from '../src/index.ts';
import { scanAll } from './copy-through-ports.ts';

const base = realpathSync(mkdtempSync(join(tmpdir(), 'twinvault-threads-')));
after(() => rmSync(base, { recursive: true, force: true }));

const program = `
  const { parentPort, workerData } = require('node:worker_threads');
  (async () => {
    const { openSourceReader } = await import(workerData.reader.module);
    const { openTarget } = await import(workerData.target.module);
    const reader = openSourceReader(workerData.reader.config);
    const target = openTarget(workerData.target.config);
    const buffer = new Uint8Array(4096);
    for (const { directory, name, stat } of workerData.entries) {
      const opened = reader.open(directory, name, stat);
      const { details } = opened.details();
      const file = target.createFile(new Uint8Array(0), name, stat.sizeBytes, 'overwrite');
      file.write(buffer.subarray(0, opened.read(buffer, 0, 4096, 0)), 0);
      file.finish({ ...stat, details });
      opened[Symbol.dispose]();
    }
    reader.close();
    target.close();
    parentPort.postMessage('done');
  })();
`;

test('threads read and write side by side', { skip: process.platform !== 'linux' && 'Linux only' }, async () => {
  const root = join(base, 'tree');
  mkdirSync(root);
  const names = Array.from({ length: 400 }, (_, index) => `file-${index}`);
  for (const name of names) writeFileSync(join(root, name), `content of ${name}`);
  const source = linuxFileSource({ roots: [Buffer.from(root)], rules: { excludes: [], skipCaches: true, oneFileSystem: false } });
  const target = linuxTarget({ root: Buffer.from(join(base, 'restored')) });
  const { entries } = await scanAll(source);
  const files = entries.filter(({ stat }) => stat.type === 1);
  const start = (part: number): Worker => {
    const workerData = { reader: source.reader, target, entries: files.filter((_, index) => index % 4 === part) };
    return new Worker(program, { eval: true, workerData });
  };
  const workers = [0, 1, 2, 3].map(start);
  await Promise.all(
    workers.map(async (worker) => {
      await new Promise((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
      await worker.terminate();
    }),
  );
  for (const name of names) assert.equal(readFileSync(join(base, 'restored', name), 'utf8'), `content of ${name}`);
  // Ended in the middle of its work: nothing of this process breaks.
  const broken = start(0);
  await new Promise((resolve) => {
    broken.once('online', resolve);
  });
  await broken.terminate();
});
