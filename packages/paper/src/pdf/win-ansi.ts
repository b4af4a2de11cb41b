/*
 * The characters that the fonts which every PDF viewer brings can show (ISO 32000-1, Annex D.2, WinAnsiEncoding), and their widths in
 * Helvetica in thousandths of the size (Adobe's metrics of the standard fonts).
 */

/** From 0x80 to 0x9f, where the encoding differs from Latin-1; U+FFFD where it has nothing. */
const special = '€�‚ƒ„…†‡ˆ‰Š‹Œ�Ž��‘’“”•–—˜™š›œ�žŸ';

/** One byte for each character; what the fonts cannot show becomes `\u{...}`, so that it is at least not mistaken. */
export function winAnsiBytes(text: string): number[] {
  return Array.from(text.normalize('NFC'), (character) => {
    const code = character.codePointAt(0) ?? 0;
    if ((code >= 0x20 && code < 0x7f) || (code >= 0xa0 && code <= 0xff)) return [code];
    const at = special.indexOf(character);
    if (at >= 0 && character !== '\uFFFD') return [0x80 + at];
    return Array.from(`\\u{${code.toString(16)}}`, (sign) => sign.charCodeAt(0));
  }).flat();
}

// prettier-ignore
const asciiWidths = [
  278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
  556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
  1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
  667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
  333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
  556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];
const otherWidths: ReadonlyMap<number, number> = new Map([
  [0xc4, 667],
  [0xd6, 778],
  [0xdc, 722],
  [0xdf, 611],
  [0x91, 222],
  [0x92, 222],
  [0x97, 1000],
]);

/** Width in Helvetica at that size, in points. Characters without a width of their own count as a digit. */
export function helveticaWidth(text: string, size: number): number {
  let thousandths = 0;
  for (const byte of winAnsiBytes(text)) thousandths += asciiWidths[byte - 0x20] ?? otherWidths.get(byte) ?? 556;
  return (thousandths * size) / 1000;
}
