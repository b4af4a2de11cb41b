/*
 * A request's body as one byte string, never longer than its route allows: by its Content-Length before a byte of it is read, and without one
 * before the limit is passed.
 */

import { ProtocolError } from '@twinvault/protocol';

export interface BodyLimits {
  /** As the request announces it; null where it does not. */
  readonly announcedBytes: number | null;
  readonly bytesMax: number;
}

/** `request-too-large`, `request-invalid` when it is shorter or longer than announced. What a connection that breaks throws goes through. */
export function readBody(stream: AsyncIterable<Uint8Array>, limits: BodyLimits): Promise<Uint8Array<ArrayBuffer>> {
  const { announcedBytes, bytesMax } = limits;
  demandFits(announcedBytes ?? 0, bytesMax);
  return announcedBytes === null ? readUnannounced(stream, bytesMax) : readAnnounced(stream, announcedBytes);
}

async function readAnnounced(stream: AsyncIterable<Uint8Array>, announcedBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  // One buffer for all of it: a pack is copied once on its way from the connection to where it is verified.
  const body = new Uint8Array(announcedBytes);
  let length = 0;
  for await (const part of stream) {
    if (length + part.length > announcedBytes) throw differs(announcedBytes);
    body.set(part, length);
    length += part.length;
  }
  if (length < announcedBytes) throw differs(announcedBytes);
  return body;
}

async function readUnannounced(stream: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of stream) {
    length += part.length;
    demandFits(length, bytesMax);
    parts.push(part);
  }
  const body = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    body.set(part, offset);
    offset += part.length;
  }
  return body;
}

export function demandFits(lengthBytes: number, bytesMax: number): void {
  if (lengthBytes > bytesMax) throw new ProtocolError('request-too-large', { context: { lengthBytes, bytesMax } });
}

function differs(announcedBytes: number): ProtocolError {
  return new ProtocolError('request-invalid', { context: { defect: 'length is not as announced', announcedBytes } });
}
