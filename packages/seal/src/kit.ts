/*
 * The recovery kit: a text for a deposit box whose code opens the safe (docs/format/keys.md, "Recovery kit").
 *
 *   code line   `Code: ` and 14 groups of four characters of Crockford base32: 32 bytes of code, 3 bytes of check
 *   check       first 3 bytes of SHA-256("twinvault v1 kit" | safe id | code)
 *
 *   words       the same code as 24 words: kit-words.ts
 *
 * Invariant: the check finds typing errors and kits of other safes before a slot is tried; it says nothing of the code.
 */

import { concatBytes, equalBytes, fromBase32, fromHex, primitives, toBase32, toHex, utf8Encode } from '@twinvault/std';
import { rootKeyShortForm, safeId } from '@twinvault/format';
import type { SafeId } from '@twinvault/format';
import { SealError } from './errors.ts';
import { kitCodeBytes } from './kit-code.ts';
import type { KitCode } from './kit-code.ts';
import { kitWords, parseKitWords } from './kit-words.ts';

/** All that stands on a kit. */
export interface Kit {
  readonly label: string;
  readonly safe: SafeId;
  /** Root public key. */
  readonly rootKey: Uint8Array;
  readonly code: KitCode;
  readonly createdMs: number;
}

/** Longer texts are no kits. */
export const kitTextCharactersMax = 65_536;

const checkBytes = 3;
const codeCharacters = 56;
const kitLabel = utf8Encode('twinvault v1 kit');

/** The code as people copy it: 14 groups of four, with its check. */
export function formatKitCode(safe: SafeId, code: KitCode): string {
  const text = toBase32(concatBytes(code, check(safe, code)));
  return (text.match(/.{4}/g) ?? []).join('-');
}

/** Plain text of the kit, lines of at most 80 characters apart from a long label. `createdMs` is shown as a date in UTC. */
export function kitText({ label, safe, rootKey, code, createdMs }: Kit): string {
  return `Twinvault recovery kit

Safe:      ${label.replaceAll(/\p{Cc}/gu, ' ')}
Safe id:   ${toHex(safe)}
Root key:  ${rootKeyShortForm(rootKey)}
Made on:   ${new Date(createdMs).toISOString().slice(0, 10)}

Code: ${formatKitCode(safe, code)}

The same as 24 words:

${wordRows(code)}

Whoever has the code or the words, and access to the vault, can read everything
in the safe. If the password is lost, they are the only way to the data. Nobody,
the provider included, can make either of them again.

Print this page, put it where neither fire nor strangers get at it, and delete
the file. To open the safe with it, give --kit-file - in the place of the
password and type the words or the code, or give the file: --kit-file FILE

Case, hyphens and spaces do not matter; I and L count as 1, O as 0. The root key
above must be the one that Twinvault shows for the safe.
`;
}

/** Four columns, down which the words are counted. */
function wordRows(code: KitCode): string {
  const words = kitWords(code);
  const rows = Math.ceil(words.length / 4);
  return Array.from({ length: rows }, (_, row) => {
    const numbers = [row, row + rows, row + 2 * rows, row + 3 * rows];
    return numbers
      .map((at) => `${String(at + 1).padStart(4)} ${(words[at] ?? '').padEnd(11)}`)
      .join('')
      .trimEnd();
  }).join('\n');
}

/**
 * Reads the code from a kit's text, or from the code or the words alone as somebody typed them. With `safe` the check of a code is held
 * against it, otherwise against the safe id in the text; words have a check of their own, which does not tell safes apart. SealError
 * `kit-damaged`, `kit-other-safe`.
 */
export function parseKitText(text: string, safe?: SafeId): KitCode {
  if (text.length > kitTextCharactersMax) throw new SealError('kit-damaged', { context: { defect: 'length' } });
  const lines = text.split(/\r\n|\r|\n/);
  const codeLines = lines.filter((line) => /^\s*code:/i.test(line));
  if (codeLines.length > 1) throw new SealError('kit-damaged', { context: { defect: 'several codes' } });
  const words = codeLines.length === 0 ? parseKitWords(text) : null;
  if (words !== null) return words;
  const codeText = codeLines[0]?.replace(/^\s*code:/i, '') ?? text;
  const bytes = fromBase32(codeText.replaceAll(/[\s\-\u00AD\u2010-\u2015]/gu, ''));
  if (bytes?.length !== kitCodeBytes + checkBytes) {
    throw new SealError('kit-damaged', { context: { defect: 'length', expectedCharacters: codeCharacters } });
  }
  const code = bytes.slice(0, kitCodeBytes) as KitCode;
  const named = safeNamedIn(lines);
  const against = safe ?? named;
  if (against !== null && !equalBytes(check(against, code), bytes.subarray(kitCodeBytes))) {
    const other = safe !== undefined && named !== null && !equalBytes(named, safe);
    throw new SealError(other ? 'kit-other-safe' : 'kit-damaged', { context: { defect: 'check' } });
  }
  return code;
}

function safeNamedIn(lines: readonly string[]): SafeId | null {
  for (const line of lines) {
    const bytes = fromHex(/^\s*safe id:\s*([0-9a-f]{32})\s*$/i.exec(line)?.[1] ?? '');
    if (bytes?.length === 16) return safeId(bytes);
  }
  return null;
}

function check(safe: SafeId, code: KitCode): Uint8Array {
  return primitives.sha256(concatBytes(kitLabel, safe, code)).subarray(0, checkBytes);
}
