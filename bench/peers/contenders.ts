/*
 * Who is compared, behind one shape. Twinvault, restic and borg run with what their users would take: Twinvault's and restic's
 * default compression, borg with zstd 3. The references do a part of the same work with nothing but the kernel, a cipher and
 * zstd: they say how near a program is to what the machine can do.
 */

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from '../support/measure.ts';
import { published } from '../support/published.ts';

/** What is measured of a contender. `unchanged` and `again` are the same command for a backup program, but not for a reference. */
export type Action = 'first' | 'unchanged' | 'again' | 'restore' | 'restore-file' | 'check';

export interface Job {
  /** The contender's own folder. */
  readonly folder: string;
  /** What is backed up. */
  readonly data: string;
  /** For restores: the empty folder to restore into, absolute. */
  readonly to: string;
  /** For `restore-file`: absolute path of a file in `data`. */
  readonly file: string;
}

export interface Contender {
  readonly name: string;
  readonly version: string;
  /** `subject` is Twinvault. Ratios are to the better one of the peers. */
  readonly role: 'subject' | 'peer' | 'reference';
  /** In its own folder, which is empty: an empty store, or what the reference reads. Not measured. */
  prepare(job: Pick<Job, 'folder' | 'data'>): void;
  /** Null: it takes no part in this. */
  command(action: Action, job: Job): Command | null;
  /** The folder whose bytes are the stored bytes. */
  store(folder: string): string;
}

const password = 'a long password of the bench';

function run({ program, words, environment, inFolder }: Command): void {
  execFileSync(program, [...words], { cwd: inFolder, env: { ...process.env, ...environment }, stdio: 'pipe' });
}

