import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromHex, primitives, Prng, toHex, utf8Encode } from '@twinvault/std';
import { safeIdOf } from '@twinvault/format';
import { SealError } from './errors.ts';
import { newKitCode } from './kit-code.ts';
import type { KitCode } from './kit-code.ts';
import { kitText, parseKitText } from './kit.ts';
import { kitWordList, kitWords, parseKitWords } from './kit-words.ts';

const code = newKitCode(new Prng('words'));
const words = kitWords(code);

function defectOf(text: string): unknown {
  try {
    return parseKitText(text);
  } catch (error) {
    assert.ok(error instanceof SealError && error.code === 'kit-damaged', String(error));
    return error.context['word'] ?? error.context['defect'];
  }
}

test('the published vector of BIP-39 for 32 bytes', () => {
  // https://github.com/trezor/python-mnemonic/blob/master/vectors.json
  const entropy = fromHex('68a79eaca2324873eacc50cb9c6eca8cc68ea5d936f98787c60c7ebc74e6ce7c') as KitCode;
  const expected =
    'hamster diagram private dutch cause delay private meat slide toddler razor book happy fancy gospel tennis maple dilemma loan word shrug inflict delay length';
  assert.equal(kitWords(entropy).join(' '), expected);
  assert.deepEqual(parseKitText(expected), entropy);
});

test('words are read with numbers, in capitals, on lines, and by their first letters', () => {
  const forms = [
    words.join(' '),
    words.join('\r\n'),
    words.map((word, index) => `${index + 1}. ${word.toUpperCase()}`).join('  '),
    words.map((word, index) => `${index + 1} ${word}`).join(', '),
    words.map((word) => word.slice(0, 4)).join(' '),
    words.map((word) => word.slice(0, 5)).join(' '),
  ];
  for (const form of forms) assert.deepEqual(parseKitText(form), code, form);
});

test('every code has words that give it back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      const spelled = kitWords(bytes as KitCode);
      assert.equal(spelled.length, 24);
      assert.deepEqual(parseKitWords(spelled.join(' ')), bytes);
    }),
  );
});

test('missing, unknown and exchanged words are told', () => {
  assert.equal(defectOf(words.slice(1).join(' ')), 'length');
  assert.equal(defectOf([...words, 'abandon'].join(' ')), 'length');
  assert.equal(defectOf(words.with(6, 'xylophone').join(' ')), 7);
  assert.equal(defectOf(words.with(0, 'abx').join(' ')), 1);
  // Eight bits of check: of other words one in 256 is taken, and then opens nothing.
  let found = 0;
  for (let round = 0; round < 23; round += 1) {
    const swapped = words.with(round, words[round + 1] ?? '').with(round + 1, words[round] ?? '');
    if (defectOf(swapped.join(' ')) === 'check') found += 1;
  }
  assert.ok(found >= 20, `${found} of 23`);
});

test('a kit’s text is read by its code, though words stand in it', () => {
  const rootKey = new Prng('root').bytes(32);
  const text = kitText({ label: 'x', safe: safeIdOf(rootKey), rootKey, code, createdMs: 0 });
  for (const word of words) assert.ok(text.includes(` ${word}`), word);
  for (const line of text.split('\n')) assert.ok(line.length <= 80, line);
  assert.deepEqual(parseKitText(text), code);
});

test('the list is the one whose digest the format’s pages name', () => {
  const page = readFileSync(new URL('../../../docs/format/keys.md', import.meta.url), 'utf8');
  const digest = primitives.sha256(utf8Encode(`${kitWordList.join('\n')}\n`));
  assert.ok(page.includes(`the SHA-256 \`${toHex(digest)}\``), toHex(digest));
});
