/* What handlers share: the caller, ids of the path, JSON of bodies and queries, and answers. */

import type { Static, TSchema } from 'typebox';
import { Check, Convert } from 'typebox/value';
import { safeIdFromHex } from '@twinvault/format';
import type { SafeId } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { checkJson } from '@twinvault/protocol/wire';
import type { Capability } from '@twinvault/protocol/wire';
import { assert, utf8Decode } from '@twinvault/std';
import type { SiteSafe } from '../../site-safe.ts';
import type { SiteVault } from '../../site-vault.ts';
import type { Answer, Call, Request } from '../http/call.ts';
import type { Announcements } from '../keepers/announcements.ts';

export interface HandlerParts {
  readonly vault: SiteVault;
  readonly announcements: Announcements;
}

/** Of a route that needs a capability. */
export function callerOf({ caller }: Request): Capability {
  assert(caller !== null, 'a route without a capability asks who calls');
  return caller;
}

/** Of a route that names it. */
export function parameterOf({ parameters }: Request, name: string): string {
  const value = parameters[name];
  assert(value !== undefined, 'a route asks for a parameter that its path does not have');
  return value;
}

export function safeOf(call: Call): SafeId {
  return safeIdFromHex(parameterOf(call, 'safe'));
}

/** The safe of the path; `safe-unknown`. */
export function openSafeOf(vault: SiteVault, call: Call): Promise<SiteSafe> {
  return vault.openSafe(safeOf(call));
}

/** `request-invalid`. */
export function jsonOf<Schema extends TSchema>(schema: Schema, { body }: Call): Static<Schema> {
  return checkJson(schema, utf8Decode(body) ?? '', 'request-invalid');
}

/** The query as its schema has it, numbers from their digits; `request-invalid`. */
export function queryOf<Schema extends TSchema>(schema: Schema, { query }: Call): Static<Schema> {
  const value = Convert(schema, { ...query });
  if (!Check(schema, value)) throw new ProtocolError('request-invalid', { context: { defect: 'query' } });
  return value;
}

export function json(value: object, status: number = 200): Answer {
  return { type: 'json', status, value };
}

export const done: Answer = { type: 'none', status: 204 };

/** Null when the body throws this code. */
export async function nullAt<T>(code: ProtocolError['code'], body: () => Promise<T>): Promise<T | null> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof ProtocolError && error.code === code) return null;
    throw error;
  }
}
