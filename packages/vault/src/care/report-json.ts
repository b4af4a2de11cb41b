/* Reports of features as JSON: digests as hexadecimal, and long lists cut, since a report is a row of the database. */

import { reportRowsMax } from '@twinvault/protocol';
import { toHex } from '@twinvault/std';
import type { Json } from '../database/tasks.ts';

const depthMax = 8;

/** Of a list that is cut, what is left out is counted beside it as `…LeftOut`. Whatever JSON has no word for (functions, undefined) is left out. */
export function reportJson(value: unknown, depth: number = 0): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return toHex(value);
  if (typeof value !== 'object' || depth >= depthMax) return null;
  if (Array.isArray(value)) return value.slice(0, reportRowsMax).map((row: unknown) => reportJson(row, depth + 1));
  const entries = value instanceof Map ? [...(value as Map<unknown, unknown>)] : Object.entries(value);
  return Object.fromEntries(entries.flatMap(([key, inner]) => fieldsOf(String(key), inner, depth)));
}

function fieldsOf(key: string, inner: unknown, depth: number): [string, Json][] {
  if (inner === undefined || typeof inner === 'function') return [];
  const field: [string, Json] = [key, reportJson(inner, depth + 1)];
  if (!Array.isArray(inner) || inner.length <= reportRowsMax) return [field];
  return [field, [`${key}LeftOut`, inner.length - reportRowsMax]];
}
