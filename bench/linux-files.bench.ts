/*
 * What do listing and reading of files cost beside the bare system calls through node:fs? Takes a directory as argument,
 * /usr without one. What is read should lie in the page cache.
 */
import { closeSync, lstatSync, openSync, readSync } from 'node:fs';
import { linuxFileSource } from '@twinvault/sources';
import { unpackEntries } from '@twinvault/engine';
import type { ScannedEntry, SourceReader } from '@twinvault/engine';
import { measure, printTable } from './support/cpu.ts';

const root = process.argv[2] ?? '/usr';
const rounds = 5;
const smallBytesMax = 16 * 1024;
const buffer = new Uint8Array(smallBytesMax);
const source = linuxFileSource({ roots: [Buffer.from(root)], rules: { excludes: [], skipCaches: true, oneFileSystem: true } });

async function scan(): Promise<ScannedEntry[]> {
  const entries: ScannedEntry[] = [];
  for await (const batch of source.scan(new AbortController().signal)) {
    for (const event of batch) if (event.type === 'entries') entries.push(...unpackEntries(event));
  }
  return entries;
}

async function microseconds(count: number, work: () => unknown): Promise<number> {
  return ((await measure(rounds, work)).cpuSeconds * 1e6) / count;
}

const entries = await scan();
const paths = entries.map(({ directory, name }) =>
  Buffer.concat([Buffer.from(directory), Buffer.from([0]), Buffer.from(name)]).map((byte) => (byte === 0 ? 0x2f : byte)),
);
const absolute = paths.map((path) => (path[0] === 0x2f ? Buffer.from(path) : Buffer.concat([Buffer.from('/'), path])));
const small = entries.flatMap((entry, index) => {
  const isSmall = entry.stat.type === 1 && entry.stat.sizeBytes > 0 && entry.stat.sizeBytes <= smallBytesMax;
  return isSmall ? [{ entry, path: absolute[index] as Buffer }] : [];
});
const { openSourceReader } = (await import(source.reader.module)) as {
  readonly openSourceReader: (config: unknown) => SourceReader;
};

const rows: string[][] = [[`${root}: CPU time in us for each`, 'entries', 'here', 'bare', 'ratio']];
const ours = await microseconds(entries.length, async () => {
  for await (const batch of source.scan(new AbortController().signal)) if (batch.length === 0) throw new Error('empty batch');
});
const theirs = await microseconds(entries.length, () => {
  for (const path of absolute) lstatSync(path);
});
row('scan; bare: lstatSync of the same paths', entries.length, [ours, theirs]);

const reader = openSourceReader(source.reader.config);
const read = await microseconds(small.length, () => {
  for (const { entry } of small) {
    using opened = reader.open(entry.directory, entry.name, entry.stat);
    opened.details();
    for (const { offsetBytes, lengthBytes } of opened.dataRanges()) opened.read(buffer, 0, lengthBytes, offsetBytes);
    opened.statAgain();
  }
});
reader.close();
const bare = await microseconds(small.length, () => {
  for (const { path } of small) {
    const fd = openSync(path, 'r');
    readSync(fd, buffer, 0, smallBytesMax, 0);
    closeSync(fd);
  }
});
row('small file: open, details, read, status; bare: open, read, close', small.length, [read, bare]);

printTable(rows);

function row(what: string, count: number, [here, plain]: readonly [number, number]): void {
  rows.push([what, String(count), here.toFixed(2), plain.toFixed(2), (here / plain).toFixed(2)]);
}
