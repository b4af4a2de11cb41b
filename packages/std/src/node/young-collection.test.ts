import assert from 'node:assert/strict';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import type { PerformanceEntry } from 'node:perf_hooks';
import { test } from 'node:test';
import { youngCollection } from './young-collection.ts';

test('young objects are collected, and no others', async () => {
  const kinds: unknown[] = [];
  const seen = Promise.withResolvers<void>();
  const observer = new PerformanceObserver((list) => {
    kinds.push(
      ...list
        .getEntries()
        .map((entry) => (entry as PerformanceEntry & { readonly detail: { readonly kind: number } }).detail.kind),
    );
    if (kinds.length >= 3) seen.resolve();
  });
  observer.observe({ entryTypes: ['gc'] });
  const collect = youngCollection();
  for (let count = 0; count < 3; count += 1) collect();
  await seen.promise;
  observer.disconnect();
  assert.ok(kinds.filter((kind) => kind === constants.NODE_PERFORMANCE_GC_MINOR).length >= 3, String(kinds));
  assert.ok(!kinds.includes(constants.NODE_PERFORMANCE_GC_MAJOR), String(kinds));
});
