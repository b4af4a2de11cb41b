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
import { globSource } from './glob.ts';

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
  const source = globSource(text);
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
