/*
 * A kit's code as 24 words (docs/format/keys.md, "Recovery kit"): BIP-39, the English list of 2,048 words, of which four letters tell each
 * apart. Eight bits of SHA-256 of the code stand in the last word as a check.
 */

import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { SealError } from './errors.ts';
import type { KitCode } from './kit-code.ts';

export const kitWordsCount = 24;
/** The words by their numbers: whoever offers them while somebody types needs them. */
export const kitWordList: readonly string[] = wordlist;

/** Letters that are enough of a word. */
const tellingLetters = 4;
/** So many words in a row are meant as a kit's, whatever their number. */
const wordsMeantMin = 16;

export function kitWords(code: KitCode): readonly string[] {
  return entropyToMnemonic(code, wordlist).split(' ');
}

/**
 * The code of words as somebody typed them, with their numbers or without, each whole or by its first four letters or more. Null when the
 * text is something else. SealError `kit-damaged` with the number of the first word that is none, or that does not fit.
 */
export function parseKitWords(text: string): KitCode | null {
  const typed = text
    .toLowerCase()
    .split(/[\s,;]+/u)
    .map((word) => word.replace(/^\d{1,2}[.:)]*/u, ''))
    .filter((word) => word !== '');
  if (typed.length < wordsMeantMin || !typed.every((word) => /^\p{L}{3,}$/u.test(word))) return null;
  const words = typed.map((word) => wordOf(word));
  const unknown = words.indexOf(null);
  if (unknown >= 0) throw new SealError('kit-damaged', { context: { defect: 'unknown word', word: unknown + 1 } });
  if (words.length !== kitWordsCount) throw new SealError('kit-damaged', { context: { defect: 'length', words: words.length } });
  try {
    return mnemonicToEntropy(words.join(' '), wordlist) as KitCode;
  } catch {
    // The words are of the list and 24, so all that is left is their check.
    throw new SealError('kit-damaged', { context: { defect: 'check' } });
  }
}

function wordOf(typed: string): string | null {
  if (wordlist.includes(typed)) return typed;
  if (typed.length < tellingLetters) return null;
  return wordlist.find((word) => word.length > tellingLetters && word.startsWith(typed)) ?? null;
}
