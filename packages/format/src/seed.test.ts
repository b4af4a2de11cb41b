import assert from 'node:assert/strict';
import { test } from 'node:test';
import { primitives, toHex, utf8Encode } from '@twinvault/std';
import fc from 'fast-check';
import { certificate, fill, formatError, safe, signer } from '../tests/fixtures.ts';
import { FormatError } from './errors.ts';
import { verifySigned } from './objects.ts';
import { encodeSeedList, parseSeedList, seedObjectKinds } from './seed-list.ts';
import type { SeedObject } from './seed-list.ts';
import { encodeSeedManifest, parseSeedManifest, seedObjects } from './seed-manifest.ts';
import type { SeedFacts } from './seed-manifest.ts';

const computerKey = signer('computer');
const [one, two] = [toHex(fill('one', 32)), toHex(fill('two', 32))].sort() as [string, string];
const objects: readonly SeedObject[] = [
  { kind: 'descriptor', name: toHex(safe), bytes: 200 },
  { kind: 'ledger', name: '0000000001', bytes: 300 },
  { kind: 'ledger', name: '0000000002', bytes: 301 },
  { kind: 'pack', name: one, bytes: 16_777_216 },
  { kind: 'pack', name: two, bytes: 0 },
  { kind: 'record', name: two, bytes: 5000 },
  { kind: 'record', name: one, bytes: 5001 },
];

const arbitraryObject: fc.Arbitrary<SeedObject> = fc.constantFrom(...seedObjectKinds).chain((kind) =>
  fc.record(
    {
      kind: fc.constant(kind),
      name:
        kind === 'ledger'
          ? fc.integer({ min: 1, max: 9_999_999_999 }).map((number) => String(number).padStart(10, '0'))
          : fc.uint8Array({ minLength: kind === 'descriptor' ? 16 : 32, maxLength: kind === 'descriptor' ? 16 : 32 }).map(toHex),
      bytes: fc.integer({ min: 0, max: 2 ** 40 }),
    },
    { noNullPrototype: true },
  ),
);

const inOrder = (a: SeedObject, b: SeedObject): number =>
  seedObjectKinds.indexOf(a.kind) - seedObjectKinds.indexOf(b.kind) || (a.name < b.name ? -1 : 1);

test('a list is read as it was written, in its one form', () => {
  assert.deepEqual(parseSeedList(encodeSeedList(objects)), objects);
  fc.assert(
    fc.property(fc.uniqueArray(arbitraryObject, { selector: ({ kind, name }) => `${kind} ${name}`, maxLength: 50 }), (some) => {
      const sorted = some.toSorted(inOrder);
      assert.deepEqual(parseSeedList(encodeSeedList(sorted)), sorted);
    }),
  );
});

test('whatever is read as a list is written as the same bytes', () => {
  const [first, second] = new TextDecoder().decode(encodeSeedList(objects)).split('\n') as [string, string];
  const pieces = [first, second, '\n', ' ', '0', '1', 'pack', 'record', one, two, 'ledger', '0000000003', '-1', '\r', ''];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 12 }), (parts) => {
      const bytes = utf8Encode(parts.join(''));
      try {
        assert.deepEqual(encodeSeedList(parseSeedList(bytes)), bytes);
      } catch (error) {
        assert.ok(error instanceof FormatError, String(error));
      }
    }),
  );
});

test('a list in another form is refused', () => {
  const refused = [
    `pack ${one} 1`,
    `pack ${one}  1\n`,
    `pack ${one} 01\n`,
    `pack ${one} -1\n`,
    `pack ${one} 1e3\n`,
    `pack ${one} 9007199254740992\n`,
    `pack ${one.toUpperCase()} 1\n`,
    `pack ${one.slice(2)} 1\n`,
    `receipt ${one} 1\n`,
    `pack ${one} 1 1\n`,
    `pack ${two} 1\npack ${one} 1\n`,
    `pack ${one} 1\npack ${one} 1\n`,
    `record ${one} 1\nrecord ${two} 1\nrecord ${one} 1\n`,
    `record ${one} 1\npack ${one} 1\n`,
    `pack ${one} 1\r\n`,
    '\n',
  ];
  for (const text of refused) assert.throws(() => parseSeedList(utf8Encode(text)), formatError('object-invalid'), text);
  assert.throws(() => parseSeedList(new Uint8Array([0xff, 10])), formatError('object-invalid'));
});

test('a manifest binds its list and its counts, and nobody else signed it', () => {
  const facts: SeedFacts = { safe, purpose: 'load', maker: certificate, createdMs: 1, list: encodeSeedList(objects) };
  const manifest = parseSeedManifest(encodeSeedManifest(facts, computerKey.sign));
  assert.equal(manifest.objects, 7);
  assert.equal(manifest.records, 2);
  assert.equal(manifest.bytes, 200 + 300 + 301 + 16_777_216 + 5000 + 5001);
  assert.deepEqual(seedObjects(manifest, facts.list), objects);
  verifySigned(manifest.object, computerKey.key);
  assert.throws(() => verifySigned(manifest.object, signer('thief').key), formatError('signature-invalid'));
  const shorter = encodeSeedList(objects.slice(0, -1));
  assert.throws(() => seedObjects(manifest, shorter), formatError('object-invalid'));
  const miscounted = { ...manifest, listBytes: shorter.length, digest: primitives.sha256(shorter) };
  assert.throws(() => seedObjects(miscounted, shorter), formatError('object-invalid'));
});
