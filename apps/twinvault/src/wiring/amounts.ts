/** Sizes and times as people type them. */
import { UsageError } from '../errors/usage-error.ts';

const sizePattern = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/iu;
const powers = ['', 'k', 'm', 'g', 't'];

/** `10M`, `1.5 GiB`, `4096`: bytes; k, M, G and T are powers of 1024. */
export function parseSize(text: string, option: string): number {
  const [, number, unit = ''] = sizePattern.exec(text.trim()) ?? [];
  const bytes = Number(number) * 1024 ** powers.indexOf(unit.toLowerCase());
  if (Number.isSafeInteger(Math.round(bytes))) return Math.round(bytes);
  throw new UsageError(`${option} takes a size such as 500k, 10M or 1.5G, and not "${text}".`);
}

const agePattern = /^(\d+)\s*([hdwmy])$/u;
const ageHours = { h: 1, d: 24, w: 7 * 24, m: 30 * 24, y: 365 * 24 } as const;
const datePattern = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}))?)?$/u;

/** `2026-11-22`, `2026-11-22 06:15` in the computer's own time zone, or an age such as 12h, 7d, 3w, 6m, 1y: ms since 1970. */
export function parseTime(text: string, option: string, nowMs: number): number {
  const [, amount, unit] = agePattern.exec(text.trim()) ?? [];
  if (unit !== undefined) return nowMs - Number(amount) * ageHours[unit as keyof typeof ageHours] * 3_600_000;
  const [, ...parts] = datePattern.exec(text.trim()) ?? [];
  const [year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0] = parts.map((part) => Number(part ?? 0));
  const date = new Date(year, month - 1, day, hours, minutes, seconds);
  const isReal =
    date.getFullYear() === year && date.getMonth() === month - 1 && date.getDate() === day && hours < 24 && minutes < 60;
  if (year > 0 && isReal) return date.getTime();
  throw new UsageError(
    `${option} takes a day such as 2026-11-22, a time such as "2026-11-22 06:15", or an age such as 12h, 7d, 3w or 1y, and not "${text}".`,
  );
}
