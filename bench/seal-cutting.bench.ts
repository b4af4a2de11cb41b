/*
 * How many bytes a core cuts in a second: random data, which has a candidate in 256 bytes, and zeros, which have none; what
 * looking for a cut costs a byte that is looked at, and hashing its page; and how long SipHash takes for a path.
 */

import { chunkBytesMax, chunkBytesMin, Cutter, newPageKey, PageHasher, SipHasher } from '@twinvault/seal';
import { Prng } from '@twinvault/std';
import { measure, printTable } from './support/cpu.ts';

const key = new Prng('bench').bytes(16);
const bufferBytes = 64 * 1024 * 1024;
const cutter = new Cutter(key, { bufferBytes });

interface Cut {
  count: number;
  /** Behind the smallest length of a chunk. */
  lookedAtBytes: number;
}

function cutAll(): Cut {
  const cut: Cut = { count: 0, lookedAtBytes: 0 };
  for (let start = 0; start < bufferBytes;) {
    const end = cutter.findCut(start, Math.min(bufferBytes, start + chunkBytesMax), true);
    cut.count += 1;
    cut.lookedAtBytes += Math.max(0, end - start - chunkBytesMin + 1);
    start = end;
  }
  return cut;
}

async function cutRow(name: string): Promise<string[]> {
  const { cpuSeconds } = await measure(15, cutAll);
  const { count, lookedAtBytes } = cutAll();
  const perByte = ((cpuSeconds / lookedAtBytes) * 1e9).toFixed(2);
  return [name, (bufferBytes / cpuSeconds / 1e9).toFixed(2), perByte, String(count)];
}

const rows: string[][] = [['', 'GB per CPU second', 'ns a byte looked at', 'chunks']];
const random = new Prng('random data').bytes(1024 * 1024);
for (let offset = 0; offset < bufferBytes; offset += random.length) {
  cutter.buffer.set(
    random.map((byte) => byte ^ (offset >> 20)),
    offset,
  );
}
rows.push(await cutRow('random data'));
const pages = PageHasher.over(cutter, newPageKey({ bytes: (count) => new Prng('page key').bytes(count) }));
const signed = await measure(15, () => {
  for (let offset = 0; offset < bufferBytes; offset += random.length) pages.sign(offset, random.length);
});
cutter.buffer.fill(0);
rows.push(await cutRow('zeros'));
printTable(rows);

const hasher = new SipHasher(key);
const hashes = 2_000_000;
const sip = await measure(5, () => {
  for (let count = 0; count < hashes; count += 1) hasher.high(80);
});
printTable([
  ['', 'ns'],
  ['SipHash-2-4 of 80 bytes', ((sip.cpuSeconds / hashes) * 1e9).toFixed(0)],
  ['both hashes of pages, a byte', ((signed.cpuSeconds / bufferBytes) * 1e9).toFixed(2)],
]);
