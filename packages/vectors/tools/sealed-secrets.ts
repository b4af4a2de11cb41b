/* Vectors of the key schedule, passwords, kits and key slots. */

import { concatBytes, fromHex, primitives, toHex, utf8Encode } from '@twinvault/std';
import { encodeKeySlotObject, parseKeySlotObject, rootKeyShortForm, safeIdOf } from '@twinvault/format';
import type { KeySlot } from '@twinvault/format';
import {
  formatKitCode,
  kitText,
  kitWords,
  makeEscrowSlot,
  makeKitSlot,
  makePasswordSlot,
  newKitCode,
  rootKeys,
  sealBytes,
} from '@twinvault/seal';
import type { Kit } from '@twinvault/seal';
import type { VectorFile } from '../src/vector.ts';
import { SealedCollector } from './sealed-collect.ts';
import { flipped, hexText, randomOf, rs, sealSafe } from './sealed-world.ts';
import { createdMs, fill } from './world.ts';

export async function keysVectors(): Promise<VectorFile> {
  const about =
    'Key schedule. bytes: the root secret; context.computer: a computer id. value: the keys of keys.md, the read seeds of epochs 1 and 256.';
  const collector = new SealedCollector({ parser: 'keys', about });
  await collector.valid('a root secret', rs, { computer: toHex(fill('seal computer', 16)) });
  await collector.valid('another root secret', fill('another root secret', 32), { computer: toHex(new Uint8Array(16)) });
  await collector.valid('all zero', new Uint8Array(32), { computer: toHex(new Uint8Array(16).fill(0xff)) });
  return collector.finish();
}

export async function passwordVectors(): Promise<VectorFile> {
  const about = 'Passwords. bytes: the password as typed, UTF-8. value: what goes into Argon2id, NFKC as UTF-8.';
  const collector = new SealedCollector({ parser: 'password', about });
  const valid = async (name: string, password: string): Promise<void> => await collector.valid(name, utf8Encode(password));
  await valid('14 characters', 'abcdefghijklmn');
  await valid('composed', 'K\u00e4se-Br\u00f6tchen-12');
  await valid('decomposed', 'Ka\u0308se-Bro\u0308tchen-12');
  await valid('compatibility characters', '\ufb01ne \u2167 seas of \u00bd tea');
  await valid('outside the first plane', '\u{1F511}'.repeat(14));
  await valid('1,024 characters', '\u00df'.repeat(1_024));
  const short = { code: 'password-too-short' } as const;
  await collector.invalid('13 characters', utf8Encode('abcdefghijklm'), short);
  await collector.invalid('26 code points that compose to 13', utf8Encode('a\u0308'.repeat(13)), short);
  await collector.invalid('13 characters in 26 UTF-16 units', utf8Encode('\u{1F511}'.repeat(13)), short);
  await collector.invalid('1,025 characters', utf8Encode('a'.repeat(1_025)), { code: 'password-too-long' });
  return collector.finish();
}

export async function kitVectors(): Promise<VectorFile> {
  const about = 'Recovery kits. bytes: the text, UTF-8; context.safe: the safe that it is for. value: the code.';
  const collector = new SealedCollector({ parser: 'kit', about }, { safe: toHex(sealSafe) });
  const code = newKitCode(randomOf('kit'));
  const rootKey = rootKeys(rs).publicKey;
  const text = plainKitText({ label: 'Vectors', safe: sealSafe, rootKey, code, createdMs });
  const typed = formatKitCode(sealSafe, code);
  const other = safeIdOf(fill('other root key', 32));
  const take = async (name: string, input: string): Promise<void> => await collector.valid(name, utf8Encode(input));
  await take('the text as made', text);
  await take('line ends of Windows', text.replaceAll('\n', '\r\n'));
  await take('the code line alone, indented', `  Code: ${typed}  `);
  await take('the code alone', typed);
  await take('lower case and spaces', typed.toLowerCase().replaceAll('-', ' '));
  await take('O for 0 and L for 1', typed.replaceAll('0', 'O').replaceAll('1', 'l'));
  const refuse = async (name: string, input: string, code_: 'kit-damaged' | 'kit-other-safe' = 'kit-damaged'): Promise<void> =>
    await collector.invalid(name, utf8Encode(input), { code: code_ });
  await refuse('no text', '');
  await refuse('no code', 'Code:');
  await refuse('one character too few', typed.slice(0, -1));
  await refuse('one character too many', `${typed}0`);
  await refuse('one character wrong', `${typed.startsWith('0') ? '2' : '0'}${typed.slice(1)}`);
  await refuse('two characters exchanged', exchanged(typed));
  await refuse('a character outside the alphabet', `U${typed.slice(1)}`);
  await refuse('two code lines', `${text}${text}`);
  await refuse('the code of another safe', formatKitCode(other, code));
  await refuse('the kit of another safe', plainKitText({ label: 'x', safe: other, rootKey, code, createdMs }), 'kit-other-safe');
  const words = kitWords(code);
  const short = words.map((word, index) => `${index + 1}. ${word.slice(0, 4).toUpperCase()}`);
  await take('the words', words.join(' '));
  await take('four letters of each word, with numbers', short.join('\n'));
  await take('words in columns, numbers apart', words.map((word, index) => `${index + 1} ${word}`).join(', '));
  await refuse('23 words', words.slice(0, 23).join(' '));
  await refuse('25 words', [...words, 'zoo'].join(' '));
  await refuse('a word that is none', words.with(3, 'vault').join(' '));
  await refuse('three letters of a longer word', words.with(0, words[0]?.slice(0, 3) ?? '').join(' '));
  await refuse('two words exchanged', [words[1], words[0], ...words.slice(2)].join(' '));
  await take('the text with words', kitText({ label: 'Vectors', safe: sealSafe, rootKey, code, createdMs }));
  return collector.finish();
}

