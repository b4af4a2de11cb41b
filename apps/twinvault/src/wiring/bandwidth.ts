/** Limits of bandwidth as people write them: `500k`, or `2M@08:00-18:00` for a part of each day. */
import type { BandwidthWindow } from '@twinvault/protocol/wire';
import { UsageError } from '../errors/usage-error.ts';
import { parseSize } from './amounts.ts';

const windowPattern = /^(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})$/u;

/** In the order given, several in one text with spaces between them: the first that holds the time counts. */
export function parseBandwidth(texts: readonly string[], option: string): BandwidthWindow[] {
  const all = texts.flatMap((text) => text.split(/\s+/u).filter((part) => part !== ''));
  return all.map((text) => {
    const [size = '', time, ...rest] = text.split('@');
    const bytesPerSecond = parseSize(size, option);
    if (bytesPerSecond < 1 || rest.length > 0) throw wrong(text, option);
    if (time === undefined) return { bytesPerSecond, fromMinute: 0, toMinute: 0 };
    const match = windowPattern.exec(time);
    if (match === null) throw wrong(text, option);
    const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = match.slice(1).map(Number);
    if (fromHour > 24 || toHour > 24 || fromMinute > 59 || toMinute > 59) throw wrong(text, option);
    return { bytesPerSecond, fromMinute: (60 * fromHour + fromMinute) % 1440, toMinute: (60 * toHour + toMinute) % 1440 };
  });
}

function wrong(text: string, option: string): UsageError {
  return new UsageError(
    `${option} takes bytes per second, such as 500k or 2M, for a part of the day as in 2M@08:00-18:00, and not "${text}".`,
  );
}
