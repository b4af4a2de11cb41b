/*
 * Every file operation of the scenario fails once, before or after it took effect, and for good from some operation on. What was
 * acknowledged is there afterwards, the error was one of the port's, and the next run goes through.
 *
 * How: the operations of a run that works are counted; then the run is repeated with each n, on a disk of its own. The slow variant of
 * the test takes every n of every way to fail, this one a spread of them.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { minuteMs } from '@twinvault/std';
import { faultyFiles, memoryPlatform } from '@twinvault/testkit';
import { pump } from './harness.ts';
import { inDirectory, newBook, scenario, verifyBook } from './scenario.ts';
import { countOperations, faultCases, runFault } from './fault-run.ts';

test('the scenario runs, twice, and counts its operations', async () => {
  const platform = memoryPlatform('count');
  const book = newBook('count');
  const files = faultyFiles(platform.files, { failNth: null });
  await pump(platform, scenario(inDirectory({ ...platform, files }), book));
  await verifyBook(inDirectory(platform), book);
  await platform.clock.advance(6 * minuteMs);
  await pump(platform, scenario(inDirectory(platform), book));
  await pump(platform, verifyBook(inDirectory(platform), book));
  assert.ok(files.calls > 200, String(files.calls));
});

for (const fault of faultCases) {
  test(`a failure at a spread of operations: ${JSON.stringify(fault)}`, async () => {
    const count = await countOperations();
    for (let nth = 1 + 5 * fault.offset; nth <= count; nth += 37) await runFault({ ...fault, nth });
  });
}
