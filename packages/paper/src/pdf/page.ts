/*
 * One page of a PDF: text in the standard fonts, lines and filled rectangles. Points (1/72 inch), from the upper left corner, as people
 * read; PDF itself counts from the lower left.
 */
import { helveticaWidth, winAnsiBytes } from './win-ansi.ts';

/** Names in the page's resources: document.ts defines them. */
export type PdfFont = 'text' | 'bold' | 'mono' | 'mono-bold';

export interface TextStyle {
  readonly size: number;
  /** Default: text. */
  readonly font?: PdfFont;
  /** 0 (black, the default) to 1. */
  readonly gray?: number;
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface LineStyle {
  readonly lineWidth?: number;
  readonly gray?: number;
}

/** Helvetica-Bold is a little wider than what is measured. */
const boldFactor = 1.07;

export class PdfPage {
  readonly width: number;
  readonly height: number;
  readonly #operators: string[] = [];

  /** A4 unless said otherwise. */
  constructor(size: { readonly width: number; readonly height: number } = { width: 595.28, height: 841.89 }) {
    this.width = size.width;
    this.height = size.height;
  }

  /** `y`: of the base line. */
  text(text: string, at: { readonly x: number; readonly y: number }, { size, font = 'text', gray = 0 }: TextStyle): void {
    const hex = winAnsiBytes(text)
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join('');
    const place = `1 0 0 1 ${number(at.x)} ${number(this.height - at.y)} Tm`;
    this.#operators.push(`BT /${font} ${number(size)} Tf ${number(gray)} g ${place} <${hex}> Tj ET`);
  }

  /** Breaks at spaces. Gives the base line of the line after the last one. */
  paragraph(text: string, at: { readonly x: number; readonly y: number; readonly width: number }, style: TextStyle): number {
    let y = at.y;
    for (const line of brokenLines(text, at.width, style)) {
      this.text(line, { x: at.x, y }, style);
      y += style.size * 1.42;
    }
    return y;
  }

  /** The size at which the text fits into the width: at most the one given. */
  fittingSize(text: string, width: number, size: number): number {
    return Math.min(size, (width / Math.max(1, helveticaWidth(text, size) * boldFactor)) * size);
  }

  block({ x, y, width, height }: Box, gray = 0): void {
    const corner = `${number(x)} ${number(this.height - y - height)}`;
    this.#operators.push(`${number(gray)} g ${corner} ${number(width)} ${number(height)} re f`);
  }

  frame({ x, y, width, height }: Box, { lineWidth = 0.8, gray = 0 }: LineStyle = {}): void {
    const corner = `${number(x)} ${number(this.height - y - height)}`;
    this.#operators.push(`${number(lineWidth)} w ${number(gray)} G ${corner} ${number(width)} ${number(height)} re S`);
  }

  line(from: { readonly x: number; readonly y: number }, toX: number, { lineWidth = 0.6, gray = 0 }: LineStyle = {}): void {
    const y = number(this.height - from.y);
    this.#operators.push(`${number(lineWidth)} w ${number(gray)} G ${number(from.x)} ${y} m ${number(toX)} ${y} l S`);
  }

  /** Dark modules as filled squares, runs of a row as one rectangle. */
  modules(rows: readonly (readonly boolean[])[], { x, y, width }: Omit<Box, 'height'>): void {
    const side = width / Math.max(1, rows.length);
    for (const [row, cells] of rows.entries()) {
      for (let start = 0; start < cells.length; start += 1) {
        if (cells[start] !== true) continue;
        let end = start;
        while (cells[end] === true) end += 1;
        this.block({ x: x + start * side, y: y + row * side, width: (end - start) * side, height: side });
        start = end;
      }
    }
  }

  /** The content stream. */
  get content(): string {
    return this.#operators.join('\n');
  }
}

function brokenLines(text: string, width: number, { size, font }: TextStyle): string[] {
  const factor = font === 'bold' ? boldFactor : 1;
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && helveticaWidth(longer, size) * factor > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return line === '' ? lines : [...lines, line];
}

function number(value: number): string {
  return String(Math.round(value * 1000) / 1000);
}