/** The text of kits before they had words. */
function plainKitText({ label, safe, rootKey, code, createdMs: madeMs }: Kit): string {
  return `Twinvault recovery kit

Safe:      ${label}
Safe id:   ${toHex(safe)}
Root key:  ${rootKeyShortForm(rootKey)}
Made on:   ${new Date(madeMs).toISOString().slice(0, 10)}

Code: ${formatKitCode(safe, code)}

Whoever has this code and access to the vault can read everything in the safe.
If the password is lost, this code is the only way to the data. Nobody, the
provider included, can make either of them again.

Print this page, put it where neither fire nor strangers get at it, and delete
the file. To open the safe with it, type the code wherever Twinvault asks for
the kit, or give the file: twinvault restore ... --kit-file FILE

Case, hyphens and spaces do not matter; I and L count as 1, O as 0. The root key
above must be the one that Twinvault shows for the safe.
`;
}

/** The first two neighbours that differ, within a group. */
function exchanged(typed: string): string {
  const at = [0, 1, 2].find((index) => typed[index] !== typed[index + 1]) ?? 0;
  return `${typed.slice(0, at)}${typed.charAt(at + 1)}${typed.charAt(at)}${typed.slice(at + 2)}`;
}

const password = 'correct horse, battery staple';

/** A slot with fields changed. */
function changed(slot: Uint8Array, changes: Partial<KeySlot>): Uint8Array {
  return encodeKeySlotObject({ ...parseKeySlotObject(slot), ...changes });
}

export async function openedSlotVectors(): Promise<VectorFile> {
  const about =
    'Key slots that open. bytes: the slot; context: password (UTF-8), kit (the 32-byte code) or seed (of the escrow key). value: the root secret. A secret that is not the slot’s gives password-wrong or kit-wrong.';
  const collector = new SealedCollector({ parser: 'opened-slot', about });
  const kit = makeKitSlot({ rs, safe: sealSafe, random: randomOf('kit slot') });
  const withKit = { kit: toHex(kit.code) };
  await collector.valid('kit', kit.slot, withKit);
  const kitRefused = async (name: string, slot: Uint8Array, code: 'kit-wrong' | 'slot-damaged'): Promise<void> =>
    await collector.invalid(name, slot, { code, context: withKit });
  await collector.invalid('kit, another code', kit.slot, { code: 'kit-wrong', context: { kit: toHex(flipped(kit.code, 31)) } });
  const { commitment, salt, wrapped } = parseKeySlotObject(kit.slot);
  await kitRefused('kit, commitment changed', changed(kit.slot, { commitment: flipped(commitment, 0) }), 'kit-wrong');
  await kitRefused('kit, salt changed', changed(kit.slot, { salt: flipped(salt, 0) }), 'kit-wrong');
  await kitRefused('kit, wrapped key changed', changed(kit.slot, { wrapped: flipped(wrapped, 0) }), 'slot-damaged');
  await kitRefused('kit, tag changed', changed(kit.slot, { wrapped: flipped(wrapped, -1) }), 'slot-damaged');
  await kitRefused('kit, moved to another safe', changed(kit.slot, { safe: safeIdOf(fill('thief', 32)) }), 'slot-damaged');
  await kitRefused('kit, slot id changed', changed(kit.slot, { slot: fill('other slot', 16) }), 'slot-damaged');

  const seed = fill('escrow seed', 32);
  const kemRandom = fill('escrow kem', 64);
  const key = primitives.xwingPublicKey(seed);
  const escrow = makeEscrowSlot({ rs, safe: sealSafe, random: randomOf('escrow slot'), key, kemRandom });
  await collector.valid('escrow', escrow, { seed: toHex(seed) });
  const foreign = { seed: toHex(flipped(seed, 0)) };
  await collector.invalid('escrow, another key', escrow, { code: 'kit-wrong', context: foreign });
  await passwordSlots(collector);
  return collector.finish();
}

