import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prng, primitives } from '@twinvault/std';
import { safeIdOf } from '@twinvault/format';
import { SealError } from './errors.ts';
import { newKitCode } from './kit-code.ts';
import { formatKitCode, kitText, parseKitText } from './kit.ts';

const random = new Prng('kit');
const rootKey = primitives.ed25519PublicKey(random.bytes(32));
const safe = safeIdOf(rootKey);
const other = safeIdOf(random.bytes(32));
const code = newKitCode(random);
const text = kitText({ label: 'Buchhaltung', safe, rootKey, code, createdMs: 1_790_000_000_000 });

function refusedWith(input: string, wanted: string): void {
  assert.throws(
    () => parseKitText(input, safe),
    (error) => error instanceof SealError && error.code === wanted,
    input,
  );
}

test('the text carries its code through case, spacing and the usual misreadings', () => {
  const typed = formatKitCode(safe, code);
  assert.match(typed, /^([0-9A-Z]{4}-){13}[0-9A-Z]{4}$/);
  const forms = [
    text,
    text.replaceAll('\n', '\r\n'),
    `junk\n\n   code:${typed.toLowerCase()}  \nmore`,
    typed,
    typed.replaceAll('-', ' '),
    typed.replaceAll('-', '\u2011'),
    `Code: ${typed.replaceAll('0', 'o').replaceAll('1', 'l')}`,
  ];
  for (const form of forms) assert.deepEqual(parseKitText(form, safe), code, form);
  assert.deepEqual(parseKitText(text), code);
});

test('any one character typed wrong is found', () => {
  const typed = formatKitCode(safe, code);
  const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
  fc.assert(
    fc.property(fc.nat(typed.length - 1), fc.nat(31), (at, letter) => {
      const wrong = `${typed.slice(0, at)}${alphabet.charAt(letter)}${typed.slice(at + 1)}`;
      if (wrong !== typed && typed[at] !== '-') refusedWith(wrong, 'kit-damaged');
    }),
    { numRuns: 1_000 },
  );
});

test('incomplete, doubled and foreign kits are told apart', () => {
  refusedWith('', 'kit-damaged');
  refusedWith('Code:', 'kit-damaged');
  refusedWith(formatKitCode(safe, code).slice(0, -1), 'kit-damaged');
  refusedWith(`${text}${text}`, 'kit-damaged');
  refusedWith('x'.repeat(100_000), 'kit-damaged');
  refusedWith(formatKitCode(other, code), 'kit-damaged');
  refusedWith(kitText({ label: 'x', safe: other, rootKey, code, createdMs: 0 }), 'kit-other-safe');
});

test('a label cannot forge a code line', () => {
  const forged = kitText({ label: 'x\nCode: 0000', safe, rootKey, code, createdMs: 0 });
  assert.deepEqual(parseKitText(forged, safe), code);
});
