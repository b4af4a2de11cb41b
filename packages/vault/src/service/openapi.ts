/*
 * How a site describes itself: OpenAPI 3.1 made of the protocol's table of routes and of the schemas that check each request and that clients check answers
 * by. What schemas cannot say is in docs/protocol.
 */

import type { TSchema } from 'typebox';
import { protocolVersion } from '@twinvault/protocol';
import {
  checkBody,
  cleanBody,
  customerBody,
  erasesAnswer,
  feedAnswer,
  feedQuery,
  holdersAnswer,
  holdersBody,
  leaseAnswer,
  ledgerQuery,
  liveQuery,
  mediaTypes,
  meteringAnswer,
  meteringQuery,
  objectQuery,
  problemJson,
  rangesBody,
  suspectsBody,
  rebuildBody,
  recordsAnswer,
  recordsQuery,
  routes,
  safesAnswer,
  sessionAnswer,
  sessionBody,
  siteAnswer,
  taskAnswer,
  taskStarted,
  twinsAnswer,
} from '@twinvault/protocol/wire';
import type { Route, RouteName } from '@twinvault/protocol/wire';

/** 'object': one stored object; 'frames': several; 'none': no body. */
type Body = TSchema | 'object' | 'frames' | 'none';

interface Described {
  readonly summary: string;
  readonly query?: TSchema;
  readonly body?: Body;
  /** By status. */
  readonly answers: Readonly<Record<number, Body>>;
}

const described: Readonly<Record<RouteName, Described>> = {
  site: { summary: 'What the site is, and its limits', answers: { 200: siteAnswer } },
  safes: { summary: 'The safes that the capability names', answers: { 200: safesAnswer } },
  createSafe: { summary: 'Makes a safe', body: 'frames', answers: { 200: 'none', 201: 'none' } },
  descriptor: { summary: 'The descriptor of a safe', answers: { 200: 'object' } },
  slots: { summary: 'The key slots of a safe', answers: { 200: 'frames' } },
  replaceSlots: { summary: 'Puts other key slots in place of those there', body: 'frames', answers: { 204: 'none' } },
  ledger: { summary: 'Entries of the ledger from a number on', query: ledgerQuery, answers: { 200: 'frames' } },
  appendLedger: { summary: 'Appends an entry to the ledger', body: 'object', answers: { 204: 'none' } },
  erases: { summary: 'Erase orders, and what the site signed about them', answers: { 200: erasesAnswer } },
  orderErase: { summary: 'Puts an erase order, and the ledger entry that names it', body: 'frames', answers: { 204: 'none' } },
  cancelErase: { summary: 'Takes an erase order back', body: 'object', answers: { 204: 'none' } },
  records: { summary: 'Committed records, oldest receipt first', query: recordsQuery, answers: { 200: recordsAnswer } },
  record: { summary: 'A record', answers: { 200: 'object' } },
  feed: { summary: 'What became durable, in order', query: feedQuery, answers: { 200: feedAnswer } },
  object: { summary: 'An object of the feed', query: objectQuery, answers: { 200: 'object' } },
  openSession: { summary: 'Opens a session, or finds the one of this id', body: sessionBody, answers: { 200: sessionAnswer } },
  renewSession: { summary: 'Keeps a session open', answers: { 204: 'none' } },
  closeSession: { summary: 'Ends a session', answers: { 204: 'none' } },
  live: { summary: 'A page of what may be referred to', query: liveQuery, answers: { 200: 'frames' } },
  hasPack: { summary: 'Whether a pack is there', answers: { 200: 'none', 404: 'none' } },
  putPack: {
    summary: 'Stores a pack: its tail, and what stands before it',
    body: 'frames',
    answers: { 200: 'none', 201: 'none' },
  },
  commit: { summary: 'Commits a record', body: 'object', answers: { 200: 'object' } },
  openReading: { summary: 'Opens a reading, or finds the one of this id', answers: { 200: leaseAnswer } },
  renewReading: { summary: 'Keeps a reading open', answers: { 204: 'none' } },
  closeReading: { summary: 'Ends a reading', answers: { 204: 'none' } },
  packSize: { summary: 'The size of a pack', answers: { 200: 'none', 404: 'none' } },
  pack: { summary: 'A pack, or one range of it', answers: { 200: 'object', 206: 'object' } },
  ranges: { summary: 'Ranges of packs', body: rangesBody, answers: { 200: 'frames' } },
  holders: { summary: 'Which packs hold the rows of others', body: holdersBody, answers: { 200: holdersAnswer } },
  suspects: { summary: 'Says that bytes of packs were not what they should be', body: suspectsBody, answers: { 204: 'none' } },
  clean: { summary: 'Starts a clean-up of a safe', body: cleanBody, answers: { 202: taskStarted } },
  check: { summary: 'Starts a check of a safe', body: checkBody, answers: { 202: taskStarted } },
  rebuild: { summary: 'Starts making all caches of the site anew', body: rebuildBody, answers: { 202: taskStarted } },
  task: { summary: 'How far a task is', answers: { 200: taskAnswer } },
  assignCustomer: { summary: 'Says whose share of the site a safe uses', body: customerBody, answers: { 204: 'none' } },
  twins: { summary: 'How far the twins were taken in', answers: { 200: twinsAnswer } },
  metering: { summary: 'What was used, by safe, job and day', query: meteringQuery, answers: { 200: meteringAnswer } },
};

/** `base`: path of the site's address, '' or `/a`. */
export function openApi(base: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const [name, route] of Object.entries(routes)) {
    const at = (paths[route.path] ??= {});
    at[route.method.toLowerCase()] = operationOf(name as RouteName, route);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Twinvault site', version: `v${protocolVersion}` },
    servers: [{ url: `${base}/v1` }],
    components: { securitySchemes: { capability: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
    paths,
  };
}

function operationOf(name: RouteName, { path, verb }: Route): object {
  const { summary, query, body = 'none', answers } = described[name];
  const refusal = { description: 'A refusal', content: { [mediaTypes.problem]: { schema: problemJson } } };
  const told = Object.entries(answers).map(([status, answer]) => [status, { description: summary, ...contentOf(answer) }]);
  return {
    operationId: name,
    summary,
    security: verb === null ? [] : [{ capability: verb === 'any' ? [] : [verb] }],
    parameters: [...pathParameters(path), ...queryParameters(query)],
    ...(body === 'none' ? {} : { requestBody: { required: true, ...contentOf(body) } }),
    responses: { ...Object.fromEntries(told), default: refusal },
  };
}

function contentOf(body: Body): object {
  if (body === 'none') return {};
  if (body === 'object') return { content: { [mediaTypes.object]: {} } };
  if (body === 'frames') return { content: { [mediaTypes.frames]: {} } };
  return { content: { [mediaTypes.json]: { schema: body } } };
}

function pathParameters(path: string): object[] {
  return Array.from(path.matchAll(/\{(\w+)\}/gu), ([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', pattern: name === 'kind' ? '^[a-z]+$' : '^[0-9a-f]+$' },
  }));
}

function queryParameters(query: TSchema | undefined): object[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = query as { properties?: Record<string, TSchema>; required?: readonly string[] };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}
