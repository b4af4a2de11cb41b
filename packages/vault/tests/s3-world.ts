/* A bucket of a real Ceph gateway for tests: one server for a test file, a prefix of its own for each test. */

import { nodeNetwork, nodePlatform } from '@twinvault/std/node';
import type { Network } from '@twinvault/std';
import { memoryPlatform, startS3 } from '@twinvault/testkit';
import type { S3Keys, S3Server } from '@twinvault/testkit';
import { FileLeases } from '../src/leases/file-leases.ts';
import { FileTime } from '../src/leases/file-time.ts';
import type { Leases } from '../src/index.ts';
import { leaseGate } from '../src/store/put-gate.ts';
import type { PutGate } from '../src/store/put-gate.ts';
import { openS3Store } from '../src/store/s3/open-s3-store.ts';
import type { S3Options } from '../src/store/s3/open-s3-store.ts';
import type { S3Bucket, S3Ports } from '../src/store/s3/s3-client.ts';
import type { S3Store } from '../src/store/s3/s3-store.ts';
import { vaultFiles } from '../src/store/vault-files.ts';

export interface OpenOptions extends Partial<Omit<S3Options, 'ports' | 'bucket' | 'gate'>> {
  readonly network?: Network;
  readonly leases?: Leases;
}

export class S3World {
  readonly server: S3Server;
  readonly ports: S3Ports;
  readonly #network = nodeNetwork();
  #count = 0;

  private constructor(server: S3Server) {
    this.server = server;
    const { clock, timers, random } = nodePlatform();
    this.ports = { network: this.#network, clock, timers, random };
  }

  static async start(): Promise<S3World> {
    return new S3World(await startS3());
  }

  bucketOf(bucket: string, keys: S3Keys = this.server): S3Bucket {
    const { endpoint, region } = this.server;
    const { accessKey, secretKey } = keys;
    return { endpoint, region, bucket, prefix: '', addressing: 'path', accessKey, secretKey };
  }

  /** A new bucket; with `lock` one that may lock. */
  async makeBucket(options: { readonly lock: boolean; readonly keys?: S3Keys }): Promise<S3Bucket> {
    this.#count += 1;
    const bucket = this.bucketOf(`bucket-${this.#count}`, options.keys);
    await this.server.makeBucket(bucket.bucket, options);
    return bucket;
  }

  /** The same bucket, other names. */
  withPrefix(bucket: S3Bucket): S3Bucket {
    this.#count += 1;
    return { ...bucket, prefix: `test-${this.#count}/` };
  }

  /** Nodes that share `leases` are one site. */
  async open(bucket: S3Bucket, options: OpenOptions = {}): Promise<S3Store> {
    const { network = this.#network, leases = await memoryLeases(), ...rest } = options;
    return openS3Store({ bucket, ports: { ...this.ports, network }, gate: gateOf(leases), lockMode: 'COMPLIANCE', ...rest });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#network[Symbol.dispose]();
    await this.server[Symbol.asyncDispose]();
  }
}

/** Leases of a site whose nodes are all in this process. */
export async function memoryLeases(): Promise<Leases> {
  const { files: bare, random } = memoryPlatform('leases');
  const files = vaultFiles(bare);
  await files.makeDirectory('/v');
  const { timers } = nodePlatform();
  const processes = { self: '', isGone: () => false };
  return new FileLeases({ files, time: new FileTime(files, random, '/v'), timers, random, processes, root: '/v' });
}

export function gateOf(leases: Leases): PutGate {
  const { clock, timers, random } = nodePlatform();
  return leaseGate({ leases, clock, timers, random });
}
