import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseGlob } from './glob.ts';

function matches(pattern: string, path: string, ignoreCase = false): boolean {
  const glob = parseGlob(pattern, { ignoreCase });
  assert.ok(glob, pattern);
  const names = path.split('/').filter((name) => name !== '');
  return glob.matches(Buffer.from(names.slice(0, -1).join('\0')), Buffer.from(names.at(-1) ?? ''));
}

test('names and paths match as people expect', () => {
  const cases: [string, string, boolean][] = [
    ['*.txt', 'letter.txt', true],
    ['*.txt', 'letter.txt~', false],
    ['letter', 'letters', false],
    ['l?tter', 'letter', true],
    ['größe*', 'größe 1', true],
    ['/srv/*', '/srv/a', true],
    ['/srv/*', '/srv/a/b', false],
    ['/srv/**', '/srv/a/b', true],
    ['a/b', '/x/a/b', true],
    ['a/b', '/a/b', true],
    ['a/b', '/xa/b', false],
    ['a/*/c', '/x/a/b/c', true],
    ['[a-c]x', 'bx', true],
    ['\\*', '*', true],
    ['\\*', 'x', false],
  ];
  for (const [pattern, text, expected] of cases) assert.equal(matches(pattern, text), expected, `${pattern} ${text}`);
  assert.equal(matches('LETTER.*', 'letter.txt', true), true);
  assert.equal(matches('LETTER.*', 'letter.txt'), false);
  assert.equal(matches('ä/GRÖSSE', '/x/Ä/größe'.replace('ß', 'ss'), true), true);
  assert.equal(matches('?tter', '/x/etter'), true);
});

test('malformed patterns are told, and none fails otherwise', () => {
  assert.equal(parseGlob('[a'), null);
  assert.equal(parseGlob('a\\'), null);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 20 }), fc.boolean(), (pattern, name, ignoreCase) => {
      const glob = parseGlob(pattern, { ignoreCase });
      assert.equal(typeof (glob?.matches(name, name) ?? false), 'boolean');
    }),
  );
});

test('a pattern without signs of its own matches itself and nothing else', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[\p{L} .()-]{1,20}$/u), fc.stringMatching(/^[\p{L} .()-]{1,20}$/u), (name, other) => {
      assert.equal(matches(name, name), true);
      assert.equal(matches(name, other), name === other);
    }),
  );
});
