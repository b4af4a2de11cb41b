import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseExcludes } from './gitignore.ts';

/** As the scan asks: one directory after another, and not below an excluded one. */
function isExcluded(lines: readonly string[], path: string, isDirectory: boolean): boolean {
  const rules = parseExcludes(lines);
  const components = Buffer.from(path).toString('latin1').split('/');
  return components.some((name, index) =>
    rules.excludes(components.slice(0, index + 1).join('/'), name, isDirectory || index < components.length - 1),
  );
}

const cases: readonly (readonly [lines: string[], path: string, isDirectory: boolean, excluded: boolean])[] = [
  [['*.tmp'], 'a/b/c.tmp', false, true],
  [['*.tmp'], '.tmp', false, true],
  [['**\\/b'], 'a/b', false, true],
  [['**\\/b'], 'b', false, false],
  [['/build'], 'build', true, true],
  [['/build'], 'x/build', true, false],
  [['build/'], 'x/build', true, true],
  [['build/'], 'x/build', false, false],
  [['a/b'], 'a/b', false, true],
  [['a/b'], 'x/a/b', false, false],
  [['**/a/b'], 'x/y/a/b', false, true],
  [['a/**'], 'a', true, false],
  [['a/**'], 'a/x/y', false, true],
  [['a/**/b'], 'a/b', false, true],
  [['a/**/b'], 'a/x/y/b', false, true],
  [['a**b'], 'a/b', false, false],
  [['*', '!*.c'], 'x.c', false, false],
  [['*', '!*.c'], 'd/x.c', false, true],
  [['x', '!x', 'x'], 'x', false, true],
  [['# x', '\\#x'], '# x', false, false],
  [['# x', '\\#x'], '#x', false, true],
  [['\\!x'], '!x', false, true],
  [['x  '], 'x', false, true],
  [['x\\ '], 'x ', false, true],
  [['x\r'], 'x', false, true],
  [['', '   '], 'x', false, false],
  [['x\\'], 'x\\', false, false],
  [['['], '[', false, false],
  [['[a-c]x'], 'bx', false, true],
  [['[!a-c]x'], 'bx', false, false],
  [['[^a-c]x'], 'dx', false, true],
  [['[]x]'], ']', false, true],
  [['[[:digit:]]'], '7', false, true],
  [['[[:nothing:]]'], '7', false, false],
  [['a[/]b'], 'a/b', false, false],
  [['a?b'], 'a/b', false, false],
  // A letter of two bytes is two bytes for `?`, as in git.
  [['ä'], 'ä', false, true],
  [['?'], 'ä', false, false],
  [['??'], 'ä', false, true],
];

for (const [lines, path, isDirectory, excluded] of cases) {
  test(`${JSON.stringify(lines)} ${excluded ? 'excludes' : 'keeps'} ${JSON.stringify(path)}`, () => {
    assert.equal(isExcluded(lines, path, isDirectory), excluded);
  });
}

test('names that are not UTF-8 are matched byte by byte', () => {
  const rules = parseExcludes(['*.t?p', 'a*']);
  assert.equal(rules.excludes('x/\xff.t\xfep', '\xff.t\xfep', false), true);
  assert.equal(rules.excludes('a\xff\n', 'a\xff\n', false), true);
  assert.equal(rules.excludes('\xffa', '\xffa', false), false);
});

test('no line makes it fail, and a rule without signs of its own excludes just its name', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), fc.string({ unit: 'binary' }), (lines, path) => {
      parseExcludes(lines).excludes(Buffer.from(path).toString('latin1'), path, false);
    }),
  );
  fc.assert(
    fc.property(fc.stringMatching(/^[a-zA-Z0-9._-]{1,20}$/), fc.stringMatching(/^[a-zA-Z0-9._-]{1,20}$/), (line, name) => {
      assert.equal(isExcluded([line], name, false), line === name);
    }),
  );
});

const hasGit = spawnSync('git', ['--version']).status === 0;
const parts = [
  'a',
  'b',
  'abc',
  '*',
  '?',
  '**',
  '***',
  'a*',
  '*b',
  '[ab]',
  '[!a]',
  '[a-c]',
  '\\*',
  'a\\b',
  'a b',
  '[]a]',
  '[[:alpha:]]',
  '[',
  '[b-a]',
  '[a/b]',
  '#',
  '!',
  'é',
  '[é]',
  ' ',
  '\\ ',
  '\\',
  '/',
  '/',
  '/',
];

test('git itself decides the same', { skip: !hasGit && 'git is not installed' }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'twinvault-gitignore-'));
  try {
    spawnSync('git', ['init', '-q', directory]);
    const names = ['a', 'b', 'abc', '*', 'a b', '[', '#', '!', 'a ', 'é', 'c'];
    const paths = names.flatMap((name) => [name, `d/${name}`, `d/e/${name}`, `f g/b/${name}`]);
    for (const path of paths) {
      mkdirSync(join(directory, path, '..'), { recursive: true });
      writeFileSync(join(directory, path), '', { flag: 'a' });
    }
    // Of stars that follow something else than a slash in their component, as in "a**/b", git decides by where in memory pattern and path
    // happen to lie (wildmatch.c compares a pointer into the one with one into the other): these are left out here.
    const line = fc
      .array(fc.constantFrom(...parts), { minLength: 1, maxLength: 5 })
      .map((list) => list.join(''))
      .filter((text) => !/(?<!^|^!|\/)\*\*/u.test(text) && !text.includes('***'));
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 4 }), (lines) => {
        writeFileSync(join(directory, '.gitignore'), `${lines.join('\n')}\n`);
        const input = `${paths.join('\0')}\0`;
        const { stdout } = spawnSync('git', ['check-ignore', '-z', '--stdin', '--no-index'], { cwd: directory, input });
        const theirs = new Set(stdout.toString().split('\0').slice(0, -1));
        for (const path of paths) assert.equal(isExcluded(lines, path, false), theirs.has(path), path);
      }),
      { numRuns: 60 },
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
