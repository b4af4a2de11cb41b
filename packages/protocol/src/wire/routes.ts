/*
 * Every request of the protocol by name: docs/protocol/README.md, Resources. Client and server both read this table, so a path, a verb or a limit of a
 * body stands once. Paths are below `<base>/v1`; a part in braces is one parameter.
 */

import { jsonRequestBytesMax, newSafeBytesMax, packUploadBytesMax, recordBytesMax, slotsBytesMax } from '../limits.ts';
import { eraseOrderBytesMax, ledgerEntryBytesMax } from '@twinvault/format';
import type { Verb } from './capability.ts';

export interface Route {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  /** Null: no capability is needed; 'any': one with whichever verb. */
  readonly verb: Verb | 'any' | null;
  /** What a body may have at most; 0 where there is none. */
  readonly bodyBytesMax: number;
}

export type RouteName =
  | 'site'
  | 'safes'
  | 'createSafe'
  | 'descriptor'
  | 'slots'
  | 'replaceSlots'
  | 'ledger'
  | 'appendLedger'
  | 'erases'
  | 'orderErase'
  | 'cancelErase'
  | 'records'
  | 'record'
  | 'feed'
  | 'object'
  | 'openSession'
  | 'renewSession'
  | 'closeSession'
  | 'live'
  | 'hasPack'
  | 'putPack'
  | 'commit'
  | 'openReading'
  | 'renewReading'
  | 'closeReading'
  | 'packSize'
  | 'pack'
  | 'ranges'
  | 'holders'
  | 'suspects'
  | 'clean'
  | 'check'
  | 'rebuild'
  | 'task'
  | 'assignCustomer'
  | 'twins'
  | 'metering';

const safe = '/safes/{safe}';
const session = `${safe}/sessions/{session}`;
const reading = `${safe}/readings/{reading}`;

export const routes: Readonly<Record<RouteName, Route>> = {
  site: { method: 'GET', path: '/site', verb: null, bodyBytesMax: 0 },
  safes: { method: 'GET', path: '/safes', verb: 'any', bodyBytesMax: 0 },
  createSafe: { method: 'PUT', path: safe, verb: 'create', bodyBytesMax: newSafeBytesMax },
  descriptor: { method: 'GET', path: `${safe}/descriptor`, verb: 'read', bodyBytesMax: 0 },
  slots: { method: 'GET', path: `${safe}/slots`, verb: 'read', bodyBytesMax: 0 },
  replaceSlots: { method: 'PUT', path: `${safe}/slots`, verb: 'write', bodyBytesMax: ledgerEntryBytesMax + 4 + slotsBytesMax },
  ledger: { method: 'GET', path: `${safe}/ledger`, verb: 'read', bodyBytesMax: 0 },
  appendLedger: { method: 'POST', path: `${safe}/ledger`, verb: 'write', bodyBytesMax: ledgerEntryBytesMax },
  erases: { method: 'GET', path: `${safe}/erases`, verb: 'read', bodyBytesMax: 0 },
  orderErase: {
    method: 'PUT',
    path: `${safe}/erases`,
    verb: 'operate',
    bodyBytesMax: ledgerEntryBytesMax + eraseOrderBytesMax + 8,
  },
  cancelErase: { method: 'POST', path: `${safe}/erases/cancel`, verb: 'operate', bodyBytesMax: eraseOrderBytesMax },
  records: { method: 'GET', path: `${safe}/records`, verb: 'read', bodyBytesMax: 0 },
  record: { method: 'GET', path: `${safe}/records/{digest}`, verb: 'read', bodyBytesMax: 0 },
  feed: { method: 'GET', path: `${safe}/feed`, verb: 'read', bodyBytesMax: 0 },
  object: { method: 'GET', path: `${safe}/objects/{kind}/{name}`, verb: 'follow', bodyBytesMax: 0 },
  openSession: { method: 'PUT', path: session, verb: 'write', bodyBytesMax: jsonRequestBytesMax },
  renewSession: { method: 'POST', path: `${session}/renew`, verb: 'write', bodyBytesMax: 0 },
  closeSession: { method: 'DELETE', path: session, verb: 'write', bodyBytesMax: 0 },
  live: { method: 'GET', path: `${session}/live`, verb: 'write', bodyBytesMax: 0 },
  hasPack: { method: 'HEAD', path: `${session}/packs/{name}`, verb: 'write', bodyBytesMax: 0 },
  putPack: { method: 'PUT', path: `${session}/packs/{name}`, verb: 'write', bodyBytesMax: packUploadBytesMax },
  commit: { method: 'POST', path: `${session}/records`, verb: 'write', bodyBytesMax: recordBytesMax },
  openReading: { method: 'PUT', path: reading, verb: 'read', bodyBytesMax: 0 },
  renewReading: { method: 'POST', path: `${reading}/renew`, verb: 'read', bodyBytesMax: 0 },
  closeReading: { method: 'DELETE', path: reading, verb: 'read', bodyBytesMax: 0 },
  packSize: { method: 'HEAD', path: `${reading}/packs/{name}`, verb: 'read', bodyBytesMax: 0 },
  pack: { method: 'GET', path: `${reading}/packs/{name}`, verb: 'read', bodyBytesMax: 0 },
  ranges: { method: 'POST', path: `${reading}/ranges`, verb: 'read', bodyBytesMax: 1024 * 1024 },
  suspects: { method: 'POST', path: `${reading}/suspects`, verb: 'read', bodyBytesMax: jsonRequestBytesMax },
  holders: { method: 'POST', path: `${reading}/holders`, verb: 'read', bodyBytesMax: 1024 * 1024 },
  clean: { method: 'POST', path: `${safe}/clean`, verb: 'operate', bodyBytesMax: jsonRequestBytesMax },
  check: { method: 'POST', path: `${safe}/check`, verb: 'operate', bodyBytesMax: jsonRequestBytesMax },
  rebuild: { method: 'POST', path: '/rebuild', verb: 'operate', bodyBytesMax: jsonRequestBytesMax },
  task: { method: 'GET', path: '/tasks/{task}', verb: 'operate', bodyBytesMax: 0 },
  assignCustomer: { method: 'PUT', path: `${safe}/customer`, verb: 'operate', bodyBytesMax: jsonRequestBytesMax },
  twins: { method: 'GET', path: '/twins', verb: 'operate', bodyBytesMax: 0 },
  metering: { method: 'GET', path: '/metering', verb: 'operate', bodyBytesMax: 0 },
};

/** Types of bodies. */
export const mediaTypes = {
  json: 'application/json',
  object: 'application/octet-stream',
  frames: 'application/vnd.twinvault.frames',
  problem: 'application/problem+json',
} as const;

/** Answer header of a page of the live list: `after` of the next one; left out on the last. */
export const nextHeader = 'twinvault-next';

/** The path of a request below `<base>/v1`. Parameters are hexadecimal digits or a kind of object; what else stands in the query is escaped. */
export function routePath(name: RouteName, parameters: Readonly<Record<string, string>> = {}, query: Query = {}): string {
  const path = routes[name].path.replace(/\{(\w+)\}/gu, (_, key: string) => encodeURIComponent(parameters[key] ?? ''));
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  const text = pairs.map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`).join('&');
  return text === '' ? path : `${path}?${text}`;
}

export type Query = Readonly<Record<string, string | number | undefined>>;
