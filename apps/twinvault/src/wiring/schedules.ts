/** Rhythms of safesets that are to come: as given on the command line, or as they came so far. */
import { dayMs, hourMs } from '@twinvault/std';
import type { RetentionItem, ScheduledRuns } from '@twinvault/vault';
import { UsageError } from '../errors/usage-error.ts';

export interface Rhythm {
  readonly job: string;
  readonly type: string;
  /** As people say it. */
  readonly text: string;
  readonly next: (ms: number) => number;
}

/** A schedule finer than this is not simulated: a year of it has more safesets than anybody keeps. */
const stepMsMin: number = hourMs;
/** From fewer safesets no rhythm is learnt. */
const learntMin = 3;

const named: ReadonlyMap<string, (ms: number) => number> = new Map([
  ['hourly', (ms: number) => ms + hourMs],
  ['daily', (ms: number) => ms + dayMs],
  ['weekly', (ms: number) => ms + 7 * dayMs],
  ['monthly', (ms: number) => monthsLater(ms, 1)],
  ['yearly', (ms: number) => monthsLater(ms, 12)],
]);

/** TYPE=RHYTHM: hourly, daily, weekly, monthly, yearly, or a number with h or d. */
export function rhythmOf(text: string): Omit<Rhythm, 'job'> {
  const [, type, rhythm] = /^([^=]+)=([a-z0-9]+)$/u.exec(text) ?? [];
  const byName = rhythm === undefined ? undefined : named.get(rhythm);
  if (type !== undefined && rhythm !== undefined && byName !== undefined) return { type, text: rhythm, next: byName };
  const [, count, unit] = /^([1-9]\d{0,3})([hd])$/u.exec(rhythm ?? '') ?? [];
  if (type === undefined || count === undefined) {
    throw new UsageError(
      `--every ${text} is not of the form TYPE=RHYTHM, for example daily=daily or hourly=4h. A rhythm is hourly, daily, weekly, monthly, yearly, or a number of hours (4h) or days (10d).`,
    );
  }
  const stepMs = Number(count) * (unit === 'h' ? hourMs : dayMs);
  return { type, text: `every ${count} ${unit === 'h' ? 'hours' : 'days'}`, next: (ms) => ms + stepMs };
}

/** The usual time between two safesets of a job and type, where there are enough of them: the median. */
export function learntRhythms(items: readonly RetentionItem[]): Rhythm[] {
  const groups = new Map<string, RetentionItem[]>();
  for (const item of items) {
    const key = `${item.job}\n${item.type}`;
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return [...groups.values()].flatMap((group): Rhythm[] => {
    const times = group.map(({ receivedMs }) => receivedMs).sort((a, b) => a - b);
    const steps = times.slice(1).map((ms, index) => ms - (times[index] ?? ms));
    const median = steps.sort((a, b) => a - b)[Math.floor(steps.length / 2)];
    const [first] = group;
    if (median === undefined || first === undefined || group.length < learntMin) return [];
    const stepMs = Math.max(stepMsMin, median);
    const { job, type } = first;
    return [{ job, type, text: `about every ${stepText(stepMs)}`, next: (ms) => ms + stepMs }];
  });
}

/** From the last one that came, or from now; none before now. */
export function runsOf(
  rhythm: Rhythm,
  items: readonly RetentionItem[],
  span: { fromMs: number; untilMs: number },
): ScheduledRuns {
  const { job, type, next } = rhythm;
  const own = items.filter((item) => item.job === job && item.type === type);
  let ms = own.length === 0 ? span.fromMs : next(Math.max(...own.map(({ receivedMs }) => receivedMs)));
  const timesMs: number[] = [];
  for (ms = Math.max(ms, span.fromMs); ms <= span.untilMs; ms = next(ms)) timesMs.push(ms);
  return { job, type, timesMs };
}

function stepText(ms: number): string {
  const [count, unit] = ms >= 2 * dayMs ? [ms / dayMs, 'days'] : [ms / hourMs, 'hours'];
  const rounded = Number(count.toFixed(count < 10 ? 1 : 0));
  return rounded === 1 ? unit.slice(0, -1) : `${rounded} ${unit}`;
}

/** The same day of a later month, or its last day. */
function monthsLater(ms: number, months: number): number {
  const date = new Date(ms);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + months);
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(day, last));
  return date.getTime();
}
