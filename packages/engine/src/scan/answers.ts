/* A worker's answers to a batch, taken apart: u8 outcome | u32 length of the body | body, for each item. */
import { assert } from '@twinvault/std';
import type { Outcome } from '../workers/messages.ts';

const answerHeadBytes = 5;

/** Calls `each` for every answer in order; bodies are views of `results`. */
export function readAnswers(
  results: Uint8Array,
  count: number,
  each: (index: number, outcome: Outcome, body: Uint8Array) => void,
): void {
  const view = new DataView(results.buffer, results.byteOffset, results.length);
  let at = 0;
  for (let index = 0; index < count; index += 1) {
    const outcome = view.getUint8(at) as Outcome;
    const length = view.getUint32(at + 1, true);
    at += answerHeadBytes;
    each(index, outcome, results.subarray(at, at + length));
    at += length;
  }
  assert(at === results.length, 'a batch has one answer for each item');
}
