/* Vectors of CBOR, safe descriptors and key slots. */

import { concatBytes, fromHex, utf8Encode } from '@twinvault/std';
import { encodeCbor, encodeKeySlotObject, encodeObjectHeader, encodeSafeDescriptor, slotLimits } from '@twinvault/format';
import type { CborValue, FormatErrorCode, KeySlot } from '@twinvault/format';
import type { VectorFile } from '../src/vector.ts';
import { Collector } from './collect.ts';
import { createdMs, descriptorBytes, fill, root, safe, signedObject, stranger, u32, withBytes } from './world.ts';

function hex(digits: string): Uint8Array {
  const bytes = fromHex(digits.replaceAll(' ', ''));
  if (bytes === null) throw new RangeError('not hexadecimal');
  return bytes;
}

const cborValid: readonly (readonly [string, CborValue])[] = [
  ['zero', 0],
  ['largest in one byte', 23],
  ['smallest in two bytes', 24],
  ['largest in two bytes', 255],
  ['smallest in three bytes', 256],
  ['largest in three bytes', 65_535],
  ['smallest in five bytes', 65_536],
  ['largest in five bytes', 2 ** 32 - 1],
  ['smallest in nine bytes', 2 ** 32],
  ['largest integer', 2 ** 53 - 1],
  ['minus one', -1],
  ['smallest negative in one byte', -24],
  ['negative in two bytes', -25],
  ['smallest integer', -(2 ** 53 - 1)],
  ['no bytes', new Uint8Array(0)],
  ['bytes', fill('bytes', 24)],
  ['empty text', ''],
  ['text of one to four bytes a character', 'aü水𐅑'],
  ['text that begins with a byte order mark', '\uFEFFname'],
  ['text with a zero', 'a\0b'],
  ['simple values', [false, true, null]],
  ['nested lists', [[[[[[[[]]]]]]]]],
  ['map sorted by length, then bytes', { aa: 1, b: 2, a: 3, '': 4 }],
  ['map with a key that names a prototype', new Map([['__proto__', 1]])],
  [
    'map with integer and text keys',
    new Map<number | string, CborValue>([
      [0, 'a'],
      [24, 'b'],
      [256, 'c'],
      ['', 'd'],
    ]),
  ],
];

const cborInvalid: readonly (readonly [string, string, string])[] = [
  ['no bytes at all', '', 'ends too early'],
  ['integer of 0 in two bytes', '1800', 'not in its shortest form'],
  ['integer of 23 in two bytes', '1817', 'not in its shortest form'],
  ['integer of 255 in three bytes', '1900ff', 'not in its shortest form'],
  ['integer of 65,535 in five bytes', '1a0000ffff', 'not in its shortest form'],
  ['integer of 2^32 - 1 in nine bytes', '1b00000000ffffffff', 'not in its shortest form'],
  ['integer of 2^53', '1b0020000000000000', 'integer too large'],
  ['integer of -2^53', '3b001fffffffffffff', 'integer too large'],
  ['length of bytes in two bytes', '580161', 'not in its shortest form'],
  ['length of text in two bytes', '780161', 'not in its shortest form'],
  ['length of a list in two bytes', '980100', 'not in its shortest form'],
  ['length of a map in two bytes', 'b8010000', 'not in its shortest form'],
  ['reserved length', '1c', 'indefinite or reserved length'],
  ['bytes of indefinite length', '5f4161ff', 'indefinite or reserved length'],
  ['text of indefinite length', '7f6161ff', 'indefinite or reserved length'],
  ['list of indefinite length', '9f00ff', 'indefinite or reserved length'],
  ['map of indefinite length', 'bf0000ff', 'indefinite or reserved length'],
  ['tag', 'c000', 'tag'],
  ['half float', 'f93c00', 'float or simple value'],
  ['float', 'fa3f800000', 'float or simple value'],
  ['double', 'fb3ff0000000000000', 'float or simple value'],
  ['undefined', 'f7', 'float or simple value'],
  ['simple value 0', 'e0', 'float or simple value'],
  ['simple value 255', 'f8ff', 'float or simple value'],
  ['break alone', 'ff', 'float or simple value'],
  ['bytes beyond the end', '4261', 'ends too early'],
  ['text beyond the end', '6261', 'ends too early'],
  ['integer beyond the end', '19ff', 'ends too early'],
  ['list beyond the end', '8200', 'more items than bytes'],
  ['list of 2^32 - 1 items', '9affffffff00', 'more items than bytes'],
  ['map beyond the end', 'a100', 'more items than bytes'],
  ['map of 2^32 - 1 entries', 'baffffffff0000', 'more items than bytes'],
  ['bytes after the item', '0000', 'bytes after the item'],
  ['key twice', 'a2616100616100', 'order of keys'],
  ['keys of equal length not sorted', 'a2616200616100', 'order of keys'],
  ['shorter key after a longer one', 'a262616100616200', 'order of keys'],
  ['integer key after text', 'a26161000000', 'order of keys'],
  ['negative key', 'a12000', 'kind of a key'],
  ['key of bytes', 'a1416100', 'kind of a key'],
  ['list as a key', 'a18000', 'kind of a key'],
  ['text that is not UTF-8', '61ff', 'text is not UTF-8'],
  ['text with a surrogate', '63eda080', 'text is not UTF-8'],
  ['text in a longer form', '62c080', 'text is not UTF-8'],
  ['long text that is not UTF-8', `7819${'61'.repeat(24)}80`, 'text is not UTF-8'],
  ['nine lists in each other', '818181818181818180', 'too deep'],
  ['nine maps in each other', 'a100a100a100a100a100a100a100a100a0', 'too deep'],
];

