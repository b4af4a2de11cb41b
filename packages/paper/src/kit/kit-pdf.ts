/*
 * The recovery kit as a page to print: the words, a QR code of the code with the safe's id, and what to do with them. The code stands in
 * the file as comments too, so that a kit that was kept as a file opens the safe.
 */
import { encodeQR } from 'qr';
import { PdfPage } from '../pdf/page.ts';
import { pdfDocument } from '../pdf/document.ts';
import { kitPhrases } from './phrases.ts';

export type KitLanguage = 'en' | 'de';

export interface KitPage {
  /** The safe's name. */
  readonly label: string;
  readonly safeId: string;
  /** Short form of the root key. */
  readonly rootKey: string;
  readonly words: readonly string[];
  /** Groups of four characters, with hyphens. */
  readonly code: string;
  /** Shown as a date. */
  readonly createdMs: number;
  readonly language: KitLanguage;
}

const left = 56;
const right = 539;
const inner = right - left;
const commentMark = 'Twinvault kit: ';

export function kitPdf(kit: KitPage): Uint8Array {
  const words = kitPhrases[kit.language];
  const page = new PdfPage();
  let y = drawHead(page, kit);
  y = drawWords(page, kit, y);
  y = drawCode(page, kit, y);
  y = drawHowTo(page, kit.language, y);
  drawForHand(page, kit.language, y);
  return pdfDocument({
    title: `${words.title}: ${kit.label}`,
    language: kit.language,
    pages: [page],
    comments: [`${commentMark}Safe id: ${kit.safeId}`, `${commentMark}Code: ${kit.code}`],
  });
}

/** The text in a kit's PDF that the parser of kits reads; null for bytes that are no PDF of ours. */
export function kitPdfText(file: Uint8Array): string | null {
  const head = new TextDecoder().decode(file.subarray(0, 1024));
  if (!head.startsWith('%PDF-')) return null;
  const lines = head.split('\n').filter((line) => line.startsWith(`% ${commentMark}`));
  return lines.length === 0 ? null : lines.map((line) => line.slice(commentMark.length + 2)).join('\n');
}

function drawHead(page: PdfPage, kit: KitPage): number {
  const { title, subtitle, safe, safeId, rootKey, madeOn } = kitPhrases[kit.language];
  page.block({ x: 0, y: 0, width: page.width, height: 8 }, 0.12);
  page.text('TWINVAULT', { x: left, y: 50 }, { size: 9.5, font: 'bold', gray: 0.4 });
  page.text(title, { x: left, y: 79 }, { size: 25, font: 'bold' });
  page.text(subtitle, { x: left, y: 97 }, { size: page.fittingSize(subtitle, inner, 10.5), gray: 0.3 });
  const label = kit.label.replaceAll(/\p{Cc}/gu, ' ');
  const rows: [string, string, boolean][] = [
    [safe, label, true],
    [safeId, kit.safeId, false],
    [rootKey, kit.rootKey, false],
    [madeOn, new Date(kit.createdMs).toISOString().slice(0, 10), true],
  ];
  let y = 125;
  for (const [name, value, isText] of rows) {
    page.text(name, { x: left, y }, { size: 9.5, gray: 0.35 });
    const size = isText ? page.fittingSize(value, right - 160, 11) : 10.5;
    page.text(value, { x: 160, y }, { size, font: isText ? 'bold' : 'mono' });
    y += 17;
  }
  return y + 4;
}

function drawWords(page: PdfPage, kit: KitPage, top: number): number {
  const { wordsTitle, wordsHelp } = kitPhrases[kit.language];
  page.text(wordsTitle, { x: left, y: top + 14 }, { size: 12, font: 'bold' });
  const box = { x: left, y: top + 24, width: inner, height: 150 };
  page.block(box, 0.965);
  page.frame(box, { gray: 0.55 });
  const [columns, rows] = [4, Math.ceil(kit.words.length / 4)];
  for (const [index, word] of kit.words.entries()) {
    // Down the columns, as people read lists.
    const x = box.x + 14 + Math.floor(index / rows) * ((inner - 10) / columns);
    const y = box.y + 25 + (index % rows) * 21.9;
    page.text(String(index + 1).padStart(2), { x, y }, { size: 9, font: 'mono', gray: 0.45 });
    page.text(word, { x: x + 17, y }, { size: 14, font: 'mono-bold' });
  }
  return page.paragraph(wordsHelp, { x: left, y: box.y + box.height + 16, width: inner }, { size: 9, gray: 0.3 });
}

function drawCode(page: PdfPage, kit: KitPage, top: number): number {
  const { qrTitle, qrHelp, codeTitle, codeHelp } = kitPhrases[kit.language];
  const side = 138;
  const rows = encodeQR(`Twinvault kit\nSafe id: ${kit.safeId}\nCode: ${kit.code}`, 'raw', { ecc: 'medium', border: 1 });
  page.modules(rows, { x: left + 4, y: top + 14, width: side });
  const x = left + side + 30;
  const width = right - x;
  page.text(qrTitle, { x, y: top + 24 }, { size: 12, font: 'bold' });
  let y = page.paragraph(qrHelp, { x, y: top + 40, width }, { size: 9.5 });
  page.text(codeTitle, { x, y: y + 13 }, { size: 12, font: 'bold' });
  y += 32;
  const groups = kit.code.split('-');
  for (const line of [groups.slice(0, 7), groups.slice(7)]) {
    page.text(line.join('-'), { x, y }, { size: 12, font: 'mono-bold' });
    y += 17;
  }
  page.paragraph(codeHelp, { x, y: y + 1, width }, { size: 9, gray: 0.3 });
  return top + side + 26;
}

function drawHowTo(page: PdfPage, language: KitLanguage, top: number): number {
  const { warning, steps, stepsTitle } = kitPhrases[language];
  const box = { x: left, y: top, width: inner, height: 58 };
  page.frame(box, { lineWidth: 1.4 });
  page.paragraph(warning, { x: left + 12, y: top + 20, width: inner - 24 }, { size: 10.5, font: 'bold' });
  page.text(stepsTitle, { x: left, y: top + 82 }, { size: 12, font: 'bold' });
  let y = top + 99;
  for (const [index, { text, command }] of steps.entries()) {
    page.text(`${index + 1}.`, { x: left, y }, { size: 10 });
    y = page.paragraph(text, { x: left + 16, y, width: inner - 16 }, { size: 10 });
    if (command !== null) {
      page.text(command, { x: left + 16, y }, { size: 8, font: 'mono' });
      y += 13.5;
    }
  }
  return y;
}

function drawForHand(page: PdfPage, language: KitLanguage, top: number): void {
  let y = Math.max(top + 14, page.height - 84);
  for (const name of kitPhrases[language].byHand) {
    page.text(name, { x: left, y }, { size: 9, gray: 0.35 });
    page.line({ x: 190, y: y + 2 }, right, { gray: 0.6 });
    y += 22;
  }
}
