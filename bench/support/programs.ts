/*
 * The programs that are compared, behind one shape: each makes a store, backs a folder up into it, restores the newest
 * state into a new folder, and checks. Twinvault, restic and borg run with what their users would take: restic's default
 * compression, borg with zstd 3.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, lstatSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from './measure.ts';

export interface BackupProgram {
  readonly name: string;
  readonly version: string;
  /** Makes an empty store in `folder`, which exists and is empty. Not measured. */
  prepare(folder: string): void;
  backup(folder: string, input: string): Command;
  restore(folder: string, to: string): Command;
  check(folder: string): Command;
  /** Where the stored bytes are. */
  store(folder: string): string;
}

const launcher = fileURLToPath(new URL('../../apps/twinvault/bin/twinvault', import.meta.url));
const password = 'a long password of the bench';

function run(command: Command): void {
  execFileSync(command.program, [...command.words], { env: { ...process.env, ...command.environment }, stdio: 'pipe' });
}

function versionOf(program: string, words: readonly string[]): string | null {
  try {
    return (
      execFileSync(program, [...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
        .trim()
        .split('\n')[0] ?? null
    );
  } catch {
    return null;
  }
}

function twinvault(): BackupProgram {
  const base = (folder: string): string[] => [
    '--vault',
    join(folder, 'vault'),
    '--safe',
    'bench',
    '--state',
    join(folder, 'state'),
  ];
  const secret = (folder: string): string[] => ['--password-file', join(folder, 'password')];
  return {
    name: 'twinvault',
    version: versionOf(launcher, ['--version']) ?? 'unknown',
    prepare: (folder) => {
      writeFileSync(join(folder, 'password'), password);
      run({ program: launcher, words: ['init', ...base(folder), ...secret(folder), '--kit-file', join(folder, 'kit')] });
    },
    backup: (folder, input) => ({ program: launcher, words: ['backup', ...base(folder), input], fine: [0, 3] }),
    restore: (folder, to) => ({
      program: launcher,
      words: ['restore', ...base(folder), ...secret(folder), '--safeset', 'latest', '--to', to],
    }),
    check: (folder) => ({ program: launcher, words: ['check', ...base(folder), ...secret(folder), '--read-data'] }),
    store: (folder) => join(folder, 'vault'),
  };
}

function restic(version: string): BackupProgram {
  const environment = (folder: string): Record<string, string> => ({
    RESTIC_REPOSITORY: join(folder, 'repository'),
    RESTIC_PASSWORD: password,
    RESTIC_CACHE_DIR: join(folder, 'cache'),
  });
  const command = (folder: string, words: readonly string[]): Command => ({
    program: 'restic',
    words,
    environment: environment(folder),
  });
  return {
    name: 'restic',
    version,
    prepare: (folder) => run(command(folder, ['init', '--repository-version', '2'])),
    backup: (folder, input) => ({ ...command(folder, ['backup', '--quiet', input]), fine: [0, 3] }),
    restore: (folder, to) => command(folder, ['restore', 'latest', '--quiet', '--target', to]),
    check: (folder) => command(folder, ['check', '--read-data', '--quiet']),
    store: (folder) => join(folder, 'repository'),
  };
}

function borg(version: string): BackupProgram {
  const environment = (folder: string): Record<string, string> => ({
    BORG_REPO: join(folder, 'repository'),
    BORG_PASSPHRASE: password,
    BORG_BASE_DIR: join(folder, 'base'),
    BORG_RELOCATED_REPO_ACCESS_IS_OK: 'yes',
  });
  const command = (folder: string, words: readonly string[]): Command => ({
    program: 'borg',
    words,
    environment: environment(folder),
  });
  return {
    name: 'borg',
    version,
    prepare: (folder) => run(command(folder, ['init', '--encryption', 'repokey'])),
    backup: (folder, input) => ({
      ...command(folder, ['create', '--compression', 'zstd,3', '::{utcnow:%Y%m%d%H%M%S%f}', input]),
      fine: [0, 1],
    }),
    restore: (folder, to) => ({
      program: 'sh',
      words: ['-c', 'cd "$1" && borg extract "::$(borg list --last 1 --short)"', 'sh', to],
      environment: environment(folder),
    }),
    check: (folder) => command(folder, ['check', '--verify-data']),
    store: (folder) => join(folder, 'repository'),
  };
}

/** Twinvault and whichever of the others is installed. */
export function backupPrograms(): BackupProgram[] {
  const resticVersion = versionOf('restic', ['version']);
  const borgVersion = versionOf('borg', ['--version']);
  return [
    twinvault(),
    ...(resticVersion === null ? [] : [restic(resticVersion)]),
    ...(borgVersion === null ? [] : [borg(borgVersion)]),
  ];
}

/** Sum of the sizes of all files below. */
export function storedBytes(folder: string): number {
  let total = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    total += entry.isDirectory() ? storedBytes(path) : lstatSync(path).size;
  }
  return total;
}

export function emptyFolder(parent: string, name: string): string {
  const folder = join(parent, name);
  mkdirSync(folder, { recursive: true });
  return folder;
}
