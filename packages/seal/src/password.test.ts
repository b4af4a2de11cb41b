import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SealError } from './errors.ts';
import { checkPasswordStrength, passwordBytes } from './password.ts';

const withCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof SealError && error.code === code;

test('fourteen characters are enough, counted in code points after NFKC', () => {
  assert.equal(passwordBytes('abcdefghijklmn').length, 14);
  assert.equal(passwordBytes('🔑'.repeat(14)).length, 56);
  assert.throws(() => passwordBytes('abcdefghijklm'), withCode('password-too-short'));
  assert.throws(() => passwordBytes('🔑'.repeat(13)), withCode('password-too-short'));
  assert.throws(() => passwordBytes('a\u0301'.repeat(13)), withCode('password-too-short'));
  assert.throws(() => passwordBytes('a'.repeat(1_025)), withCode('password-too-long'));
  assert.throws(() => passwordBytes('a'.repeat(1_000_000)), withCode('password-too-long'));
});

test('one password typed on different keyboards gives the same bytes', () => {
  assert.deepEqual(passwordBytes('Käse-Brötchen-für-12'), passwordBytes('Ka\u0308se-Bro\u0308tchen-fu\u0308r-12'));
  assert.deepEqual(passwordBytes('ﬁne ﬁsh in Ⅻ seas'), passwordBytes('fine fish in XII seas'));
});

test('patterns are weak, random words and random characters are not', () => {
  const weak = [
    '',
    'short',
    'aaaaaaaaaaaaaaaaaaaa',
    '12345678901234567890',
    'Password123456',
    'qwertzuiopasdfgh',
    'abcabcabcabcabcabc',
    'passwordpassword',
    'Sommer2024Sommer2024',
    '!!!!!!!!!!!!!!!!!!',
  ];
  for (const password of weak) {
    const { ok, advice } = checkPasswordStrength(password);
    assert.equal(ok, false, password);
    assert.notEqual(advice, '', password);
  }
  for (const password of ['tulip granite wagon sixteen orbit', 'k7$Vq!pW2x#Lm9', 'Regenschirm Traktor Nebel Pfanne']) {
    assert.equal(checkPasswordStrength(password).ok, true, password);
  }
  assert.equal(checkPasswordStrength('zR8#kQ2vLp!9wXc4Tn6%').advice, '');
});

test('a longer password of the same kind is never estimated weaker', () => {
  let before = 0;
  for (let length = 4; length < 40; length += 4) {
    const { bitsEstimate } = checkPasswordStrength('k7$Vq!pW2x#Lm9bGz&4hTy8@nRc5Xd+Ue3Js(Fa'.slice(0, length));
    assert.ok(bitsEstimate >= before);
    before = bitsEstimate;
  }
});
