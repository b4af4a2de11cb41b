/*
 * A year of nightly runs with a clean-up after each (retention by days, weeks and months: up to 44 safesets). After every clean-up:
 *
 * - the packs that stay have at most 1.15 times the bytes that the kept safesets need (blobs, rows, slips); with what waits out its delay
 *   too, save on nights when something was moved and lies there twice until the next;
 * - every position that any kept safeset needs is at the site, with the row and the blob that were stored first;
 * - one safeset, the oldest or one drawn by the seed, restores equal to the tree of its night.
 *
 * Every 122 nights, and at the end, all kept safesets restore equal, a rebuild gives the same index, and a check that reads every byte finds nothing.
 *
 * How: real engine and real vault in a directory, on files, threads and a clock in memory. A failure prints seed and night. The slow form takes
 * more trees and restores more.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wholeYear } from './year-run.ts';

test('a year of nightly runs: stored bytes stay near what is needed, every kept safeset restores', async (context) => {
  const totals = await wholeYear({ seed: 'first year', nights: 365, files: 30, restores: 1 });
  context.diagnostic(JSON.stringify(totals));
  assert.ok(totals.movedBytes > 0 && totals.deletedPacks > 300, 'a year in which nothing is compacted proves little');
  assert.ok(totals.packs < 200, 'a run every night does not end in thousands of files');
});
