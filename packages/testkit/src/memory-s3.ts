/*
 * A store that speaks S3 in memory, as a handler of the network in memory, with the ways in which providers differ: whether conditions hold, whether
 * versions can be had, whether a lock is kept, how an entity tag is written, how long a page is. Signatures are not checked, digests of bodies are.
 * What a real one does is tried on Ceph (s3-server.ts); this one does what no server at hand does.
 */

import { concatBytes, primitives, toHex, utf8Decode, utf8Encode } from '@twinvault/std';
import type { Clock, HttpAnswer } from '@twinvault/std';
import type { MemoryHandler, ReceivedRequest } from './memory-network.ts';

export interface MemoryS3Options {
  readonly clock: Pick<Clock, 'nowMs'>;
  /** What becomes of `If-None-Match: *`. */
  readonly conditions?: 'held' | 'overlooked' | 'refused';
  /** `lost`: said to be kept, and not. */
  readonly versions?: 'kept' | 'refused' | 'lost';
  /** `pretended`: retention is taken, and objects are removed all the same. */
  readonly locks?: 'kept' | 'pretended' | 'none';
  readonly defaultRetention?: boolean;
  /** Entity tags without their quotes. */
  readonly bareTags?: boolean;
  readonly pageMax?: number;
}

interface Version {
  readonly id: string;
  /** Null: a delete marker. */
  readonly bytes: Uint8Array | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly modifiedMs: number;
  lockedMs: number;
}

interface Upload {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly initiatedMs: number;
  readonly parts: Map<number, Uint8Array>;
}

const none = new Uint8Array(0);

function answer(status: number, headers: Readonly<Record<string, string>> = {}, body: Uint8Array = none): HttpAnswer {
  return { status, headers, body };
}

function xml(text: string): HttpAnswer {
  return answer(200, {}, utf8Encode(text));
}

function refusal(status: number, code: string): HttpAnswer {
  return answer(status, {}, utf8Encode(`<Error><Code>${code}</Code></Error>`));
}

/** One bucket, `/bucket` of its origin. */
export class MemoryS3 {
  readonly #options: Required<MemoryS3Options>;
  /** The newest first. */
  readonly #keys = new Map<string, Version[]>();
  readonly #uploads = new Map<string, Upload>();
  #hasVersions = false;
  #count = 0;

