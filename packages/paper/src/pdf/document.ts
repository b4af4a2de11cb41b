/*
 * A PDF file (ISO 32000-1, version 1.4) of plain pages. Everything in it is text: nothing is compressed, no font is embedded, and nothing
 * depends on time or chance, so that what is printed can be looked through with any editor.
 *
 *   header and comments | catalog, pages, fonts, info | for each page its object and content | xref | trailer
 */
import { utf8Encode } from '@twinvault/std';
import type { PdfPage } from './page.ts';

export interface PdfDocument {
  readonly title: string;
  /** RFC 3066, such as "en". */
  readonly language: string;
  readonly pages: readonly PdfPage[];
  /** Lines of ASCII that programs may read out of the file, below its header. */
  readonly comments?: readonly string[];
}

const fonts = [
  ['text', 'Helvetica'],
  ['bold', 'Helvetica-Bold'],
  ['mono', 'Courier'],
  ['mono-bold', 'Courier-Bold'],
] as const;

/** Objects before the first page: catalog, page tree, info, fonts. */
const firstPageObject = 4 + fonts.length;

export function pdfDocument({ title, language, pages, comments = [] }: PdfDocument): Uint8Array {
  const pageObjects = pages.map((_, index) => firstPageObject + 2 * index);
  const kids = pageObjects.map((object) => `${object} 0 R`).join(' ');
  const fontObjects = fonts.map(([name], index) => `/${name} ${4 + index} 0 R`).join(' ');
  const objects = [
    `<< /Type /Catalog /Pages 2 0 R /Lang (${language}) /ViewerPreferences << /DisplayDocTitle true >> >>`,
    `<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`,
    `<< /Title <${utf16Hex(title)}> /Producer (Twinvault) >>`,
    ...fonts.map(([, font]) => `<< /Type /Font /Subtype /Type1 /BaseFont /${font} /Encoding /WinAnsiEncoding >>`),
    ...pages.flatMap((page, index) => {
      const box = `[0 0 ${page.width} ${page.height}]`;
      const resources = `<< /Font << ${fontObjects} >> >>`;
      const content = (pageObjects[index] ?? 0) + 1;
      return [
        `<< /Type /Page /Parent 2 0 R /MediaBox ${box} /Resources ${resources} /Contents ${content} 0 R >>`,
        `<< /Length ${page.content.length} >>\nstream\n${page.content}\nendstream`,
      ];
    }),
  ];
  return utf8Encode(assemble(objects, comments));
}

/** All ASCII, so that a character is a byte. */
function assemble(objects: readonly string[], comments: readonly string[]): string {
  let file = `%PDF-1.4\n${comments.map((line) => `% ${line}\n`).join('')}`;
  const offsets: number[] = [];
  for (const [index, body] of objects.entries()) {
    offsets.push(file.length);
    file += `${index + 1} 0 obj\n${body}\nendobj\n`;
  }
  const entries = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const xref = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${entries}`;
  return `${file}${xref}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R /Info 3 0 R >>\nstartxref\n${file.length}\n%%EOF\n`;
}

/** UTF-16, big endian, with its mark. */
function utf16Hex(text: string): string {
  return `FEFF${Array.from({ length: text.length }, (_, index) => text.charCodeAt(index).toString(16).padStart(4, '0')).join('')}`;
}
