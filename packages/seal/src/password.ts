/*
 * Passwords of safes: how they become bytes, what is refused, and an estimate of how long they would be guessed.
 *
 * Invariant: `passwordBytes` is part of the format (NFKC, then UTF-8); the estimate is advice and may change.
 */

import { utf8Encode } from '@twinvault/std';
import { SealError } from './errors.ts';

/** Unicode code points after NFKC. */
export const passwordCharactersMin = 14;
export const passwordCharactersMax = 1_024;

export interface PasswordStrength {
  /** Long enough for a safe, and the estimate is not below `passwordBitsMin`. */
  readonly ok: boolean;
  /** log2 of the number of guesses, roughly; each costs the attacker one Argon2id. */
  readonly bitsEstimate: number;
  /** One sentence on how to make it better; empty when there is nothing to say. */
  readonly advice: string;
}

/** 14 characters of nothing but a pattern stay below this; four random words of everyday language are above. */
export const passwordBitsMin = 40;
const passwordBitsGood = 64;

/** NFKC(password) as UTF-8. `password-too-short`, `password-too-long`. */
export function passwordBytes(password: string): Uint8Array {
  const normal = password.length > 4 * passwordCharactersMax ? password : password.normalize('NFKC');
  const characters = countCharacters(normal);
  if (characters < passwordCharactersMin) {
    throw new SealError('password-too-short', { context: { characters, charactersMin: passwordCharactersMin } });
  }
  if (characters > passwordCharactersMax) {
    throw new SealError('password-too-long', { context: { characters, charactersMax: passwordCharactersMax } });
  }
  return utf8Encode(normal);
}

/**
 * Estimates by what is there, character by character: a fresh character counts the size of its class, one that
 * continues a repetition, a sequence, a row of the keyboard or a common word counts next to nothing.
 */
export function checkPasswordStrength(password: string): PasswordStrength {
  const characters = Array.from(password.normalize('NFKC')).slice(0, passwordCharactersMax);
  const folded = characters.map(fold);
  const predictable = markPredictable(folded);
  const freshBits = bitsPerCharacter(characters);
  let bits = 0;
  let predictableCount = 0;
  for (const [index] of characters.entries()) {
    if (predictable[index] === true) predictableCount += 1;
    bits += predictable[index] === true ? 0.6 : freshBits;
  }
  const bitsEstimate = Math.round(bits);
  const long = characters.length >= passwordCharactersMin;
  const ok = long && bitsEstimate >= passwordBitsMin;
  const patterned = predictableCount * 2 > characters.length;
  return { ok, bitsEstimate, advice: adviceFor({ long, patterned, bitsEstimate }) };
}

function countCharacters(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

function adviceFor(found: { long: boolean; patterned: boolean; bitsEstimate: number }): string {
  if (!found.long) return `Use at least ${passwordCharactersMin} characters; 20 or more are better.`;
  if (found.patterned) return 'Avoid repetitions, sequences, dates and common words; five or more random words are good.';
  if (found.bitsEstimate < passwordBitsGood) return 'Make it longer: 20 or more characters, or five or more random words.';
  return '';
}

/** Lower case, and the usual replacements of letters undone. */
function fold(character: string): string {
  const replaced: Readonly<Record<string, string>> = {
    '0': 'o',
    '1': 'l',
    '3': 'e',
    '4': 'a',
    '5': 's',
    '7': 't',
    '@': 'a',
    $: 's',
    '!': 'i',
  };
  const lower = character.toLowerCase();
  return replaced[lower] ?? lower;
}

/**
 * Bits of one character that nothing predicts. Letters alone count as language (about 2.2 bits a letter of a phrase), a
 * mix of classes in the middle of the password as chosen at random from them.
 */
function bitsPerCharacter(characters: readonly string[]): number {
  const text = characters.join('');
  const middle = characters.slice(1, -1).join('');
  let size = 0;
  if (/\p{Ll}|\p{Lo}/u.test(text)) size += 26;
  if (/\p{Lu}/u.test(middle)) size += 26;
  if (/\p{Nd}/u.test(middle)) size += 10;
  if (/[^\p{L}\p{Nd}\s]/u.test(middle)) size += 20;
  const wordLike = /^\p{Lu}?[\p{Ll}\p{Lo}\s\-_.,']*[^\p{L}]{0,4}$/u.test(text);
  return wordLike ? 2.2 : Math.log2(Math.max(size, 10)) * 0.75;
}

const rows: readonly string[] = [
  'qwertyuiop',
  'qwertzuiop',
  'azertyuiop',
  'asdfghjkl',
  'yxcvbnm',
  'zxcvbnm',
  'qazwsxedcrfv',
  'abcdefghijklmnopqrstuvwxyz',
  'ol2e4s6t89o',
  'lqaz2wsx',
];

const commonWords: readonly string[] = [
  'admin',
  'angel',
  'august',
  'backup',
  'baseball',
  'batman',
  'changeme',
  'charlie',
  'cheese',
  'computer',
  'correcthorsebatterystaple',
  'daniel',
  'december',
  'default',
  'dragon',
  'firma',
  'football',
  'geheim',
  'hallo',
  'hello',
  'iloveyou',
  'january',
  'jennifer',
  'jordan',
  'letmein',
  'login',
  'love',
  'master',
  'michael',
  'monkey',
  'mustang',
  'october',
  'passw',
  'passwd',
  'password',
  'passwort',
  'pokemon',
  'princess',
  'qwerty',
  'qwertz',
  'restore',
  'root',
  'samsung',
  'schatz',
  'secret',
  'server',
  'shadow',
  'sommer',
  'spring',
  'starwars',
  'summer',
  'sunshine',
  'superman',
  'test',
  'trustno',
  'twinvault',
  'user',
  'vault',
  'welcome',
  'whatever',
  'willkommen',
  'winter',
];

/** Which characters follow from those before. */
function markPredictable(folded: readonly string[]): boolean[] {
  const text = folded.join('');
  const marks = Array.from({ length: folded.length }, () => false);
  // Folding keeps one code unit a character almost always; where it does not, the estimate is only less sharp.
  const mark = (start: number, length: number): void => {
    for (let index = start; index < start + length && index < marks.length; index += 1) marks[index] = true;
  };
  for (const word of commonWords) {
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) mark(at + 1, word.length - 1);
  }
  for (let index = 1; index < folded.length; index += 1) {
    const pair = `${folded[index - 1] ?? ''}${folded[index] ?? ''}`;
    const follows = folded[index] === folded[index - 1] || rows.some((row) => row.includes(pair) || reversed(row).includes(pair));
    if (follows && index >= 2 && (marks[index - 1] === true || continues(folded, index))) mark(index, 1);
  }
  for (let length = 3; length <= folded.length / 2; length += 1) markRepeats({ text, length, mark });
  return marks;
}

/** A pair counts as a pattern from its third character on. */
function continues(folded: readonly string[], index: number): boolean {
  const [a, b, c] = [folded[index - 2], folded[index - 1], folded[index]];
  if (a === b && b === c) return true;
  const triple = `${a ?? ''}${b ?? ''}${c ?? ''}`;
  return rows.some((row) => row.includes(triple) || reversed(row).includes(triple));
}

function markRepeats({
  text,
  length,
  mark,
}: {
  text: string;
  length: number;
  mark: (start: number, length: number) => void;
}): void {
  for (let start = length; start + length <= text.length; start += 1) {
    if (text.lastIndexOf(text.slice(start, start + length), start - length) >= 0) mark(start, length);
  }
}

function reversed(text: string): string {
  return Array.from(text).reverse().join('');
}
