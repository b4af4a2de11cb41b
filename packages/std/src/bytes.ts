/** Byte helpers for isomorphic code: no Buffer. */

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** Order of unsigned bytes; a prefix comes first. Negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0;
}

/** For secrets: time depends on the length alone. */
export function equalSecretBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let index = 0; index < a.length; index += 1) difference |= (a[index] ?? 0) ^ (b[index] ?? 0);
  return difference === 0;
}

/** Lower case. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += hexPieceBytes) {
    text += hexPiece(bytes, start, Math.min(bytes.length, start + hexPieceBytes));
  }
  return text;
}

/** So many at once: a text from a list of characters is flat, one that is joined has to be copied before it can be a key of a map. */
const hexPieceBytes = 512;

function hexPiece(bytes: Uint8Array, start: number, end: number): string {
  const codes: number[] = [];
  for (let index = start; index < end; index += 1) {
    const byte = bytes[index] ?? 0;
    codes.push(hexCode(byte >>> 4), hexCode(byte & 15));
  }
  return String.fromCharCode(...codes);
}

/** Of 0 to 15: "0" to "9", "a" to "f". */
function hexCode(digit: number): number {
  return digit + (digit < 10 ? 48 : 87);
}

/** Null unless the text is an even number of hexadecimal digits. */
export function fromHex(text: string): Uint8Array | null {
  if (text.length % 2 !== 0) return null;
  const bytes = new Uint8Array(text.length / 2);
  for (let index = 0; index < bytes.length; index += 1) {
    const [high, low] = [hexDigit(text.charCodeAt(2 * index)), hexDigit(text.charCodeAt(2 * index + 1))];
    if (high < 0 || low < 0) return null;
    bytes[index] = 16 * high + low;
  }
  return bytes;
}

/** Of the code of a character; -1 where it is none. */
function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const letter = (code | 32) - 87;
  return letter >= 10 && letter <= 15 ? letter : -1;
}

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function utf8Encode(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Null when the bytes are not valid UTF-8. */
export function utf8Decode(bytes: Uint8Array): string | null {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return null;
  }
}
