/*
 * Signed requests to one bucket, repeated where that may help. aws4fetch makes the signature (AWS Signature Version 4); the network port
 * carries the request, so that limits, proxies and tests are the same as everywhere.
 *
 * All requests may be repeated: an object's put is told from an earlier try of itself by its own mark (s3-store.ts), and removing names
 * a version.
 */

import { AwsV4Signer } from 'aws4fetch';
import { ProtocolError } from '@twinvault/protocol';
import type { ProtocolErrorCode } from '@twinvault/protocol';
import { KiB, minuteMs, primitives, StdError, toHex, utf8Decode } from '@twinvault/std';
import type { Clock, HttpAnswer, HttpRequest, Network, Random, Timers } from '@twinvault/std';
import { textOf } from './s3-xml.ts';

export interface S3Bucket {
  /** `https://s3.example` without a path. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** What all keys begin with: empty, or ending with "/". */
  readonly prefix: string;
  /** Where the bucket's name stands: `https://s3.example/bucket/key`, or `https://bucket.s3.example/key`. */
  readonly addressing: 'path' | 'host';
  readonly accessKey: string;
  readonly secretKey: string;
}

export interface S3Ports {
  readonly network: Network;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
}

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Null: of the bucket itself. */
  readonly key: string | null;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Of an answer that was wanted; 8 MiB when left out. */
  readonly answerBytesMax?: number;
  /** Statuses that are answers; any other throws. */
  readonly statuses: readonly number[];
}

const attemptsMax = 6;
const pauseMsMin = 100;
const pauseMsMax = 5000;
const exchangeMsMax: number = 5 * minuteMs;
/** A page of 1000 keys of 1 KiB, url-encoded. */
const pageBytesMax: number = 8192 * KiB;
const problemBytesMax: number = 64 * KiB;
const passing: ReadonlySet<number> = new Set([408, 409, 425, 429, 500, 502, 503, 504]);

export class S3Client {
  readonly bucket: S3Bucket;
  readonly #ports: S3Ports;
  readonly #keys = new Map<string, ArrayBuffer>();

  constructor(bucket: S3Bucket, ports: S3Ports) {
    this.bucket = bucket;
    this.#ports = ports;
  }

  get random(): Random {
    return this.#ports.random;
  }

  /** `store-away`, `vault-denied`, `vault-full`, `vault-damaged` for an answer above its limit, `vault-failed` for any other refusal. */
  async send(request: S3Request): Promise<HttpAnswer> {
    for (let attempt = 1, pauseMs = pauseMsMin; ; attempt += 1, pauseMs = Math.min(2 * pauseMs, pauseMsMax)) {
      const answer = await this.#exchange(request);
      if (!(answer instanceof Error) && request.statuses.includes(answer.status)) return answer;
      const isPassing = answer instanceof Error || passing.has(answer.status);
      if (!isPassing || attempt === attemptsMax) throw failureOf(answer);
      const [spread = 0] = this.#ports.random.bytes(1);
      await this.#ports.timers.sleep(pauseMs * (0.5 + spread / 256));
    }
  }

  /** An error is one of the network that may pass. */
  async #exchange(request: S3Request): Promise<HttpAnswer | StdError> {
    try {
      return await this.#ports.network.request(await this.#signed(request));
    } catch (error) {
      if (!(error instanceof StdError)) throw error;
      if (error.code === 'network-answer-too-large')
        throw new ProtocolError('vault-damaged', { context: error.context, cause: error });
      if (error.code !== 'network-unreachable' && error.code !== 'network-timeout') throw failureOf(error);
      return error;
    }
  }

  async #signed(request: S3Request): Promise<HttpRequest> {
    const { bucket } = this;
    const { method, query = {}, headers = {}, body, answerBytesMax = pageBytesMax } = request;
    const url = this.#url(request.key);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    // Over TLS nobody can change the body on its way; without, its digest is signed.
    const digest = url.protocol === 'https:' ? 'UNSIGNED-PAYLOAD' : toHex(primitives.sha256(body ?? new Uint8Array(0)));
    const signer = new AwsV4Signer({
      method,
      url: url.href,
      headers: { ...headers, 'x-amz-content-sha256': digest },
      accessKeyId: bucket.accessKey,
      secretAccessKey: bucket.secretKey,
      service: 's3',
      region: bucket.region,
      cache: this.#keys,
      datetime: new Date(this.#ports.clock.nowMs()).toISOString().replace(/[:-]|\.\d{3}/g, ''),
    });
    const signed = await signer.sign();
    return {
      method,
      url: signed.url.href,
      headers: Object.fromEntries(signed.headers.entries()),
      ...(body === undefined ? {} : { body }),
      timeoutMs: exchangeMsMax,
      answerBytesMax: Math.max(answerBytesMax, problemBytesMax),
    };
  }

  #url(key: string | null): URL {
    const { endpoint, bucket, addressing } = this.bucket;
    const url = new URL(endpoint);
    if (addressing === 'host') url.host = `${bucket}.${url.host}`;
    const path = addressing === 'host' ? [] : [bucket];
    url.pathname = [...path, ...(key === null ? [] : [key])].join('/');
    return url;
  }
}

/** The code that S3 gives in the body of a refusal; empty for none. */
export function s3CodeOf({ body }: HttpAnswer): string {
  return body.length > problemBytesMax ? '' : (textOf(utf8Decode(body) ?? '', 'Code') ?? '');
}

const fullCodes: ReadonlySet<string> = new Set(['QuotaExceeded', 'XMinioStorageFull', 'InsufficientCapacity']);

function failureOf(answer: HttpAnswer | StdError): ProtocolError {
  if (answer instanceof StdError) return new ProtocolError('store-away', { context: answer.context, cause: answer });
  const s3 = s3CodeOf(answer);
  return new ProtocolError(codeOf(answer.status, s3), { context: { status: answer.status, s3 } });
}

function codeOf(status: number, s3: string): ProtocolErrorCode {
  if (fullCodes.has(s3) || status === 507) return 'vault-full';
  if (status === 401 || status === 403) return 'vault-denied';
  return status >= 500 || passing.has(status) ? 'store-away' : 'vault-failed';
}
