import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  bytesOfKey,
  compareNames,
  componentsOf,
  isComponent,
  joinName,
  keyOf,
  nameBytesMax,
  parseAbsolutePath,
  pathBytesMax,
} from './paths.ts';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
const component = fc.uint8Array({ minLength: 1, maxLength: 300 }).filter(isComponent);

test('what could lead elsewhere is no component', () => {
  for (const text of ['', '.', '..', '/', 'a/b', '/a', 'a/', 'a\0', '\0', 'x'.repeat(nameBytesMax + 1)]) {
    assert.equal(isComponent(bytes(text)), false, JSON.stringify(text));
  }
  for (const text of ['...', '..a', '.a', ' ', '\n', '\\', '\xff', 'x'.repeat(nameBytesMax)]) {
    assert.equal(isComponent(bytes(text)), true, JSON.stringify(text));
  }
});

test('joined components come apart again, and keys are the same bytes', () => {
  fc.assert(
    fc.property(fc.array(component), (components) => {
      const joined = components.reduce(joinName, new Uint8Array(0));
      assert.deepEqual(
        componentsOf(joined)?.map((part) => keyOf(part)),
        components.map((part) => keyOf(part)),
      );
      assert.deepEqual(bytesOfKey(keyOf(joined)), new Uint8Array(joined));
      const absolute = bytes(`//${components.map((part) => keyOf(part)).join('//')}/`);
      if (joined.length <= pathBytesMax) assert.deepEqual(keyOf(parseAbsolutePath(absolute) ?? bytes('none')), keyOf(joined));
    }),
  );
});

test('any bytes are either refused or made of components', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (path) => {
      for (const part of componentsOf(path) ?? []) assert.ok(isComponent(part));
      const parsed = parseAbsolutePath(path);
      if (parsed !== null) assert.notEqual(componentsOf(parsed), null);
    }),
  );
  for (const path of ['a', '', '/a/./b', '/..', '/a\0b', `/${'a/'.repeat(pathBytesMax)}`]) {
    assert.equal(parseAbsolutePath(bytes(path)), null);
  }
});

test('names are ordered by their bytes, a prefix first', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      assert.equal(Math.sign(compareNames(a, b)), Math.sign(Buffer.compare(a, b)));
    }),
  );
});
