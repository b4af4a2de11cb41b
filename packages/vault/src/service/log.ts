/*
 * What a site writes down: one JSON object a line. Ids, sizes, counts, codes and times; never a capability, a key, a name or a path of a user. What may
 * be said of a request is put together in one place, request-log.ts.
 */

import { pino } from 'pino';
import type { Clock } from '@twinvault/std';
import type { LogLevel } from './config/config-file.ts';

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

export interface LogOptions {
  readonly level: LogLevel;
  readonly clock: Clock;
  /** Takes one line with its end. */
  readonly write: (line: string) => void;
}

export function makeLog({ level, clock, write }: LogOptions): Log {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date(clock.nowMs()).toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, { write });
}
