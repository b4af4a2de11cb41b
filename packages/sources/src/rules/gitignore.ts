/*
 * Exclude rules in gitignore syntax (gitignore(5)), on bytes. Own code, because the packages that exist match text: they
 * refuse or mangle names that are not UTF-8, and restore must bring those back.
 *
 * A pattern is the UTF-8 bytes of its line, a path the bytes of its components joined by "/"; both are compared as
 * strings of one char per byte (as git does, so `?` and `[...]` stand for one byte, not for one letter of several).
 *
 * - Empty lines and lines that begin with `#` say nothing; `\#` and `\!` begin a pattern with that sign. Spaces and a
 *   carriage return at the end fall away, unless a `\` stands before the space.
 * - `!` before a pattern takes paths back in. The last matching line decides. What lies in an excluded directory is
 *   never looked at, so it cannot be taken back in.
 * - `/` at the end: directories only. `/` at the beginning or in the middle: from the protected root; otherwise the
 *   pattern matches a name at any depth.
 * - `*` any bytes but `/`; `?` one byte but `/`; `[a-z]`, `[!a-z]`, `[^a-z]` and `[[:alpha:]]` one byte but `/`; `\x`
 *   the byte x. A whole component `**` stands for any number of directories, in front, in the middle and at the end.
 * - A line that ends in a lone `\` or leaves `[` open matches nothing.
 */
import { utf8Encode } from '@twinvault/std';

interface Rule {
  readonly negated: boolean;
  readonly directoriesOnly: boolean;
  /** Matched against the whole path; otherwise against the last component. */
  readonly anchored: boolean;
  readonly pattern: RegExp;
}

export interface ExcludeRules {
  /** No rule excludes anything. */
  readonly isEmpty: boolean;
  /** Whether the entry is excluded. `path`: below the root, components joined by "/", one char per byte; `name`: its last. */
  excludes(path: string, name: string, isDirectory: boolean): boolean;
}

/** The rules of these lines, in their order. Never fails: a line that means nothing matches nothing. */
export function parseExcludes(lines: readonly string[]): ExcludeRules {
  const rules = lines.flatMap((line) => parseLine(Buffer.from(utf8Encode(line)).toString('latin1')) ?? []);
  const last = rules.toReversed();
  return {
    isEmpty: rules.length === 0,
    excludes(path, name, isDirectory) {
      for (const { negated, directoriesOnly, anchored, pattern } of last) {
        if (directoriesOnly && !isDirectory) continue;
        if (pattern.test(anchored ? path : name)) return !negated;
      }
      return false;
    },
  };
}

function parseLine(line: string): Rule | null {
  let text = withoutTrailingSpaces(line);
  if (text === '' || text.startsWith('#')) return null;
  const negated = text.startsWith('!');
  if (negated) text = text.slice(1);
  const directoriesOnly = text.endsWith('/');
  if (directoriesOnly) text = text.slice(0, -1);
  const anchored = text.includes('/');
  if (text.startsWith('/')) text = text.slice(1);
  if (text === '') return null;
  const source = patternSource(text);
  return source === null ? null : { negated, directoriesOnly, anchored, pattern: new RegExp(`^${source}$`, 's') };
}

function withoutTrailingSpaces(line: string): string {
  let end = line.endsWith('\r') ? line.length - 1 : line.length;
  while (end > 0 && line[end - 1] === ' ' && !isEscaped(line, end - 1)) end -= 1;
  return line.slice(0, end);
}

/** Whether an odd number of backslashes stands before the position. */
function isEscaped(text: string, position: number): boolean {
  let count = 0;
  while (text[position - 1 - count] === '\\') count += 1;
  return count % 2 === 1;
}

/** Null when the pattern is malformed. */
function patternSource(text: string): string | null {
  let source = '';
  for (let index = 0; index < text.length; index += 1) {
    const sign = text[index] as string;
    if (sign === '*') {
      const stars = starsAt(text, index);
      source += stars.source;
      index = stars.end;
    } else if (sign === '?') source += '[^/]';
    else if (sign === '\\') {
      index += 1;
      if (index >= text.length) return null;
      source += literal(text[index] as string);
    } else if (sign === '[') {
      const bracket = parseClass(text, index);
      if (bracket === null) return null;
      source += bracket.source;
      index = bracket.end;
    } else source += literal(sign);
  }
  return source;
}

/** A run of stars and, where it is a whole component, the slash after it; `end`: the last sign of it. */
function starsAt(text: string, start: number): { readonly source: string; readonly end: number } {
  let after = start;
  while (text[after] === '*') after += 1;
  const isComponent = after - start > 1 && (start === 0 || text[start - 1] === '/');
  if (isComponent && after === text.length) return { source: '.+', end: after - 1 };
  if (isComponent && text[after] === '/') return { source: '(?:.+/)?', end: after };
  return { source: '[^/]*', end: after - 1 };
}

function literal(sign: string): string {
  return `\\x${sign.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/** Bytes of the named classes in the C locale, as ranges of a regular expression. */
const namedClasses: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  blank: '\\x09\\x20',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '\\x21-\\x7e',
  lower: 'a-z',
  print: '\\x20-\\x7e',
  punct: '\\x21-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7e',
  space: '\\x09-\\x0d\\x20',
  upper: 'A-Z',
  xdigit: '0-9A-Fa-f',
};

/** The class that begins at `start`, and where it ends; null when it does not end or names an unknown class. */
function parseClass(text: string, start: number): { readonly source: string; readonly end: number } | null {
  let index = start + 1;
  const negated = text[index] === '!' || text[index] === '^';
  if (negated) index += 1;
  let members = '';
  for (let first = true; first || text[index] !== ']'; first = false) {
    if (index >= text.length) return null;
    const named = /^\[:([a-z]+):\]/.exec(text.slice(index, index + 12));
    if (named !== null) {
      const ranges = namedClasses[named[1] ?? ''];
      if (ranges === undefined) return null;
      members += ranges;
      index += named[0].length;
      continue;
    }
    const from = classMember(text, index);
    if (from === null) return null;
    index = from.end;
    if (text[index] === '-' && text[index + 1] !== ']' && index + 1 < text.length) {
      const to = classMember(text, index + 1);
      if (to === null) return null;
      index = to.end;
      // As in git, a range that runs backwards holds its first byte.
      members += from.sign > to.sign ? literal(from.sign) : `${literal(from.sign)}-${literal(to.sign)}`;
    } else members += literal(from.sign);
  }
  const set = negated ? `[^/${members}]` : `(?!/)[${members}]`;
  return { source: set, end: index };
}

function classMember(text: string, index: number): { readonly sign: string; readonly end: number } | null {
  const at = text[index] === '\\' ? index + 1 : index;
  const sign = text[at];
  return sign === undefined ? null : { sign, end: at + 1 };
}
