/*
 * How many bytes a core cuts in a second: random data, which has a candidate in 256 bytes, and zeros, which have none; and how
 * long SipHash takes for a path.
 */

import { chunkBytesMax, Cutter, SipHasher } from '@twinvault/seal';
import { Prng } from '@twinvault/std';
import { measure, printTable } from './support/cpu.ts';

const key = new Prng('bench').bytes(16);
const bufferBytes = 64 * 1024 * 1024;
const cutter = new Cutter(key, { bufferBytes });

function cutAll(): number {
  let start = 0;
  let count = 0;
  while (start < bufferBytes) {
    start = cutter.findCut(start, Math.min(bufferBytes, start + chunkBytesMax), true);
    count += 1;
  }
  return count;
}

const rows: string[][] = [['', 'GB per CPU second', 'chunks']];
const random = new Prng('random data').bytes(1024 * 1024);
for (let offset = 0; offset < bufferBytes; offset += random.length) {
  cutter.buffer.set(
    random.map((byte) => byte ^ (offset >> 20)),
    offset,
  );
}
const one = await measure(15, cutAll);
rows.push(['random data', (bufferBytes / one.cpuSeconds / 1e9).toFixed(2), String(cutAll())]);
cutter.buffer.fill(0);
const zeros = await measure(15, cutAll);
rows.push(['zeros', (bufferBytes / zeros.cpuSeconds / 1e9).toFixed(2), String(cutAll())]);
printTable(rows);

const hasher = new SipHasher(key);
const hashes = 2_000_000;
const sip = await measure(5, () => {
  for (let count = 0; count < hashes; count += 1) hasher.high(80);
});
printTable([
  ['', 'ns'],
  ['SipHash-2-4 of 80 bytes', ((sip.cpuSeconds / hashes) * 1e9).toFixed(0)],
]);
