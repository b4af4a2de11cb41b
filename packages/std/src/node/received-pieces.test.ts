import assert from 'node:assert/strict';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import type { PerformanceEntry } from 'node:perf_hooks';
import { test } from 'node:test';
import { KiB, MiB } from '../units.ts';
import { receivedPieces } from './received-pieces.ts';

type Collection = PerformanceEntry & { readonly detail: { readonly kind: number } };

test('young objects are collected once for every 4 MiB, and no others', async () => {
  const kinds: number[] = [];
  const seen = Promise.withResolvers<void>();
  const observer = new PerformanceObserver((list) => {
    kinds.push(...list.getEntries().map((entry) => (entry as Collection).detail.kind));
    if (kinds.length >= 3) seen.resolve();
  });
  const received = receivedPieces();
  observer.observe({ entryTypes: ['gc'] });
  for (let count = 0; count < (12 * MiB) / (16 * KiB); count += 1) received(16 * KiB);
  await seen.promise;
  observer.disconnect();
  assert.ok(kinds.filter((kind) => kind === constants.NODE_PERFORMANCE_GC_MINOR).length >= 3, String(kinds));
  assert.ok(!kinds.includes(constants.NODE_PERFORMANCE_GC_MAJOR), String(kinds));
});
