/*
 * A PostgreSQL 15 server of a test's own, out of Debian's package: its data in a folder of its own, a socket there and no port, and never run as root.
 * It can be stopped, killed and started again with its data.
 */

import { execFile, execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const programs = '/usr/lib/postgresql/15/bin';

/** Why no server can run on this machine, or false: the `skip` of a test. */
export function postgresMissing(): string | false {
  return existsSync(`${programs}/initdb`) ? false : 'no PostgreSQL 15 (Debian: apt-get install postgresql-15)';
}

export interface PostgresServer extends AsyncDisposable {
  /** What openSiteDatabase takes. */
  config(database?: string): {
    readonly type: 'postgres';
    readonly host: string;
    readonly port: number;
    readonly database: string;
    readonly user: string;
  };
  /** Ends all connections and stops; what was committed stays. */
  stop(): Promise<void>;
  /** As a loss of power would: nothing is written any more. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Runs statements as the superuser. */
  execute(sql: string): Promise<void>;
}

const port = 5432;
const settings = [
  "listen_addresses = ''",
  `port = ${port}`,
  'shared_buffers = 16MB',
  'max_connections = 60',
  'log_min_messages = fatal',
  'max_wal_size = 128MB',
];

export async function startPostgres(): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'twinvault-pg-'));
  chmodSync(folder, 0o755);
  const data = join(folder, 'data');
  const run = runner(folder);
  await run('sh', ['-c', `umask 077; mkdir -p ${data}`]);
  await run(`${programs}/initdb`, ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync']);
  const lines = [...settings, `unix_socket_directories = '${folder}'`];
  await run('sh', ['-c', `printf '%s\\n' "$@" >> ${data}/postgresql.conf`, 'sh', ...lines]);
  const server = new LocalPostgres(folder, run);
  await server.start();
  return server;
}

type Run = (program: string, words: readonly string[]) => Promise<void>;

/** Everything runs as "nobody" where the test runs as root, whom the server refuses. */
function runner(folder: string): Run {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) execFileSync('chown', ['nobody', folder]);
  const prefix = isRoot ? ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'] : [];
  return async (program, words) => {
    const [first = '', ...rest] = [...prefix, program, ...words];
    await promisify(execFile)(first, rest, { cwd: folder });
  };
}

/** Ends the server and removes its folder when the test's process is gone without having done so. */
function watch(folder: string): ChildProcess {
  const script = `while kill -0 ${process.pid}; do sleep 1; done
    kill -QUIT "$(head -n 1 '${folder}/data/postmaster.pid')"; sleep 1; rm -rf '${folder}'`;
  const warden = spawn('sh', ['-c', script], { detached: true, stdio: 'ignore' });
  warden.unref();
  return warden;
}

class LocalPostgres implements PostgresServer {
  readonly #folder: string;
  readonly #run: Run;
  readonly #warden: ChildProcess;
  #running = false;

  constructor(folder: string, run: Run) {
    this.#folder = folder;
    this.#run = run;
    this.#warden = watch(folder);
  }

  config(database = 'postgres'): ReturnType<PostgresServer['config']> {
    return { type: 'postgres', host: this.#folder, port, database, user: 'postgres' };
  }

  async start(): Promise<void> {
    // Its output goes to a file: a server that inherited our pipe would keep it open.
    await this.#control(['-l', `${this.#folder}/log`, '-w', '-t', '60', 'start']);
    this.#running = true;
  }

  async stop(): Promise<void> {
    await this.#control(['-m', 'fast', '-w', '-t', '60', 'stop']);
    this.#running = false;
  }

  async kill(): Promise<void> {
    // Ends every process of the server without a checkpoint, so that the next start replays the log.
    await this.#control(['-m', 'immediate', '-w', '-t', '60', 'stop']);
    this.#running = false;
  }

  async execute(sql: string): Promise<void> {
    const words = ['-q', '-X', '-v', 'ON_ERROR_STOP=1', '-h', this.#folder, '-p', String(port), '-U', 'postgres', '-c', sql];
    await this.#run(`${programs}/psql`, words);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#running) await this.kill();
    this.#warden.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #control(words: readonly string[]): Promise<void> {
    return this.#run(`${programs}/pg_ctl`, ['-D', `${this.#folder}/data`, ...words]);
  }
}
