/*
 * Just enough of DER (ITU-T X.690) to write certificates and requests for them: values as bytes, put together from the inside out.
 * Nothing is parsed here: node:crypto reads certificates.
 */

import { concatBytes, utf8Encode } from '../../bytes.ts';

const tags = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utf8: 0x0c,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
};

/** A value with its tag and length; lengths up to 64 KiB, which no certificate of ours reaches. */
export function derTagged(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = concatBytes(...parts);
  const { length } = body;
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return concatBytes(new Uint8Array([tag, ...head]), body);
}

export function derSequence(...parts: readonly Uint8Array[]): Uint8Array {
  return derTagged(tags.sequence, ...parts);
}

export function derSet(...parts: readonly Uint8Array[]): Uint8Array {
  return derTagged(tags.set, ...parts);
}

/** `bytes`: big-endian, not negative. */
export function derInteger(bytes: Uint8Array): Uint8Array {
  const start = bytes.findIndex((byte) => byte !== 0);
  const short = start === -1 ? new Uint8Array(1) : bytes.subarray(start);
  const isHigh = (short[0] ?? 0) >= 0x80;
  return derTagged(tags.integer, new Uint8Array(isHigh ? 1 : 0), short);
}

export function derBits(bytes: Uint8Array): Uint8Array {
  return derTagged(tags.bitString, new Uint8Array(1), bytes);
}

export function derOctets(bytes: Uint8Array): Uint8Array {
  return derTagged(tags.octetString, bytes);
}

export function derText(text: string): Uint8Array {
  return derTagged(tags.utf8, utf8Encode(text));
}

export function derTrue(): Uint8Array {
  return new Uint8Array([0x01, 0x01, 0xff]);
}

/** GeneralizedTime in whole seconds; RFC 5280 asks for it from 2050 on, and readers take it before as well. */
export function derTime(ms: number): Uint8Array {
  return derTagged(tags.time, utf8Encode(new Date(ms).toISOString().replaceAll(/[-T:]|\.\d+/gu, '')));
}

/** `id`: numbers with dots. */
export function derObjectId(id: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = id.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest.flatMap(base128)];
  return derTagged(tags.objectId, new Uint8Array(bytes));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let left = Math.floor(value / 128); left > 0; left = Math.floor(left / 128)) digits.unshift((left & 0x7f) | 0x80);
  return digits;
}
