/*
 * An S3 store of a test's own: Ceph out of Debian's packages (one monitor, one object store daemon in memory, one RADOS Gateway), on ports of
 * the loopback that were free, with its files in a folder of its own. Up in two to six seconds. It can be paused, killed and started again,
 * but what it held is gone with its object store daemon.
 */

import { execFile, spawn } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePorts } from './free-ports.ts';

const programs = ['ceph-mon', 'ceph-osd', 'radosgw', 'ceph', 'radosgw-admin', 'ceph-authtool', 'monmaptool'];

/** Why no server can run on this machine, or false: the `skip` of a test. */
export function s3Missing(): string | false {
  return programs.every((name) => existsSync(`/usr/bin/${name}`))
    ? false
    : 'no Ceph (Debian: apt-get install ceph-mon ceph-osd radosgw ceph-common)';
}

export interface S3Keys {
  readonly accessKey: string;
  readonly secretKey: string;
}

export interface S3Server extends AsyncDisposable, S3Keys {
  readonly endpoint: string;
  readonly region: string;
  /** Only a bucket that was made so may lock objects. */
  makeBucket(name: string, options: { readonly lock: boolean; readonly keys?: S3Keys }): Promise<void>;
  /** Another user, with a bound on what all its buckets hold. */
  addUser(options: { readonly name: string; readonly bytesMax: number }): Promise<S3Keys>;
  /** Stops the processor time of the disk's daemon: requests hang until `resume`. */
  pause(): void;
  resume(): void;
  /** Kills the gateway: connections break and none is taken until `restart`, which finds everything as it was. */
  kill(): Promise<void>;
  restart(): Promise<void>;
}

const run = promisify(execFile);
const upMsMax = 60_000;

