/*
 * Putting an object into a bucket: in one request, or in parts where it is above a part. Each put carries a mark of its own, so that one
 * whose answer was lost is known again when it is repeated.
 */

import { ProtocolError } from '@twinvault/protocol';
import { concatBytes, MiB, toHex, utf8Decode, utf8Encode } from '@twinvault/std';
import type { HttpAnswer } from '@twinvault/std';
import { s3CodeOf } from './s3-client.ts';
import type { S3Client } from './s3-client.ts';
import { escaped, textOf } from './s3-xml.ts';

/** Objects above this go in parts of this size; S3 takes no smaller ones than 5 MiB, and at most 10 000. */
export const partBytesDefault: number = 64 * MiB;
const markHeader = 'x-amz-meta-twinvault-put';
const versionHeader = 'x-amz-version-id';

export interface Upload {
  readonly key: string;
  readonly parts: readonly Uint8Array[];
  readonly partBytes: number;
  /** `absent`: fails when the key is taken, by the bucket's own word. */
  readonly condition: 'absent' | null;
}

export interface Uploaded {
  /** Of what was put. */
  readonly versionId: string;
}

/** Null when the key is taken by another put. */
export async function upload(client: S3Client, { key, parts, partBytes, condition }: Upload): Promise<Uploaded | null> {
  const [only = new Uint8Array(0), ...more] = parts;
  const body = more.length === 0 ? only : concatBytes(...parts);
  const mark = toHex(client.random.bytes(16));
  const put = { key, body, mark, headers: condition === null ? {} : { 'if-none-match': '*' } };
  const answer = body.length > partBytes ? await inParts(client, put, partBytes) : await whole(client, put);
  if (answer.status !== 412) return { versionId: answer.headers[versionHeader] ?? 'null' };
  const there = await client.send({ method: 'HEAD', key, statuses: [200, 404] });
  // Ours all the same when it was put by an earlier try of which the answer was lost.
  return there.headers[markHeader] === mark ? { versionId: there.headers[versionHeader] ?? 'null' } : null;
}

interface Put {
  readonly key: string;
  readonly body: Uint8Array;
  readonly mark: string;
  readonly headers: Readonly<Record<string, string>>;
}

function whole(client: S3Client, { key, body, mark, headers }: Put): Promise<HttpAnswer> {
  return client.send({ method: 'PUT', key, body, headers: { ...headers, [markHeader]: mark }, statuses: [200, 412] });
}

/** The parts of an upload that fails are given up at once; those of one that dies are swept. */
async function inParts(client: S3Client, { key, body, mark, headers }: Put, partBytes: number): Promise<HttpAnswer> {
  const marked = { [markHeader]: mark };
  const begun = await client.send({ method: 'POST', key, query: { uploads: '' }, headers: marked, statuses: [200] });
  const uploadId = textOf(utf8Decode(begun.body) ?? '', 'UploadId');
  if (uploadId === null) throw new ProtocolError('vault-failed', { context: { defect: 'upload without id' } });
  try {
    const tags: string[] = [];
    for (let offset = 0; offset < body.length; offset += partBytes) {
      const query = { partNumber: String(tags.length + 1), uploadId };
      const part = body.subarray(offset, offset + partBytes);
      const answer = await client.send({ method: 'PUT', key, query, body: part, statuses: [200] });
      tags.push(quoted(answer.headers['etag'] ?? ''));
    }
    const done = { method: 'POST', key, query: { uploadId }, headers, body: completion(tags) } as const;
    const answer = await client.send({ ...done, statuses: [200, 412] });
    demandDone(answer);
    return answer;
  } catch (error) {
    await client.send({ method: 'DELETE', key, query: { uploadId }, statuses: [204, 404] }).catch(() => undefined);
    throw error;
  }
}

function completion(tags: readonly string[]): Uint8Array {
  const parts = tags.map((tag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escaped(tag)}</ETag></Part>`);
  return utf8Encode(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`);
}

/** Some stores give entity tags without the quotes that RFC 9110 section 8.8.3 has. */
function quoted(tag: string): string {
  return tag.startsWith('"') ? tag : `"${tag}"`;
}

/** What takes long answers 200 at once and says in the body how it ended. */
export function demandDone(answer: HttpAnswer): void {
  const s3 = answer.status === 200 ? s3CodeOf(answer) : '';
  if (s3 !== '') throw new ProtocolError('store-away', { context: { s3 } });
}
