import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { placesOf, tokenFilesOf } from './vault-places.ts';

test('a comma parts two places only before what begins one', () => {
  assert.deepEqual(placesOf('https://a.example:8443/a,https://b.example'), ['https://a.example:8443/a', 'https://b.example']);
  assert.deepEqual(placesOf('/mnt/a,/mnt/b'), ['/mnt/a', '/mnt/b']);
  assert.deepEqual(placesOf('./a,../b'), ['./a', '../b']);
  assert.deepEqual(placesOf('/mnt/a,https://b.example'), ['/mnt/a', 'https://b.example']);
  assert.deepEqual(placesOf('/mnt/letters, old,and new'), ['/mnt/letters, old,and new']);
  assert.throws(() => placesOf('/a,/b,/c'), /2 sites at most/u);
});

test('whatever two paths are named, each is one place again', () => {
  const path = fc
    .string({ unit: fc.constantFrom('a', ',', '.', '/', ' ', ':'), minLength: 1, maxLength: 12 })
    .map((text) => `/${text}`);
  // What reads like the beginning of a place behind a comma is one.
  const plain = path.filter((text) => !/,(?:a[a.]*:\/\/|\.{0,2}\/)/u.test(text));
  fc.assert(fc.property(plain, plain, (a, b) => assert.deepEqual(placesOf(`${a},${b}`), [a, b])));
});

test('one site has one token file, whatever its name; two have two', () => {
  assert.deepEqual(tokenFilesOf('a,b', 1), ['a,b']);
  assert.deepEqual(tokenFilesOf('a,b', 2), ['a', 'b']);
  assert.deepEqual(tokenFilesOf(undefined, 2), []);
});
