/*
 * A PostgreSQL 15 server of a test's own, out of Debian's package: its data in a folder of its own, a socket there and no port, and never run as root.
 * It can be stopped, killed and started again with its data.
 */

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const programs = '/usr/lib/postgresql/15/bin';

/** Why no server can run on this machine, or false: the `skip` of a test. */
export function postgresMissing(): string | false {
  return existsSync(`${programs}/initdb`) ? false : 'no PostgreSQL 15 (Debian: apt-get install postgresql-15)';
}

export interface PostgresServer extends Disposable {
  /** What openSiteDatabase takes. */
  config(database?: string): {
    readonly type: 'postgres';
    readonly host: string;
    readonly port: number;
    readonly database: string;
    readonly user: string;
  };
  /** Ends all connections and stops; what was committed stays. */
  stop(): void;
  /** As a loss of power would: nothing is written any more. */
  kill(): void;
  start(): void;
  /** Runs statements as the superuser. */
  execute(sql: string): void;
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

export function startPostgres(): PostgresServer {
  const folder = mkdtempSync(join(tmpdir(), 'twinvault-pg-'));
  chmodSync(folder, 0o755);
  const data = join(folder, 'data');
  const run = runner(folder);
  run('sh', ['-c', `umask 077; mkdir -p ${data}`]);
  run(`${programs}/initdb`, ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync']);
  const lines = [...settings, `unix_socket_directories = '${folder}'`];
  run('sh', ['-c', `printf '%s\\n' "$@" >> ${data}/postgresql.conf`, 'sh', ...lines]);
  const server = new LocalPostgres(folder, run);
  server.start();
  return server;
}

type Run = (program: string, words: readonly string[]) => void;

/** Everything runs as "nobody" where the test runs as root, whom the server refuses. */
function runner(folder: string): Run {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) execFileSync('chown', ['nobody', folder]);
  const prefix = isRoot ? ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'] : [];
  return (program, words) => {
    const [first = '', ...rest] = [...prefix, program, ...words];
    const { status, stderr } = spawnSync(first, rest, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
    if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`);
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

  start(): void {
    // Its output goes to a file: a server that inherited our pipe would keep it open.
    this.#control(['-l', `${this.#folder}/log`, '-w', '-t', '60', 'start']);
    this.#running = true;
  }

  stop(): void {
    this.#control(['-m', 'fast', '-w', '-t', '60', 'stop']);
    this.#running = false;
  }

  kill(): void {
    const [first = ''] = readFileSync(`${this.#folder}/data/postmaster.pid`, 'utf8').split('\n');
    // "immediate" ends every process of the server without a checkpoint, so that the next start replays the log.
    this.#control(['-m', 'immediate', '-w', '-t', '60', 'stop']);
    this.#running = false;
    if (existsSync(`/proc/${first}`)) throw new Error('the server is still there');
  }

  execute(sql: string): void {
    this.#run(`${programs}/psql`, [
      '-q',
      '-X',
      '-v',
      'ON_ERROR_STOP=1',
      '-h',
      this.#folder,
      '-p',
      String(port),
      '-U',
      'postgres',
      '-c',
      sql,
    ]);
  }

  [Symbol.dispose](): void {
    if (this.#running) this.#control(['-m', 'immediate', '-w', 'stop']);
    this.#running = false;
    this.#warden.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #control(words: readonly string[]): void {
    this.#run(`${programs}/pg_ctl`, ['-D', `${this.#folder}/data`, ...words]);
  }
}
