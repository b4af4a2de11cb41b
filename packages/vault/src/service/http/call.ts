/*
 * What the rules of the service see of a request, and what they answer: no HTTP library, so that a handler is a function of its input.
 */

import type { Capability } from '@twinvault/protocol/wire';
import type { ArrivingBody } from './arriving-body.ts';

export interface Request {
  /** Parameters of the path: lower-case hexadecimal digits of the length that their kind has. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Of the query, undecoded by any schema. */
  readonly query: Readonly<Record<string, string>>;
  readonly range: string | null;
  /** Null on the routes that need no capability. */
  readonly caller: Capability | null;
  /** Waits for room for an answer of so many bytes, in turn of the customers; the room of the body, which is not used any more, is given back first. */
  reserve(bytes: number): Promise<void>;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

export interface Call extends Request {
  /** Empty where there is none. The handler may keep it. */
  readonly body: Uint8Array;
}

export interface ArrivingCall extends Request {
  /** Of which nothing was read. Its length is within the route's limit, and there is room for it until the handler has settled. */
  readonly arriving: ArrivingBody;
}

export type Answer =
  | { readonly type: 'json'; readonly status?: number; readonly value: object }
  | { readonly type: 'object' | 'frames'; readonly status?: number; readonly body: Uint8Array; readonly headers?: Headers }
  | { readonly type: 'none'; readonly status: number; readonly headers?: Headers };

type Headers = Readonly<Record<string, string>>;

/** Of a request whose body is here, or of one whose body the handler reads as it comes. */
export type Handler =
  | ((call: Call) => Promise<Answer>)
  | { readonly type: 'arriving'; readonly handle: (call: ArrivingCall) => Promise<Answer> };
