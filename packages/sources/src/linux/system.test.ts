/* What the engine's own waiting leaves in errno is no answer of a call; what comes again and again is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import koffi from 'koffi';
import { errnos } from './constants.ts';
import { libc } from './libc.ts';
import { System } from './system.ts';

const skip = process.platform !== 'linux' && 'Linux only';

/** Fails with these errnos in turn, the last one for ever. */
function failing(given: readonly number[]): { system: System; calls: () => number } {
  let calls = 0;
  const unlinkat = (): number => {
    koffi.errno(given[Math.min(calls, given.length - 1)] ?? 0);
    calls += 1;
    return -1;
  };
  return { system: new System({ ...libc(), unlinkat }), calls: () => calls };
}

test('an errno that a collection left is asked for again, and one that stays is the answer', { skip }, () => {
  const { EAGAIN, EEXIST, EINTR, ENOENT, ETIMEDOUT } = errnos;
  const cases = [
    { given: [EEXIST], answer: EEXIST, calls: 1 },
    { given: [EAGAIN, EEXIST], answer: EEXIST, calls: 2 },
    { given: [ETIMEDOUT, EINTR, ENOENT], answer: ENOENT, calls: 3 },
    { given: [EAGAIN], answer: EAGAIN, calls: 3 },
  ];
  for (const { given, answer, calls } of cases) {
    const faked = failing(given);
    assert.equal(faked.system.unlink(0, new Uint8Array([0x61])), -answer);
    assert.equal(faked.calls(), calls);
  }
});
