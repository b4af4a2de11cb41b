/*
 * Crockford's base 32 (https://www.crockford.com/base32.html), for codes that people read aloud and type: no I, L, O, U.
 * Bits go from the most significant down, five a character; the last character is filled with zero bits. No check
 * symbol, no padding. One byte string has one text, but reading forgives case, hyphens, spaces, and I, L (1) and O (0).
 */

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

function valueOf(character: string): number {
  const upper = character.toUpperCase();
  if (upper === 'O') return 0;
  if (upper === 'I' || upper === 'L') return 1;
  return alphabet.indexOf(upper);
}

/** Upper case, without hyphens. */
export function toBase32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let bitCount = 0;
  for (const byte of bytes) {
    bits = ((bits << 8) | byte) & 0xfff;
    bitCount += 8;
    while (bitCount >= 5) {
      bitCount -= 5;
      text += alphabet.charAt((bits >>> bitCount) & 31);
    }
  }
  if (bitCount > 0) text += alphabet.charAt((bits << (5 - bitCount)) & 31);
  return text;
}

/** Null for another character, a length that no byte string has, or fill bits that are not zero. */
export function fromBase32(text: string): Uint8Array | null {
  const compact = text.replaceAll(/[- ]/g, '');
  const bytes = new Uint8Array(Math.floor((compact.length * 5) / 8));
  let bits = 0;
  let bitCount = 0;
  let length = 0;
  for (const character of compact) {
    const value = valueOf(character);
    if (value < 0) return null;
    bits = ((bits << 5) | value) & 0xfff;
    bitCount += 5;
    if (bitCount >= 8) {
      bitCount -= 8;
      bytes[length] = (bits >>> bitCount) & 0xff;
      length += 1;
    }
  }
  // Five or more bits left over would be a whole character that carries nothing.
  if (bitCount >= 5 || (bits & ((1 << bitCount) - 1)) !== 0) return null;
  return bytes;
}
