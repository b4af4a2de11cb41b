/*
 * Globs of names and paths, as gitignore has them, on bytes: strings of one char per byte.
 *
 * `*` any bytes but `/`; `?` one byte but `/`; `[a-z]`, `[!a-z]`, `[^a-z]` and `[[:alpha:]]` one byte but `/`; `\x` the byte x. A whole
 * component `**` stands for any number of directories, in front, in the middle and at the end.
 */
import { utf8Decode, utf8Encode } from '@twinvault/std';

export interface Glob {
  /** Of an entry: `directory` is components joined by 0x00, empty for the root. */
  matches(directory: Uint8Array, name: Uint8Array): boolean;
}

/**
 * With a slash the pattern is held against the whole path, from any directory on unless it begins with the slash; otherwise against the
 * name. Null when the pattern is malformed: it ends in a lone `\`, or leaves `[` open.
 */
export function parseGlob(pattern: string, options: { readonly ignoreCase?: boolean } = {}): Glob | null {
  const fold = options.ignoreCase === true ? folded : bytesAsText;
  const text = fold(utf8Encode(pattern));
  const isOfPath = text.includes('/');
  const source = globSource(isOfPath && !text.startsWith('/') ? `/**/${text}` : text);
  if (source === null) return null;
  const expression = new RegExp(`^${source}$`, 's');
  return {
    matches: (directory, name) => {
      if (!isOfPath) return expression.test(fold(name));
      const above = directory.length === 0 ? '' : `/${fold(directory).replaceAll('\0', '/')}`;
      return expression.test(`${above}/${fold(name)}`);
    },
  };
}

function bytesAsText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** Names that are no UTF-8 keep their case. */
function folded(bytes: Uint8Array): string {
  const text = utf8Decode(bytes);
  return bytesAsText(text === null ? bytes : utf8Encode(text.toLowerCase()));
}

/** Source of a regular expression over strings of one char per byte, without `^` and `$`. Null when the pattern is malformed. */
export function globSource(text: string): string | null {
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
  // As in git: an escaped slash ends the component, but is one that the path must have.
  if (isComponent && text.startsWith('\\/', after)) return { source: '.*', end: after - 1 };
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
