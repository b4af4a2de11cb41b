/*
 * The kit's page, read back from the file: what it says, that it is a sound PDF, and that the QR code on it can be read.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeQR } from 'qr/decode.js';
import { Prng, utf8Encode } from '@twinvault/std';
import { pdfDocument } from '../pdf/document.ts';
import { PdfPage } from '../pdf/page.ts';
import { helveticaWidth, winAnsiBytes } from '../pdf/win-ansi.ts';
import { kitPdf, kitPdfText } from './kit-pdf.ts';
import type { KitPage } from './kit-pdf.ts';
import { kitPhrases } from './phrases.ts';

const kit: KitPage = {
  label: 'Büro',
  safeId: '3bb7190aeaad33422918e6f3257bf333',
  rootKey: 'J05K-CNCH-SBJH-A9AT',
  words: Array.from({ length: 24 }, (_, index) => `word${String.fromCodePoint(0x61 + index)}`),
  code: Array.from({ length: 14 }, (_, index) => `C0D${index.toString(32).toUpperCase()}`).join('-'),
  createdMs: 1_795_000_000_000,
  language: 'de',
};

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

/** All text of the page, one line for each piece. */
function textsOf(file: Uint8Array): string[] {
  const pieces = latin1(file).matchAll(/<([0-9a-f]*)> Tj/gu);
  return Array.from(pieces, ([, hex = '']) => Buffer.from(hex, 'hex').toString('latin1'));
}

/** Every object begins where the cross-reference says, streams are as long as they say, and the end points to the table. */
function assertSound(file: Uint8Array): void {
  const text = latin1(file);
  const xrefAt = Number(/startxref\n(\d+)\n%%EOF\n$/u.exec(text)?.[1]);
  assert.ok(text.startsWith('xref\n', xrefAt));
  const [, count = ''] = /^xref\n0 (\d+)\n/u.exec(text.slice(xrefAt)) ?? [];
  const offsets = Array.from(text.slice(xrefAt).matchAll(/^(\d{10}) 00000 n $/gmu), ([, offset]) => Number(offset));
  assert.equal(offsets.length, Number(count) - 1);
  for (const [index, offset] of offsets.entries())
    assert.ok(text.startsWith(`${index + 1} 0 obj\n`, offset), `object ${index + 1}`);
  for (const [, length, content = ''] of text.matchAll(/\/Length (\d+) >>\nstream\n([\s\S]*?)\nendstream/gu)) {
    assert.equal(content.length, Number(length));
  }
}

test('the page says all that the kit is, in both languages', () => {
  for (const language of ['en', 'de'] as const) {
    const file = kitPdf({ ...kit, language });
    assertSound(file);
    const texts = textsOf(file);
    const said = texts.join('\n');
    for (const piece of [...kit.words, kit.safeId, kit.rootKey, 'Büro', '2026-11-18', kitPhrases[language].title]) {
      assert.ok(texts.includes(piece), piece);
    }
    assert.ok(said.replaceAll('\n', '-').includes(kit.code), 'the code, in two lines');
    for (const part of kitPhrases[language].warning.split(' ')) assert.ok(said.includes(part), part);
    assert.match(latin1(file), new RegExp(`/Lang \\(${language}\\)`, 'u'));
  }
});

test('nothing stands outside the page or its margins', () => {
  for (const language of ['en', 'de'] as const) {
    const long = { ...kit, label: 'A very long name of a safe that somebody thought of '.repeat(3), language };
    for (const [, x, y, hex = ''] of latin1(kitPdf(long)).matchAll(/1 0 0 1 ([\d.]+) ([\d.]+) Tm <([0-9a-f]*)> Tj/gu)) {
      const text = Buffer.from(hex, 'hex').toString('latin1');
      assert.ok(Number(x) >= 50 && Number(y) >= 28 && Number(y) <= 810, text);
    }
  }
  const wide = latin1(kitPdf({ ...kit, label: 'M'.repeat(100) }));
  const [, size] = /\/bold ([\d.]+) Tf 0 g 1 0 0 1 160 [\d.]+ Tm <4d4d/u.exec(wide) ?? [];
  assert.ok(helveticaWidth('M'.repeat(100), Number(size)) <= 400, `size ${size}`);
});

test('the QR code is read as a kit', () => {
  const scale = 4;
  const [width, height] = [595 * scale, 842 * scale];
  const data = new Uint8Array(width * height * 4).fill(255);
  for (const [, x, y, w, h] of latin1(kitPdf(kit)).matchAll(/0 g ([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) re f/gu)) {
    const [left, right] = [Number(x) * scale, (Number(x) + Number(w)) * scale];
    const [top, bottom] = [(841.89 - Number(y) - Number(h)) * scale, (841.89 - Number(y)) * scale];
    for (let row = Math.round(top); row < Math.round(bottom); row += 1) {
      for (let column = Math.round(left); column < Math.round(right); column += 1)
        data.fill(0, (row * width + column) * 4, (row * width + column) * 4 + 3);
    }
  }
  assert.equal(decodeQR({ width, height, data }), `Twinvault kit\nSafe id: ${kit.safeId}\nCode: ${kit.code}`);
});

test('the file gives back the lines that open the safe, and no other file does', () => {
  assert.equal(kitPdfText(kitPdf(kit)), `Safe id: ${kit.safeId}\nCode: ${kit.code}`);
  assert.equal(kitPdfText(utf8Encode('Code: x')), null);
  assert.equal(kitPdfText(utf8Encode('%PDF-1.4\n% something else\n')), null);
  const prng = new Prng('kit file');
  for (let round = 0; round < 200; round += 1) assert.equal(kitPdfText(prng.bytes(prng.below(2000))), null);
});

test('what the fonts cannot show is spelled out, not dropped', () => {
  assert.equal(Buffer.from(winAnsiBytes('aé€–')).toString('hex'), '61e98096');
  assert.equal(Buffer.from(winAnsiBytes('日\u0007\uFFFD')).toString('latin1'), '\\u{65e5}\\u{7}\\u{fffd}');
});

test('a paragraph breaks at spaces within its width', () => {
  const page = new PdfPage();
  const words = 'one two three four five six seven eight nine ten eleven twelve';
  const next = page.paragraph(words, { x: 10, y: 20, width: 100 }, { size: 10 });
  const file = pdfDocument({ title: 'x', language: 'en', pages: [page, new PdfPage()] });
  assertSound(file);
  const lines = textsOf(file);
  assert.equal(lines.join(' '), words);
  assert.ok(lines.length > 2);
  for (const line of lines) assert.ok(helveticaWidth(line, 10) <= 100, line);
  assert.ok(Math.abs(next - (20 + lines.length * 14.2)) < 0.001);
});
