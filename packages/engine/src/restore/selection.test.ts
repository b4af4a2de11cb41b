import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8Decode, utf8Encode } from '@twinvault/std';
import { isWithin, pathsDownTo, Selector } from './selection.ts';

function path(given: string): Uint8Array {
  return utf8Encode(given.split('/').filter(Boolean).join('\0'));
}

function text(bytes: Uint8Array): string {
  return (utf8Decode(bytes) ?? '').replaceAll('\0', '/');
}

test('a path is within its ancestors, not within a sibling whose name begins alike', () => {
  assert.equal(isWithin(path(''), path('usr')), true);
  assert.equal(isWithin(path('usr'), path('usr/share')), true);
  assert.equal(isWithin(path('usr'), path('usr-local')), false);
  assert.equal(isWithin(path('usr/share'), path('usr')), false);
});

test('nothing selected means everything', () => {
  const selector = new Selector({ paths: [], strip: path('') });
  assert.deepEqual(selector.starts.map(text), ['']);
  assert.equal(selector.isPlaced(path('etc/passwd')), true);
});

test('of paths inside each other the outermost stays, each once', () => {
  const given = ['a!', 'a/b/c', 'a', 'b/c', 'a/b', 'b/c', 'b/c-d', 'b/c/d/e'];
  const selector = new Selector({ paths: given.map(path), strip: path('') });
  assert.deepEqual(selector.starts.map(text), ['a', 'a!', 'b/c', 'b/c-d']);
  assert.deepEqual(pathsDownTo(path('home/anna')).map(text), ['home', 'home/anna']);
});

test('what is stripped has no place below the target', () => {
  const selector = new Selector({ paths: [path('home/anna/letters'), path('home/anna')], strip: path('home/anna') });
  assert.deepEqual(selector.starts.map(text), ['home/anna']);
  assert.equal(selector.isPlaced(path('home')), false);
  assert.equal(selector.isPlaced(path('home/anna')), false);
  assert.equal(selector.isPlaced(path('home/anna-two/x')), false);
  assert.equal(selector.isPlaced(path('home/anna/letters')), true);
  assert.equal(text(selector.placed(path('home/anna/letters/one'))), 'letters/one');
});

test('a path beside what is stripped is named', () => {
  const selector = new Selector({ paths: [path('etc')], strip: path('home') });
  assert.deepEqual(selector.outsideStrip().map(text), ['etc']);
});
