/*
 * Every operation of the store of a site fails once, before or after it took effect, and for good from some operation on. What was
 * acknowledged is there afterwards, the error was the port's, and the next run goes through. As faults.test.ts, for stores that are no
 * directory.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '@twinvault/protocol';
import type { ProtocolErrorCode } from '@twinvault/protocol';
import { minuteMs } from '@twinvault/std';
import { pump } from './harness.ts';
import { MemorySite } from './memory-site.ts';
import { newBook, scenario, verifyBook } from './scenario.ts';

interface FaultCase {
  readonly code: ProtocolErrorCode;
  readonly when: 'before' | 'after';
  readonly times: number;
  /** Where the spread begins. */
  readonly offset: number;
}

const cases: readonly FaultCase[] = [
  { code: 'store-away', when: 'before', times: 1, offset: 0 },
  { code: 'store-away', when: 'after', times: 1, offset: 3 },
  { code: 'vault-full', when: 'before', times: 3, offset: 5 },
  { code: 'store-away', when: 'before', times: Infinity, offset: 8 },
  { code: 'vault-denied', when: 'after', times: Infinity, offset: 11 },
];
const step = 17;

async function countOperations(): Promise<number> {
  const site = new MemorySite('store faults');
  const store = site.faulty({ failNth: null, error: () => null });
  const book = newBook('store faults');
  await pump(site.platform, scenario(site.place(store), book));
  await pump(site.platform, verifyBook(site.place(), book));
  return store.calls;
}

async function runFault({ code, when, times, nth }: FaultCase & { readonly nth: number }): Promise<void> {
  const what = `${code} ${when} ${nth} ${times}`;
  const site = new MemorySite('store faults');
  const book = newBook('store faults');
  const store = site.faulty({ failNth: nth, when, times, error: () => new ProtocolError(code) });
  try {
    await pump(site.platform, scenario(site.place(store), book));
  } catch (caught) {
    assert.ok(caught instanceof ProtocolError, `${what}: ${String(caught)} ${caught instanceof Error ? caught.stack : ''}`);
  }
  try {
    await pump(site.platform, verifyBook(site.place(), book));
    await site.platform.clock.advance(6 * minuteMs);
    await pump(site.platform, scenario(site.place(), book));
    await pump(site.platform, verifyBook(site.place(), book));
  } catch (caught) {
    throw new Error(`${what}: ${String(caught)}`, { cause: caught });
  }
}

for (const fault of cases) {
  test(`a store that fails at a spread of operations: ${JSON.stringify(fault)}`, async () => {
    const count = await countOperations();
    assert.ok(count > 150, String(count));
    for (let nth = 1 + fault.offset; nth <= count; nth += step) await runFault({ ...fault, nth });
  });
}
