/** Plain columns for people: no frames, numbers to the right. */
import { utf8Decode } from '@twinvault/std';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/** The heading, then a line per row; columns are two spaces apart. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const widths = columns.map((column, index) => Math.max(column.title.length, ...rows.map((row) => (row[index] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    columns
      .map((column, index) => {
        const cell = cells[index] ?? '';
        const width = widths[index] ?? 0;
        return column.align === 'right' ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [line(columns.map((column) => column.title)), ...rows.map(line)];
}

/** `2026-11-22 06:15:00` in the computer's own time zone. */
export function formatTime(ms: number): string {
  const options = {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  } as const;
  const parts = new Map(new Intl.DateTimeFormat('en-US', options).formatToParts(ms).map((part) => [part.type, part.value]));
  const get = (name: Intl.DateTimeFormatPartTypes): string => parts.get(name) ?? '';
  return `${get('year')}-${get('month')}-${get('day')} ${get('hour')}:${get('minute')}:${get('second')}`;
}

/** 1234567 as 1,234,567. Not by `toLocaleString`, whose tables take 15 ms to load. */
export function formatCount(count: number): string {
  return String(count).replaceAll(/\B(?=(?:\d{3})+$)/gu, ',');
}

const encoder = new TextEncoder();
/** Control and format characters: they could redraw or reorder what a terminal shows. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Names are bytes: what is not printable UTF-8 is shown as \xNN, a backslash as \\, so that a name cannot play tricks on a terminal. */
export function printableName(bytes: Uint8Array): string {
  const text = utf8Decode(bytes);
  if (text === null) return escaped(bytes);
  return text.replaceAll('\\', '\\\\').replaceAll(unprintable, (character) => escaped(encoder.encode(character)));
}

function escaped(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) =>
    byte >= 0x20 && byte < 0x7f && byte !== 0x5c ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`,
  ).join('');
}
