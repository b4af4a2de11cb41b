/*
 * Property: whatever is done to a file between two readings, the extents of the second give back its bytes, with a signature
 * that is sound, lost, stale, cut short or damaged, and with segments of it that are; and a sound one makes what is sent follow
 * what changed, wherever its segments end.
 *
 * How: fast-check makes scripts of edits (a failure prints seed and path and shrinks the script); chunks go into a map, and a
 * file is put together from it and compared byte by byte.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { primitives, Prng } from '@twinvault/std';
import { chunkId } from '@twinvault/format';
import { Cutter, newPageKey } from '@twinvault/seal';
import type { ChunkSecret } from '@twinvault/seal';
import { readExtents } from '../entries/entry-body.ts';
import type { PlacedExtent } from '../entries/entry-body.ts';
import type { DataRange, EntryStat, OpenedEntry } from '../source-port.ts';
import { readContent } from '../workers/content.ts';
import type { ReadContent } from '../workers/content.ts';
import { DeltaTools } from './delta-reader.ts';
import { decodeSignature, segmentBitsMax } from './signature.ts';

const prng = new Prng('delta');
const key = newPageKey({ bytes: (count) => prng.bytes(count) });
const cutterKey = prng.bytes(16);

interface File {
  readonly bytes: Uint8Array;
  /** Runs of data; null: no holes. */
  readonly data: readonly DataRange[] | null;
}

function secretOf(plaintext: Uint8Array): ChunkSecret {
  const id = chunkId(primitives.sha256(plaintext));
  return { m: id, id };
}

/** Stores chunks in memory, reads files into it and puts them together again. */
class Store {
  readonly chunks = new Map<string, Uint8Array>();
  readonly segments = new Map<string, Uint8Array>();
  storedBytes = 0;
  private readonly cutter = new Cutter(cutterKey);
  private readonly tools = new Map<number, DeltaTools>();

  private toolsOf(segmentBits: number): DeltaTools {
    const made = new DeltaTools({
      key,
      cutter: this.cutter,
      store: {
        secretsOf: (plaintexts) => plaintexts.map((plaintext) => secretOf(plaintext)),
        put: (plaintext, secret) => this.put(plaintext, secret),
        breathe: () => null,
      },
      segments: {
        segment: async (name) => this.segments.get(hexOf(name))?.slice() ?? null,
        keepSegment: (name, words) => {
          this.segments.set(hexOf(name), new Uint8Array(words.slice().buffer));
          return false;
        },
      },
      segmentBits,
    });
    const tools = this.tools.get(segmentBits) ?? made;
    this.tools.set(segmentBits, tools);
    return tools;
  }

  private put(plaintext: Uint8Array, secret = secretOf(plaintext)): Uint8Array {
    const { id } = secret;
    assert.deepEqual(id, secretOf(plaintext).id, 'a chunk is put under its own name');
    const hex = Buffer.from(id).toString('hex');
    if (!this.chunks.has(hex)) {
      this.chunks.set(hex, plaintext.slice());
      this.storedBytes += plaintext.length;
    }
    return id;
  }

  /** `seen`: bytes that reading gives at once, so that reads are short. */
  async read(file: File, last: Version | null, { seen = 700_000, segmentBits = segmentBitsMax } = {}): Promise<Version> {
    const { bytes, data } = file;
    const opened = {
      stat: { sizeBytes: bytes.length } as EntryStat,
      read(into: Uint8Array, intoOffset: number, lengthBytes: number, fileOffsetBytes: number): number {
        const part = bytes.subarray(fileOffsetBytes, fileOffsetBytes + Math.min(lengthBytes, seen));
        into.set(part, intoOffset);
        return part.length;
      },
    } as unknown as OpenedEntry;
    const ranges = data ?? (bytes.length === 0 ? [] : [{ offsetBytes: 0, lengthBytes: bytes.length }]);
    const before = this.storedBytes;
    const known = last === null || last.signature === null ? null : decodeSignature(last.signature, last.list, key);
    const content = await readContent(opened, ranges, { tools: this.toolsOf(segmentBits), last: known });
    assert.equal(content.sizeBytes, bytes.length);
    const extents = readExtents(content.list);
    assert.ok(Buffer.compare(this.together(extents), bytes) === 0, 'the extents give back the file');
    return { ...content, extents, sentBytes: this.storedBytes - before, known: known !== null };
  }