export function cborVectors(): VectorFile {
  const about = 'CBOR items. The value is in diagnostic notation (RFC 8949 section 8). Arrays and maps nest at most 8 deep.';
  const collector = new Collector({ parser: 'cbor', about });
  for (const [name, value] of cborValid) collector.valid(name, encodeCbor(value));
  for (const [name, digits, defect] of cborInvalid) collector.invalid(name, hex(digits), { code: 'cbor-invalid', defect });
  return collector.finish();
}

const descriptorBody = { created: createdMs, label: 'papers', root: root.key, safe, suite: 1 };

export function safeVectors(): VectorFile {
  const collector = new Collector({ parser: 'safe', about: 'Safe descriptors (TVSD).' });
  const small = encodeSafeDescriptor({ safe, rootKey: root.key, label: 'x', suite: 2, createdMs: 0 }, root.sign);
  const longest = { safe, rootKey: root.key, label: 'ä'.repeat(128), suite: 1, createdMs: 2 ** 53 - 1 } as const;
  collector
    .valid('suite 1', descriptorBytes)
    .valid('suite 2, smallest values', small)
    .valid('longest label', encodeSafeDescriptor(longest, root.sign));

  const raw = (name: string, bytes: Uint8Array, [code, defect]: readonly [FormatErrorCode, string?]): void => {
    collector.invalid(name, bytes, { code, ...(defect !== undefined && { defect }) });
  };
  raw('empty', new Uint8Array(0), ['object-invalid', 'shorter than its header']);
  raw('another magic', withBytes(descriptorBytes, 3, 0x45), ['object-invalid', 'magic']);
  raw('a later version', withBytes(descriptorBytes, 4, 2), ['version-unknown']);
  raw('a suite in the header', withBytes(descriptorBytes, 5, 1), ['object-invalid', 'suite in a signed object']);
  raw('an unknown suite in the header', withBytes(descriptorBytes, 5, 3), ['suite-unknown']);
  raw('the zeros of the header are not zero', withBytes(descriptorBytes, 7, 1), ['object-invalid', 'header not zero']);
  raw('header alone', descriptorBytes.slice(0, 12), ['object-invalid', 'shorter than its fixed parts']);
  raw('last byte missing', descriptorBytes.slice(0, -1), ['object-invalid', 'lengths do not add up']);
  raw('a byte more', concatBytes(descriptorBytes, new Uint8Array(1)), ['object-invalid', 'lengths do not add up']);
  raw('length of the body too large', withBytes(descriptorBytes, 11, 0xff), ['object-invalid', 'lengths do not add up']);
  raw('signature changed', withBytes(descriptorBytes, -1, 0xff), ['signature-invalid', 'safe']);
  raw('signed by another key', signedObject('safe', descriptorBody, stranger), ['signature-invalid', 'safe']);
  const thief = { ...descriptorBody, root: stranger.key };
  raw('id of another root key', signedObject('safe', thief, stranger), ['safe-mismatch', 'id does not follow from the root key']);

  const body = (name: string, changes: Record<string, CborValue>, defect = 'value of a key'): void => {
    collector.invalid(name, signedObject('safe', { ...descriptorBody, ...changes }, root), {
      code: 'object-invalid',
      defect,
    });
  };
  body('unknown key', { zone: 1 }, 'unknown key');
  body('empty label', { label: '' });
  body('label of 257 bytes', { label: `${'ä'.repeat(128)}x` });
  body('label as bytes', { label: utf8Encode('papers') });
  body('suite 0', { suite: 0 });
  body('suite 3', { suite: 3 });
  body('negative time', { created: -1 });
  body('time as text', { created: '1' });
  body('root key of 31 bytes', { root: root.key.slice(1) });
  body('safe id of 17 bytes', { safe: concatBytes(safe, new Uint8Array(1)) });
  const { label: _, ...without } = descriptorBody;
  raw('label missing', signedObject('safe', without, root), ['object-invalid', 'key missing']);
  raw('body is a list', signedObject('safe', [], root), ['object-invalid', 'not a map']);
  raw('body is not deterministic', signedObject('safe', concatBytes(encodeCbor(descriptorBody), new Uint8Array(1)), root), [
    'cbor-invalid',
    'bytes after the item',
  ]);
  return collector.finish();
}

