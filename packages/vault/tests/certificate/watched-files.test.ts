import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hourMs } from '@twinvault/std';
import { FakeClock } from '@twinvault/testkit';
import type { TlsFiles } from '../../src/service/http/http-app.ts';
import { WatchedFiles } from '../../src/service/certificate/watched-files.ts';

test('files that somebody else renews are taken within the hour, and what is no good is told and left', async () => {
  const clock = new FakeClock();
  const startMs = clock.nowMs();
  let files: TlsFiles | Error = { chain: 'first', key: 'key' };
  const taken: string[] = [];
  const told: unknown[] = [];
  const watched = new WatchedFiles({
    ports: { clock, timers: clock },
    current: files,
    read: () => (files instanceof Error ? Promise.reject(files) : Promise.resolve(files)),
    take: ({ chain, key }) => taken.push(`${chain} ${key}`),
    failed: (error, againMs) => told.push([error, (againMs - startMs) / hourMs]),
  });
  await clock.advance(5 * hourMs);
  assert.deepEqual([taken, told], [[], []]);

  files = { chain: 'second', key: 'key' };
  await clock.advance(hourMs);
  files = { chain: 'second', key: 'other' };
  await clock.advance(hourMs);
  assert.deepEqual(taken, ['second key', 'second other']);

  const broken = new Error('half of it');
  files = broken;
  await clock.advance(2 * hourMs);
  assert.deepEqual(told, [
    [broken, 9],
    [broken, 10],
  ]);
  assert.equal(watched.failures, 2);

  files = { chain: 'second', key: 'other' };
  await clock.advance(hourMs);
  assert.deepEqual([watched.failures, taken.length], [0, 2]);

  watched[Symbol.dispose]();
  files = { chain: 'third', key: 'key' };
  await clock.advance(hourMs);
  assert.equal(taken.length, 2);
});