  private together(extents: readonly PlacedExtent[]): Uint8Array {
    return Buffer.concat(
      extents.map(({ id, offsetBytes, lengthBytes }) => {
        if (id === null) return new Uint8Array(lengthBytes);
        const chunk = this.chunks.get(Buffer.from(id).toString('hex'));
        assert.ok(chunk !== undefined && offsetBytes + lengthBytes <= chunk.length, 'the piece lies in a stored chunk');
        return chunk.subarray(offsetBytes, offsetBytes + lengthBytes);
      }),
    );
  }
}

interface Version extends ReadContent {
  readonly extents: readonly PlacedExtent[];
  readonly sentBytes: number;
  readonly known: boolean;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function whole(bytes: Uint8Array): File {
  return { bytes, data: null };
}

type Edit =
  | { readonly type: 'overwrite' | 'insert'; readonly at: number; readonly size: number; readonly seed: number }
  | { readonly type: 'delete' | 'truncate' | 'punch' | 'zero'; readonly at: number; readonly size: number }
  | { readonly type: 'move'; readonly at: number; readonly size: number; readonly to: number }
  | { readonly type: 'append'; readonly size: number; readonly seed: number };

const where = fc.double({ min: 0, max: 1, noNaN: true });
const size = fc.oneof(
  fc.integer({ min: 1, max: 300 }),
  fc.integer({ min: 1, max: 20_000 }),
  fc.constantFrom(4096, 8192, 1_500_000),
);
const seed = fc.nat(5);
const edit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ type: fc.constantFrom('overwrite' as const, 'insert' as const), at: where, size, seed }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constantFrom('delete', 'truncate', 'punch', 'zero'), at: where, size }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('move' as const), at: where, size, to: where }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('append' as const), size, seed }) },
);

function apply({ bytes, data }: File, change: Edit): File {
  const place = (share: number): number => Math.floor(share * bytes.length);
  const parts = (...list: Uint8Array[]): File => whole(Buffer.concat(list));
  if (change.type === 'append') return parts(bytes, new Prng(change.seed).bytes(change.size));
  const start = place(change.at);
  const end = Math.min(bytes.length, start + change.size);
  switch (change.type) {
    case 'overwrite': {
      const changed = bytes.slice();
      changed.set(new Prng(change.seed).bytes(end - start), start);
      return { bytes: changed, data: null };
    }
    case 'insert':
      return parts(bytes.subarray(0, start), new Prng(change.seed).bytes(change.size), bytes.subarray(start));
    case 'delete':
      return parts(bytes.subarray(0, start), bytes.subarray(end));
    case 'truncate':
      return parts(bytes.subarray(0, Math.max(start, bytes.length - 500_000)));
    case 'zero':
      return { bytes: bytes.slice().fill(0, start, end), data };
    case 'punch':
      return punched(bytes, start, end);
    case 'move': {
      const moved = bytes.slice(start, end);
      const rest = Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
      const to = Math.floor(change.to * rest.length);
      return parts(rest.subarray(0, to), moved, rest.subarray(to));
    }
  }
}

/** Whole pages become a hole. */
function punched(bytes: Uint8Array, start: number, end: number): File {
  const [from, to] = [Math.ceil(start / 4096) * 4096, Math.floor(end / 4096) * 4096];
  if (from >= to) return whole(bytes);
  const data = [
    { offsetBytes: 0, lengthBytes: from },
    { offsetBytes: to, lengthBytes: bytes.length - to },
  ].filter(({ lengthBytes }) => lengthBytes > 0);
  return { bytes: bytes.slice().fill(0, from, to), data };
}

type Harm = 'none' | 'lost' | 'stale' | 'short' | 'flipped' | 'key';
const harms: readonly Harm[] = ['none', 'none', 'none', 'lost', 'stale', 'short', 'flipped', 'key'];

function harmed(version: Version, before: Version, harm: Harm): Version {
  const { signature } = version;
  if (signature === null || harm === 'none') return version;
  const bytes = signature.slice();
  const at = Math.floor(bytes.length / 2);
  if (harm === 'flipped') bytes[at] = (bytes[at] ?? 0) ^ 64;
  if (harm === 'key') bytes[12] = (bytes[12] ?? 0) ^ 1;
  if (harm === 'lost') return { ...version, signature: null };
  if (harm === 'stale') return { ...version, signature: before.signature };
  return { ...version, signature: harm === 'short' ? bytes.slice(0, at) : bytes };
}