const passwordSlot: KeySlot = {
  safe,
  slot: fill('slot', 16),
  type: 'password',
  commitment: fill('commitment', 32),
  salt: fill('slot salt', 32),
  passes: 3,
  memoryKiB: 65_536,
  lanes: 4,
  wrapped: fill('wrapped', 48),
};
const noParameters = { passes: 0, memoryKiB: 0, lanes: 0 };

/** A slot object with a body that our encoder refuses. */
function slotObject(changes: Record<string, CborValue>, base: KeySlot = passwordSlot): Uint8Array {
  const { memoryKiB, ...rest } = base;
  const body = encodeCbor({ ...rest, memory: memoryKiB, ...changes });
  return concatBytes(encodeObjectHeader('slot', 1), u32(body.length), body);
}

export function slotVectors(): VectorFile {
  const about = 'Key slots (TVKS): form, floors and ceilings. Commitment and wrapped key are arbitrary bytes here.';
  const collector = new Collector({ parser: 'slot', about });
  const { passes, memoryKiB, lanes } = slotLimits;
  const floor = { passes: passes.floor, memoryKiB: memoryKiB.floor, lanes: lanes.floor };
  const ceiling = { passes: passes.ceiling, memoryKiB: memoryKiB.ceiling, lanes: lanes.ceiling };
  const kit: KeySlot = { ...passwordSlot, ...noParameters, type: 'kit' };
  const escrow: KeySlot = { ...passwordSlot, ...noParameters, type: 'escrow', wrapped: fill('wrapped escrow', 1168) };
  collector
    .valid('password, defaults', encodeKeySlotObject(passwordSlot))
    .valid('password, floors', encodeKeySlotObject({ ...passwordSlot, ...floor }))
    .valid('password, ceilings', encodeKeySlotObject({ ...passwordSlot, ...ceiling }))
    .valid('kit', encodeKeySlotObject(kit))
    .valid('escrow', encodeKeySlotObject(escrow));
  const refused = (name: string, bytes: Uint8Array, code: FormatErrorCode, defect?: string): void => {
    collector.invalid(name, bytes, { code, ...(defect !== undefined && { defect }) });
  };
  refused('passes below the floor', slotObject({ passes: 2 }), 'slot-parameters');
  refused('passes above the ceiling', slotObject({ passes: 17 }), 'slot-parameters');
  refused('memory below the floor', slotObject({ memory: 65_535 }), 'slot-parameters');
  refused('memory above the ceiling', slotObject({ memory: 1_048_577 }), 'slot-parameters');
  refused('lanes below the floor', slotObject({ lanes: 0 }), 'slot-parameters');
  refused('lanes above the ceiling', slotObject({ lanes: 17 }), 'slot-parameters');
  refused('kit with passes', slotObject({ passes: 3 }, kit), 'slot-parameters');
  refused('escrow with lanes', slotObject({ lanes: 1 }, escrow), 'slot-parameters');
  refused('memory negative', slotObject({ memory: -1 }), 'object-invalid', 'value of a key');
  refused('unknown type', slotObject({ type: 'token' }), 'object-invalid', 'value of a key');
  refused('unknown key', slotObject({ hint: 'dog' }), 'object-invalid', 'unknown key');
  refused('wrapped key of 47 bytes', slotObject({ wrapped: fill('w', 47) }), 'object-invalid', 'value of a key');
  refused('wrapped key of a kit as of escrow', slotObject({ wrapped: fill('w', 1168) }, kit), 'object-invalid', 'value of a key');
  refused('salt of 16 bytes', slotObject({ salt: fill('s', 16) }), 'object-invalid', 'value of a key');
  const good = encodeKeySlotObject(passwordSlot);
  refused('no suite in the header', withBytes(good, 5, 0), 'object-invalid', 'suite of a key slot');
  refused('suite 2 in the header', withBytes(good, 5, 2), 'object-invalid', 'suite of a key slot');
  refused('another magic', withBytes(good, 0, 0x58), 'object-invalid', 'magic');
  refused('a byte more', concatBytes(good, new Uint8Array(1)), 'object-invalid', 'lengths do not add up');
  refused('a byte less', good.slice(0, -1), 'object-invalid', 'lengths do not add up');
  refused('above slotBytesMax', concatBytes(good, new Uint8Array(4096)), 'object-too-large');
  return collector.finish();
}
