import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GiB, KiB, MiB, dayMs, formatBytes, formatDuration, hourMs, minuteMs } from './units.ts';

test('sizes', () => {
  const cases: readonly [number, string][] = [
    [0, '0 B'],
    [1023, '1023 B'],
    [KiB, '1.00 KiB'],
    [1.5 * MiB, '1.50 MiB'],
    [12.34 * GiB, '12.3 GiB'],
    [512 * GiB, '512 GiB'],
    [MiB - 1, '1.00 MiB'],
    [-KiB, '-1.00 KiB'],
  ];
  for (const [count, text] of cases) assert.equal(formatBytes(count), text);
});

test('durations', () => {
  const cases: readonly [number, string][] = [
    [0, '0 ms'],
    [350.4, '350 ms'],
    [999.9, '1.0 s'],
    [1500, '1.5 s'],
    [59_990, '1 min 00 s'],
    [3 * minuteMs + 5000, '3 min 05 s'],
    [2 * hourMs + 7 * minuteMs, '2 h 07 min'],
    [3 * dayMs + 4 * hourMs, '3 d 04 h'],
    [-1500, '-1.5 s'],
  ];
  for (const [durationMs, text] of cases) assert.equal(formatDuration(durationMs), text);
});