/** What becomes of the segments that the last version's signature names; gives them back as they were. */
type SegmentHarm = 'none' | 'one lost' | 'one flipped' | 'one short' | 'two changed places' | 'all lost';
const segmentHarms: readonly SegmentHarm[] = [
  'none',
  'none',
  'one lost',
  'one flipped',
  'one short',
  'two changed places',
  'all lost',
];

function harmSegments(segments: Map<string, Uint8Array>, harm: SegmentHarm, random: Prng): () => void {
  const before = new Map(segments);
  const names = [...segments.keys()];
  const [name, other] = [names[random.below(Math.max(1, names.length))], names[random.below(Math.max(1, names.length))]];
  const [bytes, otherBytes] = [segments.get(name ?? ''), segments.get(other ?? '')];
  if (harm === 'all lost') segments.clear();
  if (name !== undefined && other !== undefined && bytes !== undefined && otherBytes !== undefined) {
    if (harm === 'one lost') segments.delete(name);
    if (harm === 'one flipped')
      segments.set(
        name,
        bytes.map((byte, index) => (index === 5 ? byte ^ 1 : byte)),
      );
    if (harm === 'one short') segments.set(name, bytes.slice(0, -20));
    if (harm === 'two changed places') segments.set(name, otherBytes).set(other, bytes);
  }
  return () => {
    for (const [each, content] of before) segments.set(each, content);
  };
}

test('any edits, with any signature and any segments of it, give back the file', async () => {
  const night = fc.record({
    edits: fc.array(edit, { maxLength: 5 }),
    harm: fc.constantFrom(...harms),
    segmentHarm: fc.constantFrom(...segmentHarms),
    bits: fc.constantFrom(2, 4, 6, 8, segmentBitsMax),
  });
  const nights = fc.array(night, { minLength: 1, maxLength: 6 });
  const start = fc.record({ size: fc.constantFrom(140_000, 1_000_003, 3_000_000), seed, zeros: fc.boolean() });
  const store = new Store();
  await fc.assert(
    fc.asyncProperty(start, nights, fc.constantFrom(5000, 700_000, 9_000_000), async (first, script, seen) => {
      let file = whole(new Prng(first.seed).bytes(first.size));
      if (first.zeros) file.bytes.fill(0, first.size >> 1, (first.size >> 1) + 100_000);
      store.segments.clear();
      let before = await store.read(file, null, { seen, segmentBits: script[0]?.bits ?? 4 });
      let last = before;
      for (const { edits, harm, segmentHarm, bits } of script) {
        for (const change of edits) file = apply(file, change);
        const restore = harmSegments(store.segments, segmentHarm, new Prng(edits.length));
        const version = await store.read(file, harmed(last, before, harm), { seen, segmentBits: bits });
        restore();
        const stale = harm === 'stale' && Buffer.compare(before.list, last.list) === 0;
        // Versions that differ in nothing but their segments have one list.
        assert.equal(version.known, last.signature !== null && (harm === 'none' || stale));
        before = last;
        last = version;
      }
    }),
    { numRuns: 80, endOnFailure: true },
  );
});

test('a lost segment costs its pages and no others, and edits at borders of segments cost what they cost anywhere', async () => {
  const random = new Prng('segments');
  const first = random.bytes(3_000_000);
  const segmentBytes = 2 ** 6 * 4096;
  for (const harm of ['none', 'lost'] as const) {
    const store = new Store();
    const last = await store.read(whole(first), null, { segmentBits: 6 });
    assert.equal(store.segments.size, Math.ceil(3_000_000 / 4096 / 64) - 1);
    const bytes = first.slice();
    for (let border = 1; border < 8; border += 1) bytes.fill(border, border * segmentBytes - 10, border * segmentBytes + 10);
    const [, second] = decodeSignature(last.signature ?? new Uint8Array(0), last.list, key)?.names ?? [];
    assert.ok(second);
    if (harm === 'lost') assert.ok(store.segments.delete(hexOf(second)));
    const { sentBytes } = await store.read(whole(bytes), last, { segmentBits: 6 });
    const least = 14 * 4096;
    if (harm === 'none') assert.equal(sentBytes, least);
    else assert.ok(sentBytes > segmentBytes / 2 && sentBytes < segmentBytes + least + 8192, `${sentBytes} bytes sent`);
  }
});

