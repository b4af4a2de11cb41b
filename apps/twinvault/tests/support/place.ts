/*
 * A temporary place of one test: a vault, a safe in it, the state of a computer, and everything else that the test makes.
 * It is removed when the test file ends.
 */

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { resultOf, twinvault } from './command.ts';
import type { CommandOptions, Outcome } from './command.ts';

export interface SafesetRow {
  readonly safeset: string;
  readonly record: string;
  readonly job: string;
  readonly computerName: string;
  readonly type: string;
  readonly sequence: number;
  readonly result: string;
  readonly counts: Readonly<Record<string, number>>;
}

export interface BackupResult {
  readonly safeset: string;
  readonly record: string;
  readonly sequence: number;
  readonly result: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly uploadedBytes: number;
  readonly removed: number;
  readonly carried: number;
  readonly errors: readonly EntryErrorRow[];
}

export interface EntryErrorRow {
  readonly path: string;
  readonly code: string;
  readonly message: string;
  readonly detail: string;
}

export interface RestoreResult {
  readonly safeset: string;
  readonly files: number;
  readonly directories: number;
  readonly skipped: number;
  readonly bytes: number;
  readonly damagedChunks: number;
  readonly errors: readonly EntryErrorRow[];
}

export const password = 'seven wet ponies at noon';

export interface PlaceOptions {
  /** Where the vault and the state are; in the place unless given. */
  readonly vault?: string;
  readonly state?: string;
}

export class Place {
  readonly root: string;
  readonly vault: string;
  readonly state: string;
  readonly passwordFile: string;
  readonly kitFile: string;

  constructor(root: string, options: PlaceOptions = {}) {
    this.root = root;
    mkdirSync(root, { recursive: true });
    this.vault = options.vault ?? this.path('vault');
    this.state = options.state ?? this.path('state');
    this.passwordFile = this.path('password');
    this.kitFile = this.path('kit.txt');
    writeFileSync(this.passwordFile, `${password}\n`, { mode: 0o600 });
  }

  path(...parts: readonly string[]): string {
    return join(this.root, ...parts);
  }

  /** --vault, --safe and --state. */
  get base(): string[] {
    return ['--vault', this.vault, '--safe', 'home', '--state', this.state];
  }

  get secret(): string[] {
    return ['--password-file', this.passwordFile];
  }

  /** The verb with the options of this place, and --json. */
  run(verb: string, words: readonly string[] = [], options?: CommandOptions): Promise<Outcome> {
    return twinvault([...verb.split(' '), ...this.base, '--json', ...words], options);
  }

  /** `clean`: it knows no --state. */
  clean(words: readonly string[], options?: CommandOptions): Promise<Outcome> {
    return twinvault(['clean', '--vault', this.vault, '--safe', 'home', '--json', ...words], options);
  }

  async init(options?: CommandOptions): Promise<void> {
    resultOf(await this.run('init', [...this.secret, '--kit-file', this.kitFile, '--computer', 'first'], options));
  }

  /** Ends with 0, or with `status`. */
  async backup(words: readonly string[], status = 0): Promise<BackupResult> {
    return resultOf<BackupResult>(await this.run('backup', words), status);
  }

  async safesets(words: readonly string[] = []): Promise<readonly SafesetRow[]> {
    return resultOf<{ safesets: readonly SafesetRow[] }>(await this.run('safesets', words)).safesets;
  }

  /** Restores all of a safeset below `to`. */
  async restore(safeset: string, to: string, words: readonly string[] = []): Promise<RestoreResult> {
    return resultOf<RestoreResult>(await this.run('restore', [...this.secret, '--safeset', safeset, '--to', to, ...words]));
  }
}

/** A directory that is removed when the test file ends. */
export function temporaryDirectory(name: string): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), `twinvault-${name}-`)));
  after(() => rmSync(root, { recursive: true, force: true, maxRetries: 3 }));
  return root;
}

export function makePlace(name: string, options?: PlaceOptions): Place {
  return new Place(temporaryDirectory(name), options);
}