function versionOf(program: string, words: readonly string[]): string | null {
  try {
    const output = execFileSync(program, [...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return output.trim().split('\n')[0] ?? null;
  } catch {
    return null;
  }
}

function twinvault(): Contender {
  const { launcher } = published();
  const command = (folder: string, [verb = '', ...words]: readonly string[]): Command => ({
    program: launcher,
    words: [verb, '--vault', join(folder, 'vault'), '--safe', 'bench', '--state', join(folder, 'state'), ...words],
  });
  const opened = (folder: string): string[] => ['--password-file', join(folder, 'password')];
  return {
    name: 'twinvault',
    version: `${versionOf(launcher, ['--version']) ?? 'unknown'}, as \`npm run build\` makes it`,
    role: 'subject',
    prepare: ({ folder }) => {
      writeFileSync(join(folder, 'password'), password);
      run(command(folder, ['init', ...opened(folder), '--kit-file', join(folder, 'kit')]));
    },
    command: (action, { folder, data, to, file }) => {
      const restore = ['restore', ...opened(folder), '--safeset', 'latest', '--to', to];
      if (action === 'restore') return command(folder, restore);
      if (action === 'restore-file') return command(folder, [...restore, file]);
      if (action === 'check') return command(folder, ['check', ...opened(folder), '--read-data']);
      return command(folder, ['backup', data]);
    },
    store: (folder) => join(folder, 'vault'),
  };
}

function restic(version: string): Contender {
  const command = (folder: string, words: readonly string[]): Command => ({
    program: 'restic',
    words: [...words, '--quiet'],
    environment: {
      RESTIC_REPOSITORY: join(folder, 'repository'),
      RESTIC_PASSWORD: password,
      RESTIC_CACHE_DIR: join(folder, 'cache'),
    },
  });
  return {
    name: 'restic',
    version,
    role: 'peer',
    prepare: ({ folder }) => run(command(folder, ['init', '--repository-version', '2'])),
    command: (action, { folder, data, to, file }) => {
      if (action === 'restore') return command(folder, ['restore', 'latest', '--target', to]);
      if (action === 'restore-file') return command(folder, ['restore', 'latest', '--target', to, '--include', file]);
      if (action === 'check') return command(folder, ['check', '--read-data']);
      return command(folder, ['backup', data]);
    },
    store: (folder) => join(folder, 'repository'),
  };
}

function borg(version: string): Contender {
  const command = (folder: string, words: readonly string[]): Command => ({
    program: 'borg',
    words,
    environment: {
      BORG_REPO: join(folder, 'repository'),
      BORG_PASSPHRASE: password,
      BORG_BASE_DIR: join(folder, 'base'),
      BORG_RELOCATED_REPO_ACCESS_IS_OK: 'yes',
    },
  });
  /** The newest archive is found on the way, as a person would have to. */
  const extract = (folder: string, to: string, paths: readonly string[]): Command => ({
    ...command(folder, ['-c', 'last=$(borg list --last 1 --short) && exec borg extract "::$last" "$@"', 'sh', ...paths]),
    program: 'sh',
    inFolder: to,
  });
  return {
    name: 'borg',
    version,
    role: 'peer',
    prepare: ({ folder }) => run(command(folder, ['init', '--encryption', 'repokey'])),
    command: (action, { folder, data, to, file }) => {
      if (action === 'restore') return extract(folder, to, []);
      if (action === 'restore-file') return extract(folder, to, [file.slice(1)]);
      if (action === 'check') return command(folder, ['check', '--verify-data']);
      return command(folder, ['create', '--compression', 'zstd,3', '::{utcnow:%Y%m%d%H%M%S%f}', data]);
    },
    store: (folder) => join(folder, 'repository'),
  };
}

interface ReferenceParts {
  readonly name: string;
  readonly version: string | null;
  readonly actions: readonly Action[];
  /** With $1: data, $2: its own folder, $3: where to restore to. */
  readonly script: string;
  readonly prepareScript?: string;
}

function reference({ name, version, actions, script, prepareScript }: ReferenceParts): Contender[] {
  if (version === null) return [];
  const shell = (text: string, { folder, data, to }: Omit<Job, 'file'>): Command => ({
    program: 'sh',
    words: ['-c', text, 'sh', data, folder, to],
  });
  return [
    {
      name,
      version,
      role: 'reference',
      prepare: (job) => {
        if (prepareScript !== undefined) run(shell(prepareScript, { ...job, to: '' }));
      },
      command: (action, job) => (actions.includes(action) ? shell(script, job) : null),
      store: (folder) => folder,
    },
  ];
}

function references(): Contender[] {
  const tar = versionOf('tar', ['--version']);
  const zstd = versionOf('zstd', ['--version']);
  const openssl = versionOf('openssl', ['version']);
  return [
    ...reference({
      name: 'tar|zstd|openssl',
      version: [tar, zstd, openssl].includes(null) ? null : `${zstd} -3 -T2; ${openssl} aes-256-ctr`,
      actions: ['first'],
      script: 'tar -cf - -C "$1" . | zstd -q -3 -T2 | openssl enc -aes-256-ctr -pbkdf2 -pass pass:bench -out "$2/sealed"',
    }),
    ...reference({
      name: 'find (lstat)',
      version: versionOf('find', ['--version']),
      actions: ['unchanged'],
      script: `find "$1" -printf '%s %i %C@\\n' > /dev/null`,
    }),
    ...reference({
      name: 'tar x',
      version: tar,
      actions: ['restore'],
      prepareScript: 'tar -cf "$2/plain.tar" -C "$1" .',
      script: 'tar -xf "$2/plain.tar" -C "$3"',
    }),
    ...reference({
      name: 'cp -a',
      version: versionOf('cp', ['--version']),
      actions: ['restore'],
      script: 'cp -a "$1" "$3/"',
    }),
  ];
}

/** Twinvault and whichever of the others is installed. */
export function contenders(): Contender[] {
  const resticVersion = versionOf('restic', ['version']);
  const borgVersion = versionOf('borg', ['--version']);
  return [
    twinvault(),
    ...(resticVersion === null ? [] : [restic(resticVersion)]),
    ...(borgVersion === null ? [] : [borg(borgVersion)]),
    ...references(),
  ];
}