test('shifted content is found in the segments around, over their borders', async () => {
  const store = new Store();
  const random = new Prng('shifted');
  const bytes = random.bytes(6_000_000);
  const last = await store.read(whole(bytes), null, { segmentBits: 8 });
  const inserted = Buffer.concat([bytes.subarray(0, 1_500_000), random.bytes(2_000_001), bytes.subarray(1_500_000)]);
  const { sentBytes } = await store.read(whole(inserted), last, { segmentBits: 8 });
  assert.ok(sentBytes < 2_000_001 + 3 * 4096, `${sentBytes} bytes sent after an insertion`);
  const deleted = Buffer.concat([bytes.subarray(0, 1_500_000), bytes.subarray(2_300_007)]);
  const { sentBytes: rest } = await store.read(whole(deleted), last, { segmentBits: 8 });
  assert.ok(rest < 3 * 4096, `${rest} bytes sent after a deletion`);
});

test('a file that did not change has the extents and the signature that it had', async () => {
  const store = new Store();
  const random = new Prng('same');
  let file = whole(random.bytes(5_000_000));
  let last = await store.read(file, null);
  for (let night = 0; night < 5; night += 1) {
    const bytes = file.bytes.slice();
    for (let page = 0; page < 12; page += 1) bytes.set(random.bytes(4096), 4096 * random.below(1200));
    file = whole(bytes);
    last = await store.read(file, last);
    const again = await store.read(file, last);
    assert.deepEqual(again.extents, last.extents);
    assert.deepEqual(again.signature, last.signature);
    assert.equal(again.sentBytes, 0);
  }
});

test('changed pages cost themselves', async () => {
  const store = new Store();
  const random = new Prng('pages');
  const bytes = random.bytes(32 * 1024 * 1024);
  const last = await store.read(whole(bytes.slice()), null);
  const pages = new Set(Array.from({ length: 82 }, () => random.below(8192)));
  for (const page of pages) bytes.set(random.bytes(4096), page * 4096);
  const { sentBytes } = await store.read(whole(bytes), last);
  assert.ok(sentBytes === pages.size * 4096, `${sentBytes} bytes sent`);
});

test('insertions and deletions cost about a page each', async () => {
  const store = new Store();
  const random = new Prng('insertions');
  let { bytes } = whole(random.bytes(16 * 1024 * 1024));
  const last = await store.read(whole(bytes), null);
  for (let count = 0; count < 20; count += 1) {
    const at = random.below(bytes.length - 1000);
    const rest = count % 2 === 0 ? bytes.subarray(at) : bytes.subarray(at + 777);
    bytes = Buffer.concat([bytes.subarray(0, at), random.bytes(count % 2 === 0 ? 1 + random.below(199) : 0), rest]);
  }
  const { sentBytes } = await store.read(whole(bytes), last);
  assert.ok(sentBytes < 20 * 3 * 4096, `${sentBytes} bytes sent`);
});

test('what is new in one piece is cut by content, as a file of its own would be', async () => {
  const store = new Store();
  const random = new Prng('rewritten');
  const other = random.bytes(9_000_000);
  await store.read(whole(other), null);
  const last = await store.read(whole(random.bytes(9_000_000)), null);
  const { sentBytes } = await store.read(whole(other), last);
  assert.equal(sentBytes, 0);
});

test('nights of changes do not let dead bytes pile up', async () => {
  const random = new Prng('upkeep');
  const bytes = random.bytes(4 * 1024 * 1024);
  const store = new Store();
  let last = await store.read(whole(bytes.slice()), null);
  let sentBytes = 0;
  const nights = 250;
  const pagesANight = 20;
  for (let night = 0; night < nights; night += 1) {
    for (let page = 0; page < pagesANight; page += 1) bytes.set(random.bytes(4096), 4096 * random.below(1024));
    last = await store.read(whole(bytes), last);
    sentBytes += last.sentBytes;
  }
  const used = new Set(last.extents.map(({ id }) => Buffer.from(id ?? []).toString('hex')));
  const fetched = [...used].reduce((sum, id) => sum + (store.chunks.get(id)?.length ?? 0), 0);
  assert.ok(fetched < 2 * bytes.length, `a restore fetches ${fetched / bytes.length} times the file`);
  assert.ok(sentBytes < 1.2 * nights * pagesANight * 4096, `${sentBytes / (nights * pagesANight * 4096)} times the changes`);
});
