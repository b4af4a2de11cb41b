/* One run of the scenario with one failing operation, and what must hold after it. */

import assert from 'node:assert/strict';
import { ProtocolError } from '@twinvault/protocol';
import { minuteMs } from '@twinvault/std';
import type { StdErrorCode } from '@twinvault/std';
import { faultyFiles, memoryPlatform } from '@twinvault/testkit';
import { pump } from './harness.ts';
import { inDirectory, newBook, scenario, verifyBook } from './scenario.ts';

export interface FaultCase {
  readonly error: StdErrorCode;
  readonly when: 'before' | 'after';
  /** Operations in a row that fail. */
  readonly times: number;
  /** Where the spread begins. */
  readonly offset: number;
}

export const faultCases: readonly FaultCase[] = [
  { error: 'file-failed', when: 'before', times: 1, offset: 0 },
  { error: 'file-failed', when: 'after', times: 1, offset: 4 },
  { error: 'file-disk-full', when: 'before', times: 3, offset: 2 },
  { error: 'file-failed', when: 'before', times: Infinity, offset: 6 },
  { error: 'file-failed', when: 'after', times: Infinity, offset: 7 },
  { error: 'file-read-only', when: 'before', times: Infinity, offset: 1 },
];

/** Operations of a run in which nothing fails. */
export async function countOperations(): Promise<number> {
  const platform = memoryPlatform('fault');
  const files = faultyFiles(platform.files, { failNth: null });
  await pump(platform, scenario(inDirectory({ ...platform, files }), newBook('fault')));
  return files.calls;
}

export async function runFault({ error, when, times, nth }: FaultCase & { readonly nth: number }): Promise<void> {
  const what = `${error} ${when} ${nth} ${times}`;
  const platform = memoryPlatform('fault');
  const book = newBook('fault');
  const files = faultyFiles(platform.files, { failNth: nth, times, when, error });
  try {
    await pump(platform, scenario(inDirectory({ ...platform, files }), book));
  } catch (caught) {
    assert.ok(caught instanceof ProtocolError, `${what}: ${String(caught)} ${caught instanceof Error ? caught.stack : ''}`);
  }
  try {
    await pump(platform, verifyBook(inDirectory(platform), book));
    // What the broken run held lapses; then everything goes on.
    await platform.clock.advance(6 * minuteMs);
    await pump(platform, scenario(inDirectory(platform), book));
    await pump(platform, verifyBook(inDirectory(platform), book));
  } catch (caught) {
    throw new Error(`${what}: ${String(caught)}`, { cause: caught });
  }
}