async function passwordSlots(collector: SealedCollector): Promise<void> {
  const input = { rs, safe: sealSafe, password };
  const initial = await makePasswordSlot({ ...input, random: randomOf('password slot') });
  await collector.valid('password, initial parameters', initial, { password: hexText(password) });
  const parameters = { passes: 4, memoryKiB: 65_537, lanes: 1 };
  const slow = await makePasswordSlot({ ...input, random: randomOf('slow slot'), parameters });
  await collector.valid('password, four passes and one lane', slow, { password: hexText(password) });
  const typed = 'Ka\u0308se, Brot und Wein';
  const accented = await makePasswordSlot({ ...input, password: typed.normalize('NFC'), random: randomOf('accented') });
  await collector.valid('password, typed decomposed', accented, { password: hexText(typed) });
  const refusal = { code: 'password-wrong', context: { password: hexText(`${password}.`) } } as const;
  await collector.invalid('password, another one', initial, refusal);
  const asOther = { code: 'password-wrong', context: { password: hexText(password) } } as const;
  await collector.invalid('password, lanes changed', changed(initial, { lanes: 2 }), asOther);
}

/** AES-GCM and CBC with HMAC as the suites use them. */
export async function sealedVectors(): Promise<VectorFile> {
  const about =
    'seal() of both suites. bytes: what was sealed; context: suite, key, nonce, aad. value: the plaintext. What does not open is blob-damaged here.';
  const collector = new SealedCollector({ parser: 'sealed', about });
  for (const suite of [1, 2] as const) {
    for (const length of [0, 1, 15, 16, 17, 32, 100]) {
      const input = { key: fill(`key ${suite} ${length}`, 32), nonce: fill(`nonce ${length}`, 12), aad: fill('aad', length) };
      const context = { suite: `0${suite}`, key: toHex(input.key), nonce: toHex(input.nonce), aad: toHex(input.aad) };
      const plaintext = fill(`plaintext ${length}`, length);
      const sealed = sealBytes(suite, input, plaintext);
      await collector.valid(`suite ${suite}, ${length} bytes`, sealed, context);
      if (length !== 17) continue;
      const damaged = { code: 'blob-damaged', context } as const;
      await collector.invalid(`suite ${suite}, first byte changed`, flipped(sealed, 0), damaged);
      await collector.invalid(`suite ${suite}, last byte changed`, flipped(sealed, -1), damaged);
      await collector.invalid(`suite ${suite}, a byte less`, sealed.slice(0, -1), damaged);
      await collector.invalid(`suite ${suite}, a byte more`, concatBytes(sealed, new Uint8Array(1)), damaged);
      await collector.invalid(`suite ${suite}, nothing`, new Uint8Array(0), damaged);
      const otherAad = { code: 'blob-damaged', context: { ...context, aad: toHex(fill('aad', 16)) } } as const;
      await collector.invalid(`suite ${suite}, other AAD`, sealed, otherAad);
      const otherSuite = { code: 'blob-damaged', context: { ...context, suite: `0${3 - suite}` } } as const;
      await collector.invalid(`suite ${suite}, as the other suite`, sealed, otherSuite);
    }
  }
  await paddings(collector);
  return collector.finish();
}

/** Suite 2 with a MAC that fits and a padding that does not. */
async function paddings(collector: SealedCollector): Promise<void> {
  const [key, nonce] = [fill('padding key', 32), new Uint8Array(12)];
  const context = { suite: '02', key: toHex(key), nonce: toHex(nonce), aad: '' };
  const derived = primitives.hkdfSha256(key, nonce, utf8Encode('twinvault v1 suite2'), 80);
  const iv = derived.subarray(64);
  const cases: Readonly<Record<string, string>> = {
    'padding of 0': '00'.repeat(16),
    'padding of 17': '11'.repeat(32),
    'padding with a byte that differs': `${'aa'.repeat(12)}03040404`,
    'padding longer than what is there': '20'.repeat(16),
  };
  for (const [name, hex] of Object.entries(cases)) {
    const padded = fromHex(hex) ?? new Uint8Array(0);
    const ciphertext = primitives.aesCbcEncrypt(primitives.secretKey(derived.subarray(0, 32)), iv, padded);
    const macKey = primitives.secretKey(derived.subarray(32, 64));
    const mac = primitives.hmacSha256(macKey, new Uint8Array(8), iv, ciphertext);
    await collector.invalid(`suite 2, ${name}`, concatBytes(ciphertext, mac), { code: 'blob-damaged', context });
  }
}
