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
  assert.equal(selector.role(path('etc/passwd')), 'take');
});

test('a selected folder brings the directories above it, and not what lies beside it', () => {
  const selector = new Selector({ paths: [path('home/anna/letters')], strip: path('') });
  assert.equal(selector.role(path('home')), 'way');
  assert.equal(selector.role(path('home/anna/letters/one')), 'take');
  assert.equal(selector.role(path('home/anna/pictures')), 'leave');
  assert.deepEqual(pathsDownTo(path('home/anna')).map(text), ['home', 'home/anna']);
});

test('what is stripped has no place below the target', () => {
  const selector = new Selector({ paths: [path('home/anna/letters'), path('home/anna')], strip: path('home/anna') });
  assert.deepEqual(selector.starts.map(text), ['home/anna']);
  assert.equal(selector.role(path('home')), 'leave');
  assert.equal(selector.role(path('home/anna')), 'leave');
  assert.equal(selector.role(path('home/anna/letters')), 'take');
  assert.equal(text(selector.placed(path('home/anna/letters/one'))), 'letters/one');
});

test('a path beside what is stripped is named', () => {
  const selector = new Selector({ paths: [path('etc')], strip: path('home') });
  assert.deepEqual(selector.outsideStrip().map(text), ['etc']);
});