export async function startS3(): Promise<S3Server> {
  const folder = mkdtempSync(join(tmpdir(), 'twinvault-s3-'));
  const server = new CephServer(folder, await freePorts(3));
  try {
    await server.start();
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

function configOf(folder: string, [monitorPort = 0, oldMonitorPort = 0, port = 0]: readonly number[]): string {
  const settings = {
    global: {
      fsid: crypto.randomUUID(),
      auth_cluster_required: 'cephx',
      auth_service_required: 'cephx',
      auth_client_required: 'cephx',
      mon_host: `[v2:127.0.0.1:${monitorPort},v1:127.0.0.1:${oldMonitorPort}]`,
      public_addr: '127.0.0.1',
      cluster_addr: '127.0.0.1',
      ms_bind_ipv6: 'false',
      run_dir: folder,
      admin_socket: '',
      pid_file: '',
      log_file: '',
      log_to_stderr: 'true',
      crash_dir: folder,
      keyring: `${folder}/keyring`,
      osd_pool_default_size: 1,
      osd_pool_default_min_size: 1,
      osd_pool_default_pg_num: 4,
      osd_pool_default_pgp_num: 4,
      osd_pool_default_pg_autoscale_mode: 'off',
      osd_crush_chooseleaf_type: 0,
      mon_allow_pool_size_one: 'true',
      mon_max_pg_per_osd: 1000,
    },
    mon: { mon_data: `${folder}/mon`, mon_data_avail_crit: 1, paxos_propose_interval: 0.05, paxos_min_wait: 0.02 },
    osd: {
      osd_data: `${folder}/osd`,
      osd_objectstore: 'memstore',
      memstore_device_bytes: 4_294_967_296,
      osd_class_update_on_start: 'false',
      osd_numa_auto_affinity: 'false',
    },
    client: {
      rgw_frontends: `beast endpoint=127.0.0.1:${port}`,
      rgw_data: `${folder}/gateway`,
      rgw_run_sync_thread: 'false',
      rgw_enable_usage_log: 'false',
      rgw_thread_pool_size: 32,
    },
  };
  return Object.entries(settings)
    .map(([section, lines]) => [`[${section}]`, ...Object.entries(lines).map(([key, value]) => `${key} = ${value}`)].join('\n'))
    .join('\n');
}

/** AWS Signature Version 4 of a PUT without a body. */
function signedPut(url: URL, region: string, { accessKey, secretKey }: S3Keys): Record<string, string> {
  const hmac = (key: string | Uint8Array, text: string): Uint8Array => createHmac('sha256', key).update(text).digest();
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
  const time = new Date().toISOString().replaceAll(/[:-]|\.\d{3}/gu, '');
  const scope = [time.slice(0, 8), region, 's3', 'aws4_request'];
  const headers = { 'x-amz-content-sha256': sha256(''), 'x-amz-date': time };
  const signed = { host: url.host, ...headers };
  const names = Object.keys(signed).join(';');
  const lines = Object.entries(signed).map(([name, value]) => `${name}:${value}\n`);
  const request = ['PUT', url.pathname, '', lines.join(''), names, sha256('')].join('\n');
  const key = scope.reduce<Uint8Array | string>((over, part) => hmac(over, part), `AWS4${secretKey}`);
  const signature = Buffer.from(hmac(key, ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(request)].join('\n'))).toString(
    'hex',
  );
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope.join('/')}, SignedHeaders=${names}, Signature=${signature}`;
  return { ...headers, authorization };
}

class CephServer implements S3Server {
  readonly endpoint: string;
  readonly region: string = 'default';
  readonly accessKey: string = 'TESTACCESS';
  readonly secretKey: string = 'test-secret';
  readonly #folder: string;
  readonly #ports: readonly number[];
  readonly #children = new Map<string, ChildProcess>();

  constructor(folder: string, ports: readonly number[]) {
    this.#folder = folder;
    this.#ports = ports;
    this.endpoint = `http://127.0.0.1:${ports[2] ?? 0}`;
  }

  async start(): Promise<void> {
    const folder = this.#folder;
    for (const name of ['mon', 'osd', 'gateway']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'ceph.conf'), `${configOf(folder, this.#ports)}\n`);
    await this.#makeKeys();
    await this.#makeMonitor();
    this.#spawn('ceph-mon', ['-i', 'a', '-f']);
    const id = crypto.randomUUID();
    await this.#command('ceph', ['osd', 'new', id]);
    await this.#command('ceph-osd', ['-i', '0', '--mkfs', '--osd-uuid', id]);
    this.#spawn('ceph-osd', ['-i', '0', '-f']);
    this.#spawn('radosgw', ['-n', 'client.rgw', '-f']);
    await this.#admin([
      'user',
      'create',
      '--uid=test',
      '--display-name=test',
      `--access-key=${this.accessKey}`,
      `--secret-key=${this.secretKey}`,
    ]);
    await this.#answers();
  }

  async addUser({ name, bytesMax }: { name: string; bytesMax: number }): Promise<S3Keys> {
    const keys = { accessKey: `KEY${name.toUpperCase()}`, secretKey: `secret-${name}` };
    await this.#admin([
      'user',
      'create',
      `--uid=${name}`,
      `--display-name=${name}`,
      `--access-key=${keys.accessKey}`,
      `--secret-key=${keys.secretKey}`,
    ]);
    await this.#admin(['quota', 'set', `--uid=${name}`, '--quota-scope=user', `--max-size=${bytesMax}`]);
    await this.#admin(['quota', 'enable', `--uid=${name}`, '--quota-scope=user']);
    return keys;
  }

  async makeBucket(name: string, { lock, keys = this }: { lock: boolean; keys?: S3Keys }): Promise<void> {
    const headers = signedPut(new URL(`/${name}`, this.endpoint), this.region, keys);
    const extra: Record<string, string> = lock ? { 'x-amz-bucket-object-lock-enabled': 'true' } : {};
    const { status } = await fetch(`${this.endpoint}/${name}`, { method: 'PUT', headers: { ...headers, ...extra } });
    if (status !== 200) throw new Error(`the bucket was not made: ${status}`);
  }

  pause(): void {
    this.#children.get('ceph-osd')?.kill('SIGSTOP');
  }

  resume(): void {
    this.#children.get('ceph-osd')?.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    await this.#end('radosgw');
  }

  async restart(): Promise<void> {
    this.#spawn('radosgw', ['-n', 'client.rgw', '-f']);
    await this.#answers();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of [...this.#children.keys()].toReversed()) await this.#end(name);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** One keyring for all. */
  async #makeKeys(): Promise<void> {
    const keyring = `${this.#folder}/keyring`;
    const everything = ['--cap', 'mon', 'allow *', '--cap', 'osd', 'allow *'];
    await run('ceph-authtool', ['--create-keyring', keyring, '--gen-key', '-n', 'mon.', '--cap', 'mon', 'allow *']);
    await run('ceph-authtool', [keyring, '--gen-key', '-n', 'client.admin', ...everything]);
    await run('ceph-authtool', [
      keyring,
      '--gen-key',
      '-n',
      'client.rgw',
      '--cap',
      'mon',
      'allow rw',
      '--cap',
      'osd',
      'allow rwx',
    ]);
    await run('ceph-authtool', [
      keyring,
      '--gen-key',
      '-n',
      'osd.0',
      '--cap',
      'mon',
      'allow profile osd',
      '--cap',
      'osd',
      'allow *',
    ]);
  }

  async #makeMonitor(): Promise<void> {
    const [monitorPort = 0, oldMonitorPort = 0] = this.#ports;
    const map = `${this.#folder}/monmap`;
    const addresses = `[v2:127.0.0.1:${monitorPort},v1:127.0.0.1:${oldMonitorPort}]`;
    await run('monmaptool', ['--create', '--addv', 'a', addresses, map]);
    await this.#command('ceph-mon', ['--mkfs', '-i', 'a', '--monmap', map, '--keyring', `${this.#folder}/keyring`]);
  }

  #admin(words: readonly string[]): Promise<void> {
    return this.#command('radosgw-admin', ['-n', 'client.rgw', ...words]);
  }

  async #command(program: string, words: readonly string[]): Promise<void> {
    await run(program, ['-c', `${this.#folder}/ceph.conf`, ...words], { cwd: this.#folder, timeout: upMsMax });
  }

  #spawn(program: string, words: readonly string[]): void {
    const log = openSync(`${this.#folder}/${program}.log`, 'a');
    const child = spawn(program, ['-c', `${this.#folder}/ceph.conf`, ...words], {
      cwd: this.#folder,
      stdio: ['ignore', log, log],
    });
    child.on('error', () => undefined);
    this.#children.set(program, child);
  }

  async #end(name: string): Promise<void> {
    const child = this.#children.get(name);
    this.#children.delete(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  /** Whether the gateway takes requests is told by asking alone. */
  async #answers(): Promise<void> {
    const untilMs = performance.now() + upMsMax;
    for (;;) {
      try {
        await fetch(this.endpoint);
        return;
      } catch (error) {
        if (performance.now() > untilMs) throw error;
        await sleep(50);
      }
    }
  }
}
