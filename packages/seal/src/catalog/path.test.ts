import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareBytes, concatBytes } from '@twinvault/std';
import fc from 'fast-check';
import {
  belowPrefix,
  compareKeys,
  comparePlaces,
  entryKey,
  entryPath,
  isComponent,
  isDirectoryPath,
  joinPath,
  listPrefix,
  splitPath,
  startsWith,
} from './path.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const component = fc
  .uint8Array({ minLength: 1, maxLength: 6 })
  .map((raw) => raw.map((byte) => (byte < 2 || byte === 0x2f ? 0x61 : byte)));
const components = fc.array(component.filter(isComponent), { maxLength: 4 });

test('components are any bytes but those that lead elsewhere', () => {
  for (const good of ['a', '...', '.a', 'a.', '\n', '\u0001', ' ', '\\', 'a'.repeat(1024)])
    assert.ok(isComponent(bytes(good)), good);
  for (const bad of ['', '.', '..', 'a/b', '/', 'a\0b', '\0', 'a'.repeat(1025)]) assert.ok(!isComponent(bytes(bad)), bad);
  assert.ok(isComponent(Uint8Array.of(0xff, 0xfe, 0x80)));
});

test('directory paths consist of components', () => {
  for (const good of ['', 'usr', 'usr\0share', 'C:\0Users']) assert.ok(isDirectoryPath(bytes(good)), good);
  for (const bad of ['\0', 'usr\0', '\0usr', 'usr\0\0share', 'usr\0..', '.\0a', 'a/b'])
    assert.ok(!isDirectoryPath(bytes(bad)), bad);
  const long = joinPath(Array.from({ length: 33 }, () => bytes('x'.repeat(1000))));
  assert.ok(!isDirectoryPath(long));
});

test('splitting undoes joining', () => {
  fc.assert(
    fc.property(components, (parts) => {
      const path = joinPath(parts);
      assert.deepEqual(splitPath(path), parts);
      assert.ok(isDirectoryPath(path));
    }),
  );
});

test('places compare as their keys do', () => {
  fc.assert(
    fc.property(components, component, components, component, (left, leftName, right, rightName) => {
      const a = { directory: joinPath(left), name: leftName };
      const b = { directory: joinPath(right), name: rightName };
      const order = compareKeys(entryKey(a.directory, a.name), entryKey(b.directory, b.name));
      assert.equal(Math.sign(comparePlaces(a, b)), Math.sign(order));
    }),
    { numRuns: 2000 },
  );
});

test('a directory lists whole before what lies below it, and below it is one range', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(components, component), { maxLength: 30 }), components, (places, directory) => {
      const top = joinPath(directory);
      const keys = places.map(([parent, name]) => entryKey(joinPath([...directory, ...parent]), name));
      const others = places.map(([parent, name]) => entryKey(joinPath(parent), name));
      const sorted = [...keys, ...others].sort(compareBytes);
      const inside = sorted.map((key) => startsWith(key, belowPrefix(top)));
      const listed = sorted.map((key) => startsWith(key, listPrefix(top)));
      assert.ok(isOneRange(inside) && isOneRange(listed));
      if (listed.includes(true)) assert.equal(listed.indexOf(true), inside.indexOf(true));
    }),
  );
});

function isOneRange(flags: readonly boolean[]): boolean {
  return flags.lastIndexOf(true) - flags.indexOf(true) === Math.max(0, flags.filter(Boolean).length - 1);
}

test('the path of an entry is the directory path of what lies in it', () => {
  assert.deepEqual(entryPath(bytes(''), bytes('usr')), bytes('usr'));
  assert.deepEqual(entryPath(bytes('usr'), bytes('share')), bytes('usr\0share'));
  assert.deepEqual(listPrefix(bytes('usr')), concatBytes(bytes('usr'), Uint8Array.of(0, 0)));
});