  constructor(options: MemoryS3Options) {
    this.#options = {
      conditions: 'held',
      versions: 'kept',
      locks: 'none',
      defaultRetention: false,
      bareTags: false,
      pageMax: 1000,
      ...options,
    };
  }

  /** To serve on a memory network. */
  readonly handle: MemoryHandler = (request) => {
    const digest = request.headers['x-amz-content-sha256'] ?? '';
    if (!(request.headers['authorization'] ?? '').startsWith('AWS4-HMAC-SHA256 ')) return refusal(403, 'AccessDenied');
    if (digest !== 'UNSIGNED-PAYLOAD' && digest !== toHex(primitives.sha256(request.body))) {
      return refusal(400, 'XAmzContentSHA256Mismatch');
    }
    const [, bucket, ...rest] = decodeURIComponent(request.url.pathname).split('/');
    if (bucket !== 'bucket') return refusal(404, 'NoSuchBucket');
    const key = rest.join('/');
    const made = key === '' ? this.#onBucket(request) : this.#onKey(request, key);
    return { ...made, headers: { date: httpDate(this.#options.clock.nowMs()), ...made.headers } };
  };

  #onBucket({ method, url: { searchParams: query }, body }: ReceivedRequest): HttpAnswer {
    if (method === 'HEAD') return answer(200);
    if (query.has('versioning')) {
      if (method === 'PUT') {
        if (this.#options.versions === 'refused') return refusal(501, 'NotImplemented');
        this.#hasVersions = (utf8Decode(body) ?? '').includes('Enabled');
        return answer(200);
      }
      return xml(`<VersioningConfiguration>${this.#hasVersions ? '<Status>Enabled</Status>' : ''}</VersioningConfiguration>`);
    }
    if (query.has('object-lock')) {
      if (this.#options.locks === 'none') return refusal(404, 'ObjectLockConfigurationNotFoundError');
      const rule = this.#options.defaultRetention ? '<Rule><DefaultRetention><Days>1</Days></DefaultRetention></Rule>' : '';
      return xml(`<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>${rule}</ObjectLockConfiguration>`);
    }
    if (query.has('uploads')) return this.#listUploads(query.get('prefix') ?? '');
    return query.has('versions') ? this.#listVersions(query) : this.#listKeys(query);
  }

  #onKey(request: ReceivedRequest, key: string): HttpAnswer {
    const { method, url, headers } = request;
    const query = url.searchParams;
    if (method === 'POST' || query.has('partNumber') || (method === 'DELETE' && query.has('uploadId'))) {
      return this.#onUpload(request, key);
    }
    if (method === 'PUT' && query.has('retention')) return this.#retain(key, utf8Decode(request.body) ?? '');
    if (method === 'PUT') {
      if (headers['if-none-match'] === '*') {
        if (this.#options.conditions === 'refused') return refusal(501, 'NotImplemented');
        if (this.#options.conditions === 'held' && this.#latest(key) !== null) return refusal(412, 'PreconditionFailed');
      }
      const source = headers['x-amz-copy-source'];
      return source === undefined ? this.#put(key, request.body, headers) : this.#copy(key, source);
    }
    if (method === 'DELETE') return this.#delete(key, query.get('versionId'));
    return this.#read(request, key);
  }

  #read({ method, url, headers }: ReceivedRequest, key: string): HttpAnswer {
    const id = url.searchParams.get('versionId');
    const version = id === null ? this.#latest(key) : (this.#keys.get(key)?.find((each) => each.id === id) ?? null);
    if (version === null || version.bytes === null) return refusal(404, 'NoSuchKey');
    const { bytes } = version;
    const told = {
      'content-length': String(bytes.length),
      'last-modified': httpDate(version.modifiedMs),
      'x-amz-version-id': version.id,
      etag: this.#tag(bytes),
      ...version.headers,
      ...(version.lockedMs === 0 ? {} : { 'x-amz-object-lock-retain-until-date': new Date(version.lockedMs).toISOString() }),
    };
    if (method === 'HEAD') return answer(200, told);
    const [, from, to] = /^bytes=(\d+)-(\d+)$/u.exec(headers['range'] ?? '') ?? [];
    if (from === undefined) return answer(200, told, bytes);
    if (Number(from) >= bytes.length) return refusal(416, 'InvalidRange');
    return answer(206, told, bytes.slice(Number(from), Number(to) + 1));
  }

  #put(key: string, bytes: Uint8Array, headers: Readonly<Record<string, string>>): HttpAnswer {
    const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-')));
    const version = this.#add(key, { bytes: bytes.slice(), headers: kept });
    return answer(200, { etag: this.#tag(bytes), 'x-amz-version-id': version.id });
  }

  #copy(key: string, source: string): HttpAnswer {
    const [path = '', id = ''] = source.split('?versionId=');
    const from = decodeURIComponent(path).split('/').slice(2).join('/');
    const version = this.#keys.get(from)?.find((each) => each.id === decodeURIComponent(id));
    if (version?.bytes === undefined || version.bytes === null) return refusal(404, 'NoSuchKey');
    this.#add(key, { bytes: version.bytes, headers: version.headers });
    return xml('<CopyObjectResult></CopyObjectResult>');
  }

  #delete(key: string, id: string | null): HttpAnswer {
    const versions = this.#keys.get(key) ?? [];
    if (id === null) {
      this.#add(key, { bytes: null, headers: {} });
      return answer(204, { 'x-amz-delete-marker': 'true' });
    }
    const version = versions.find((each) => each.id === id);
    const isLocked = version !== undefined && version.lockedMs > this.#options.clock.nowMs();
    if (isLocked && this.#options.locks === 'kept') return refusal(403, 'AccessDenied');
    const left = versions.filter((each) => each.id !== id);
    if (left.length === 0) this.#keys.delete(key);
    else this.#keys.set(key, left);
    return answer(204);
  }

  #retain(key: string, body: string): HttpAnswer {
    const version = this.#latest(key);
    if (version === null) return refusal(404, 'NoSuchKey');
    if (this.#options.locks === 'none') return refusal(400, 'InvalidRequest');
    const untilMs = Date.parse(/<RetainUntilDate>([^<]*)</u.exec(body)?.[1] ?? '');
    if (untilMs < version.lockedMs) return refusal(403, 'AccessDenied');
    version.lockedMs = untilMs;
    return answer(200);
  }

  #onUpload({ method, url: { searchParams: query }, headers, body }: ReceivedRequest, key: string): HttpAnswer {
    if (query.has('uploads')) {
      const id = this.#nextId();
      this.#uploads.set(id, { key, headers, initiatedMs: this.#options.clock.nowMs(), parts: new Map() });
      return xml(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
    }
    const id = query.get('uploadId') ?? '';
    const upload = this.#uploads.get(id);
    if (upload === undefined) return refusal(404, 'NoSuchUpload');
    if (method === 'PUT') {
      upload.parts.set(Number(query.get('partNumber')), body.slice());
      return answer(200, { etag: this.#tag(body) });
    }
    if (method === 'DELETE') {
      this.#uploads.delete(id);
      return answer(204);
    }
    const numbers = [...upload.parts.keys()].toSorted((a, b) => a - b);
    const tags = [...(utf8Decode(body) ?? '').matchAll(/<ETag>&quot;([^&]*)&quot;<\/ETag>/gu)].map(([, tag]) => tag);
    const parts = numbers.map((number) => upload.parts.get(number) ?? none);
    if (tags.join(' ') !== parts.map((part) => this.#tag(part).replaceAll('"', '')).join(' ')) return refusal(400, 'InvalidPart');
    const isTaken = headers['if-none-match'] === '*' && this.#latest(key) !== null;
    if (isTaken && this.#options.conditions === 'held') return refusal(412, 'PreconditionFailed');
    this.#uploads.delete(id);
    const put = this.#put(key, concatBytes(...parts), upload.headers);
    return { ...xml('<CompleteMultipartUploadResult></CompleteMultipartUploadResult>'), headers: put.headers };
  }

  #add(key: string, { bytes, headers }: Pick<Version, 'bytes' | 'headers'>): Version {
    const { versions, clock } = this.#options;
    const keeps = this.#hasVersions && versions === 'kept';
    const version = { id: keeps ? this.#nextId() : 'null', bytes, headers, modifiedMs: clock.nowMs(), lockedMs: 0 };
    this.#keys.set(key, [version, ...(keeps ? (this.#keys.get(key) ?? []) : [])]);
    return version;
  }

  /** Null for a delete marker too. */
  #latest(key: string): Version | null {
    const [latest] = this.#keys.get(key) ?? [];
    return latest === undefined || latest.bytes === null ? null : latest;
  }

  #nextId(): string {
    this.#count += 1;
    return `id-${this.#count}`;
  }

  #tag(bytes: Uint8Array): string {
    const tag = toHex(primitives.sha256(bytes)).slice(0, 32);
    return this.#options.bareTags ? tag : `"${tag}"`;
  }

  #listKeys(query: URLSearchParams): HttpAnswer {
    const after = query.get('continuation-token') ?? '';
    const there = [...this.#keys.keys()].filter((key) => this.#latest(key) !== null);
    const { items, next } = this.#page(there, query, after);
    const lines = items.map((item) =>
      item.endsWith('/') ? prefixLine(item) : `<Contents><Key>${encodeURIComponent(item)}</Key></Contents>`,
    );
    const more =
      next === null
        ? '<IsTruncated>false</IsTruncated>'
        : `<IsTruncated>true</IsTruncated><NextContinuationToken>${next}</NextContinuationToken>`;
    return xml(`<ListBucketResult>${lines.join('')}${more}</ListBucketResult>`);
  }

  #listVersions(query: URLSearchParams): HttpAnswer {
    const { items, next } = this.#page([...this.#keys.keys()], query, query.get('key-marker') ?? '');
    const lines = items.flatMap((item) => (item.endsWith('/') ? [prefixLine(item)] : this.#versionLines(item)));
    const more =
      next === null
        ? '<IsTruncated>false</IsTruncated>'
        : `<IsTruncated>true</IsTruncated><NextKeyMarker>${encodeURIComponent(next)}</NextKeyMarker>`;
    return xml(`<ListVersionsResult>${lines.join('')}${more}</ListVersionsResult>`);
  }

  #versionLines(key: string): string[] {
    return (this.#keys.get(key) ?? []).map(({ id, bytes, modifiedMs }, index) => {
      const name = bytes === null ? 'DeleteMarker' : 'Version';
      const parts = [
        `<Key>${encodeURIComponent(key)}</Key><VersionId>${id}</VersionId>`,
        `<IsLatest>${index === 0}</IsLatest><LastModified>${new Date(modifiedMs).toISOString()}</LastModified>`,
      ];
      return `<${name}>${parts.join('')}</${name}>`;
    });
  }

  #listUploads(prefix: string): HttpAnswer {
    const lines = [...this.#uploads]
      .filter(([, { key }]) => key.startsWith(prefix))
      .map(([id, { key, initiatedMs }]) => {
        const when = new Date(initiatedMs).toISOString();
        return `<Upload><Key>${encodeURIComponent(key)}</Key><UploadId>${id}</UploadId><Initiated>${when}</Initiated></Upload>`;
      });
    return xml(`<ListMultipartUploadsResult>${lines.join('')}</ListMultipartUploadsResult>`);
  }

  /** Keys, and common prefixes with their "/", in order. */
  #page(keys: readonly string[], query: URLSearchParams, after: string): { items: string[]; next: string | null } {
    const prefix = query.get('prefix') ?? '';
    const isFlat = query.get('delimiter') === '/';
    const items = keys
      .filter((key) => key.startsWith(prefix))
      .map((key) => {
        const slash = isFlat ? key.indexOf('/', prefix.length) : -1;
        return slash < 0 ? key : key.slice(0, slash + 1);
      });
    const left = [...new Set(items)].toSorted((a, b) => (a < b ? -1 : 1)).filter((item) => item > after);
    const page = left.slice(0, this.#options.pageMax);
    return { items: page, next: page.length < left.length ? (page.at(-1) ?? null) : null };
  }
}

function prefixLine(prefix: string): string {
  return `<CommonPrefixes><Prefix>${encodeURIComponent(prefix)}</Prefix></CommonPrefixes>`;
}

function httpDate(timeMs: number): string {
  return new Date(timeMs).toUTCString();
}
